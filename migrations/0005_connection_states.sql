-- Connections that nobody has signed in to yet, that a person has paused, and what the CRM said last.
--
-- A state says whether leads may go; beside it stands what it is not allowed to forget while somebody
-- has paused or switched off the connection: that it has no credential (version 0) or that the CRM
-- refused the present one.
--
-- Safe beside the previous release, which names no column of these and makes no connection in the new
-- states. One that this release makes or pauses it cannot read: such a connection's leads wait, which is
-- what its state means, and its lists fail. So pause and prepare connections once all processes are of
-- this release.
-- Undo by making every such connection disabled; the values of the type stay.
alter type leadrail.connection_state add value if not exists 'pending';
alter type leadrail.connection_state add value if not exists 'paused';

alter table leadrail.connection
    add column refusal text,
    add column revision integer not null default 1,
    add column probe_at timestamptz not null default leadrail.now();

update leadrail.connection set refusal = state_reason where state = 'needs_reauth';

comment on column leadrail.connection.state is 'active: leads go out. pending: nobody has signed in yet, leads wait. needs_reauth: the CRM refused the credential, leads wait. paused: a person holds its leads back for a while. disabled: a person switched it off.';
comment on column leadrail.connection.secret_version is 'Counts replacements of the credential, so that a late refusal of the old one does not condemn the new one; 0 while nobody has signed in.';
comment on column leadrail.connection.refusal is 'What the CRM said when it refused the present credential, for people; null if it did not.';
comment on column leadrail.connection.revision is 'Counts changes of what people set, so that of two changes at once neither is lost unnoticed.';
comment on column leadrail.connection.probe_at is 'When the CRM is asked next whether it accepts the credential.';
