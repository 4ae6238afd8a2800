-- A second wall between accounts: the product's tables show a session the rows of the account that it works
-- for, or none. Whom that concerns is said in engine/sql/wall.sql, whose functions are there before this
-- file is applied: the engine's set goes first.
--
-- `force` puts the owner behind the policies too; they let through whoever may write runs, so workers and the
-- command line see all. It keeps pg_dump from leaving rows out without a word: as a role that is neither
-- a superuser nor bypasses them it needs --enable-row-security (docs/operating.md).
--
-- And test keys, which change nothing; and what stood before and after a change in the audit log.
--
-- Safe beside the previous release: its processes own the tables, or were granted the engine's, and see what
-- they saw. A role that only reads these tables has to say for whom: `alter role R set leadrail.sees = 'all'`.
-- Undo by dropping the policies, `alter table ... no force row level security, disable row level security`,
-- and the columns.
alter table leadrail.lead enable row level security;
alter table leadrail.lead force row level security;
create policy wall on leadrail.lead
    using ((select leadrail.sees_all()) or account = (select leadrail.seen_scope()));

alter table leadrail.connection enable row level security;
alter table leadrail.connection force row level security;
create policy wall on leadrail.connection
    using ((select leadrail.sees_all()) or account = (select leadrail.seen_scope()));

alter table leadrail.api_key enable row level security;
alter table leadrail.api_key force row level security;
create policy wall on leadrail.api_key
    using ((select leadrail.sees_all()) or account = (select leadrail.seen_scope()));

-- A link has no account but its lead's; tokens and sign-ins have none but their connection's.
alter table leadrail.link enable row level security;
alter table leadrail.link force row level security;
create policy wall on leadrail.link using (
    (select leadrail.sees_all())
    or exists (
        select from leadrail.lead l where l.run_id = link.run_id and l.account = (select leadrail.seen_scope())
    )
);

alter table leadrail.oauth_grant enable row level security;
alter table leadrail.oauth_grant force row level security;
create policy wall on leadrail.oauth_grant using (
    (select leadrail.sees_all())
    or exists (
        select from leadrail.connection c
        where c.id = oauth_grant.connection_id and c.account = (select leadrail.seen_scope())
    )
);

alter table leadrail.sign_in_link enable row level security;
alter table leadrail.sign_in_link force row level security;
create policy wall on leadrail.sign_in_link using (
    (select leadrail.sees_all())
    or exists (
        select from leadrail.connection c
        where c.id = sign_in_link.connection_id and c.account = (select leadrail.seen_scope())
    )
);

-- Where somebody signs in there is no caller, so whoever looks here works for all.
alter table leadrail.sign_in enable row level security;
alter table leadrail.sign_in force row level security;
create policy wall on leadrail.sign_in
    using ((select leadrail.sees_all()) or account = (select leadrail.seen_scope()));

-- Our own clients are nobody's: every account's sign-in asks for them, and who sees all changes them.
alter table leadrail.provider_client enable row level security;
alter table leadrail.provider_client force row level security;
create policy wall on leadrail.provider_client using ((select leadrail.sees_all()));
create policy known on leadrail.provider_client for select using (true);

-- Who changes something notes it, whoever it works for; the log is read by who sees all.
alter table leadrail.audit enable row level security;
alter table leadrail.audit force row level security;
create policy wall on leadrail.audit for select using ((select leadrail.sees_all()));
create policy notes on leadrail.audit for insert with check (true);
-- For the owner alone: nobody else is granted it.
create policy retention on leadrail.audit for delete using ((select leadrail.sees_all()));

alter table leadrail.api_key add column mode text not null default 'live' check (mode in ('live', 'test'));
comment on column leadrail.api_key.mode is 'live, or test: then it changes nothing, and a lead that is handed over with it is only shown as it would be filed.';
alter table leadrail.api_key add constraint api_key_test_is_no_operators
    check (mode = 'live' or role in ('account', 'intake'));

alter table leadrail.audit add column before jsonb, add column after jsonb, add column why text;
comment on column leadrail.audit.before is 'What stood there before, as far as it changed; null where nothing did. No secrets.';
comment on column leadrail.audit.after is 'What stands there now, as far as it changed; null where it is gone. No secrets.';
comment on column leadrail.audit.why is 'What whoever did it gave as the reason; null where none was asked for.';
