-- Links of ours to recordings and transcripts, which CRMs get instead of the payload's own; and how long what
-- is kept.
--
-- A link's id follows from its run and kind under a key, so accepting and filing a lead write nothing here:
-- there is a row for what was opened, or taken back.
--
-- Safe beside any release: nothing older names these objects, and what is old enough goes with the next
-- housekeeping of this one.
-- Undo by dropping the tables and the rows in leadrail.dated_table and house_task: every link in every CRM is
-- dead then.
create table leadrail.link_key (
    one boolean primary key default true check (one),
    key bytea not null check (octet_length(key) = 32)
);
comment on table leadrail.link_key is 'One row: the key of the ids of links. Random; a change is the end of every link that stands in a CRM.';
insert into leadrail.link_key (key) values (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));

create table leadrail.link (
    run_id uuid not null,
    kind text not null check (kind in ('recording', 'transcript')),
    opened bigint not null default 0,
    last_opened_at timestamptz,
    revoked_at timestamptz,
    revoked_by text,
    primary key (run_id, kind),
    constraint link_revoked_by_somebody check ((revoked_at is null) = (revoked_by is null))
) partition by range (run_id);
create table leadrail.link_default partition of leadrail.link default;
-- Behind the wall between accounts (0007): a link is its lead's.
alter table leadrail.link enable row level security;
alter table leadrail.link force row level security;
create policy wall on leadrail.link using (
    (select leadrail.sees_all())
    or exists (
        select from leadrail.lead l where l.run_id = link.run_id and l.account = (select leadrail.seen_scope())
    )
);
insert into leadrail.dated_table (name, id_column, days) values ('link', 'run_id', 7);

comment on table leadrail.link is 'What is known of the links of leads; one without a row works and was never opened.';
comment on column leadrail.link.run_id is 'The run of its lead; time-ordered.';
comment on column leadrail.link.kind is 'What it leads to: recording or transcript.';
comment on column leadrail.link.opened is 'How often somebody was sent on by it.';
comment on column leadrail.link.revoked_at is 'Since when it leads nowhere; null while it was not taken back.';
comment on column leadrail.link.revoked_by is 'The actor that took it back, in one word.';

-- How long what is kept, by class: see docs/decisions/0027.
update leadrail.retention
set input_for = interval '90 days', letters_for = interval '180 days', keys_for = interval '800 days';

create table leadrail.audit_retention (
    one boolean primary key default true check (one),
    kept_for interval not null default interval '730 days'
        check (kept_for between interval '365 days' and interval '3660 days')
);
comment on table leadrail.audit_retention is 'One row: how long rows of leadrail.audit are kept.';
insert into leadrail.audit_retention (one) values (true);
insert into leadrail.house_task (name, function) values ('audit', 'forget_old_audit');
