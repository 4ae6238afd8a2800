-- What the API's role may do, and nothing else: the product's part of the wall of engine/sql/wall.sql.

-- leadrail.accept_leads for whoever may: one word a lead says for whom its caller works, as leadrail.sees has
-- it. In one statement, because leads of many accounts share a commit.
create or replace function leadrail.accept_seen_leads(
    p_sees text[], p_ids uuid[], p_accounts text[], p_crms text[], p_crm_account_ids text[], p_events text[],
    p_event_ids uuid[], p_phones text[], p_priorities smallint[], p_fingerprints text[], p_payloads text[]
) returns table (ord bigint, run_id uuid, outcome text, state leadrail.run_state, fingerprint text)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if exists (
        select from unnest(p_sees, p_accounts) as l (sees, account)
        where l.sees is distinct from 'all' and l.sees is distinct from 'scope:' || l.account
    ) then
        raise exception 'a lead of another account was handed over' using errcode = '42501';
    end if;
    return query
    select a.ord, a.run_id, a.outcome, a.state, a.fingerprint
    from leadrail.accept_leads(
        p_ids, p_accounts, p_crms, p_crm_account_ids, p_events, p_event_ids, p_phones, p_priorities,
        p_fingerprints, p_payloads
    ) a;
end
$$;

-- leadrail.erase_leads for who works for all: a person is erased in all accounts.
create or replace function leadrail.erase_seen_leads(p_leads uuid[], p_besides uuid[]) returns uuid[]
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if current_setting('leadrail.sees', true) is distinct from 'all' then
        raise exception 'only who works for all accounts erases' using errcode = '42501';
    end if;
    return leadrail.erase_leads(p_leads, p_besides);
end
$$;

-- leadrail.limit_lane for the lane of a CRM account of a connection, or of leads that name none. The account
-- is looked at, not how a lane's name begins.
create or replace function leadrail.limit_seen_lane(
    p_account text, p_crm text, p_crm_account_id text, p_max_running integer, p_gap interval, p_burst integer
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_sees text := current_setting('leadrail.sees', true);
begin
    if v_sees is distinct from 'all' and v_sees is distinct from 'scope:' || p_account then
        raise exception 'the lane is another account''s' using errcode = '42501';
    end if;
    perform leadrail.limit_lane(
        leadrail.lane_of(p_account, p_crm, p_crm_account_id), p_max_running, p_gap, p_burst
    );
end
$$;

-- Lets a role serve the API: what it reads and writes, all of it behind the wall. Refused to a role that
-- stands beyond it already.
create or replace function leadrail.grant_api(role text) returns void language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_beyond text := leadrail.beyond_wall(role);
begin
    if v_beyond is not null then
        raise exception 'the wall would not stand before the role %: %', role, v_beyond
            using errcode = '42501', hint = 'Make another one for it: create role leadrail_api login.';
    end if;
    perform leadrail.grant_behind_wall(role);
    execute format('grant select on leadrail.lead, leadrail.link_key, leadrail.product_migration to %I', role);
    execute format('grant select, insert, update on leadrail.link to %I', role);
    execute format('grant select, insert, update, delete on leadrail.connection to %I', role);
    execute format(
        'grant select, insert, update, delete on leadrail.oauth_grant, leadrail.provider_client, leadrail.sign_in,
             leadrail.sign_in_link to %I',
        role
    );
    execute format('grant select, insert, update on leadrail.api_key to %I', role);
    execute format('grant select, insert on leadrail.audit to %I', role);
    execute format(
        'grant execute on function leadrail.phone_hash(text), leadrail.accept_seen_leads(text[], uuid[], text[], text[],
             text[], text[], uuid[], text[], smallint[], text[], text[]), leadrail.erase_seen_leads(uuid[], uuid[]),
             leadrail.limit_seen_lane(text, text, text, integer, interval, integer) to %I',
        role
    );
end
$$;

-- The roles that were let serve the API.
create or replace function leadrail.api_roles() returns setof text language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select r.rolname::text
    from pg_proc p
    cross join lateral aclexplode(p.proacl) a
    join pg_roles r on r.oid = a.grantee
    where p.proname = 'accept_seen_leads' and p.pronamespace = 'leadrail'::regnamespace and a.grantee <> p.proowner
    order by r.rolname
$$;

revoke execute on function leadrail.grant_api(text), leadrail.erase_seen_leads(uuid[], uuid[]),
    leadrail.limit_seen_lane(text, text, text, integer, interval, integer), leadrail.accept_seen_leads(
    text[], uuid[], text[], text[], text[], text[], uuid[], text[], smallint[], text[], text[]
) from public;

comment on function leadrail.accept_seen_leads(text[], uuid[], text[], text[], text[], text[], uuid[], text[], smallint[], text[], text[]) is
    'leadrail.accept_leads from behind the wall.';
comment on function leadrail.erase_seen_leads(uuid[], uuid[]) is
    'leadrail.erase_leads from behind the wall, for who works for all.';
comment on function leadrail.limit_seen_lane(text, text, text, integer, interval, integer) is
    'leadrail.limit_lane from behind the wall, for the lane of a connection.';
comment on function leadrail.grant_api(text) is
    'Lets a role serve the API from behind the wall; `leadrail migrate --grant-api ROLE` calls it.';
comment on function leadrail.api_roles() is 'The roles that were let serve the API.';
