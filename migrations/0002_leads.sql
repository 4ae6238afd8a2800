-- Leads: a row for each that was accepted, so that people find them by account, connection and number.
--
-- The engine's table of runs is hot and may be indexed neither by tenant nor by state, so what a lead is
-- stands here and where it stands there; both have the run's id. Rows are written by
-- leadrail.accept_leads and never changed.
--
-- Safe beside any release: nothing older names these objects.
-- Undo by dropping both tables and the row in leadrail.dated_table: nothing else is lost.
create table leadrail.lead (
    run_id uuid primary key,
    account text not null,
    crm text,
    crm_account_id text,
    connection_id uuid,
    event text not null check (event in ('qualified', 'unqualified')),
    event_id uuid not null,
    phone_hash bytea check (octet_length(phone_hash) = 16),
    received_at timestamptz not null
) partition by range (run_id);
-- Every index costs each lead that is accepted. There is none by event: leadrail.run_key is one, and in
-- one piece.
create index lead_account on leadrail.lead (account, run_id desc);
create index lead_connection on leadrail.lead (connection_id, run_id desc) where connection_id is not null;
create index lead_unconnected on leadrail.lead (account, crm, run_id desc) where connection_id is null and crm is not null;
create index lead_phone on leadrail.lead (phone_hash, run_id desc) where phone_hash is not null;

comment on table leadrail.lead is 'Append-only: what was accepted. Where a lead stands is its run''s affair.';
comment on column leadrail.lead.run_id is 'The run that files it; time-ordered.';
comment on column leadrail.lead.account is 'Whose lead it is: the payload''s callsetter_account_id.';
comment on column leadrail.lead.crm is 'The CRM that it is addressed to, such as housecall_pro; null where to none.';
comment on column leadrail.lead.crm_account_id is 'The account on the CRM''s side that it names; null where it names none.';
comment on column leadrail.lead.connection_id is 'The one connection that fitted when the lead was accepted; null where there was none yet, or several.';
comment on column leadrail.lead.event is 'What the call was: qualified or unqualified.';
comment on column leadrail.lead.event_id is 'The lead''s idempotency key, unique within its account.';
comment on column leadrail.lead.phone_hash is 'Keyed hash of the caller''s number, leadrail.phone_hash; null where it has none that a database can read.';
comment on column leadrail.lead.received_at is 'When it was accepted.';

-- Whatever falls outside the partitions made ahead, and rows of old leads that still wait for a person.
create table leadrail.lead_default partition of leadrail.lead default;

-- A page of one account looks into every partition, so they are weeks and not days: a row may outlive
-- its run by six days, in which no list shows it.
insert into leadrail.dated_table (name, id_column, days) values ('lead', 'run_id', 7);

-- The key of all hashes of numbers. Not in the code and not the same anywhere else, so that a table of
-- all numbers' hashes has to be made anew for each database by somebody who can read this one.
create table leadrail.phone_key (
    one boolean primary key default true check (one),
    key bytea not null check (octet_length(key) = 32)
);
comment on table leadrail.phone_key is 'One row: the key of leadrail.phone_hash. Random; a change orphans every hash that is there.';
insert into leadrail.phone_key (key) values (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
