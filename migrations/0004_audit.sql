-- The audit log: who did what, to what, and what came of it.
--
-- Leads that are handed over are not in it: each has a run, which says where it came from.
--
-- Safe beside any release: nothing older names this table.
-- Undo by dropping it; what was done stays done, and nobody can say by whom.
create table leadrail.audit (
    id bigint generated always as identity primary key,
    at timestamptz not null default leadrail.now(),
    actor text not null,
    action text not null,
    subject text not null,
    outcome text not null
);
create index audit_subject on leadrail.audit (subject, id desc);

comment on table leadrail.audit is 'Append-only: a row for each change that somebody made through the product.';
comment on column leadrail.audit.at is 'When it was done.';
comment on column leadrail.audit.actor is 'Who did it, in one word: cli:UID, api:ACCOUNT:KEY, api:local, operator:NAME, system:PART.';
comment on column leadrail.audit.action is 'What was done, such as connection.disable.';
comment on column leadrail.audit.subject is 'To what: an id, or a lane''s name. Never a secret, and nobody a lead is about.';
comment on column leadrail.audit.outcome is 'What came of it, in words of ours.';
