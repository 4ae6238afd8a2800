-- API keys: who may call, for whom, and how far. A key is shown once; here is only its hash.
--
-- Safe beside any release: nothing older names this table.
-- Undo by dropping it: every caller needs a new key.
create table leadrail.api_key (
    id uuid primary key,
    shown text not null,
    hash bytea not null unique check (octet_length(hash) = 32),
    purpose text not null check (purpose <> ''),
    role text not null check (role in ('operator', 'operator_read_only', 'account', 'intake')),
    account text check (account <> ''),
    created_at timestamptz not null default leadrail.now(),
    created_by text not null,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    constraint api_key_of_an_account check (role = 'intake' or (role = 'account') = (account is not null))
);
create index api_key_account on leadrail.api_key (account, purpose);

comment on table leadrail.api_key is 'One API key; revoked and expired ones stay, for whoever asks what they did.';
comment on column leadrail.api_key.id is 'Random (v4). Logs and lists name a key by it.';
comment on column leadrail.api_key.shown is 'The beginning of the key, by which its holder knows it.';
comment on column leadrail.api_key.hash is 'SHA-256 of the key. It has 256 random bits, so nothing slower is needed.';
comment on column leadrail.api_key.purpose is 'What it is for, in its maker''s words; at most two keys of one purpose and account work at a time.';
comment on column leadrail.api_key.role is 'What its holder may do: operator, operator_read_only, account, intake.';
comment on column leadrail.api_key.account is 'Whose leads and connections it is for; null for all.';
comment on column leadrail.api_key.created_by is 'The actor that made it.';
comment on column leadrail.api_key.expires_at is 'From when on it is refused; null: never.';
comment on column leadrail.api_key.last_used_at is 'When it was last used, to about a minute.';
comment on column leadrail.api_key.revoked_at is 'When it was taken back; null while it was not.';
