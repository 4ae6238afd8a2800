-- Accepting leads: the one place where a lead becomes a run and a row, whichever door it came in by.

-- The lane of a lead: what queues, pauses and is limited together is one account's leads for one account
-- of one CRM. `acme/housecall_pro`, `acme/gohighlevel/location-7` where the lead names the account on
-- the CRM's side and there is a connection for it, `acme/-` where it is addressed to no CRM, for no CRM is
-- named like that. Names that nobody connected make no lanes: lanes share what workers do, and whoever
-- made thousands would have thousands of shares.
--
-- It is a name and nothing takes it apart: an account may hold slashes. What it was made of is in
-- leadrail.lead.
create or replace function leadrail.lane_of(account text, crm text, crm_account_id text) returns text
language sql immutable parallel safe
return account || '/' || coalesce(crm || coalesce('/' || crm_account_id, ''), '-');

-- The hash of a number that is E.164, under a key.
create or replace function leadrail.keyed_phone_hash(key bytea, e164 text) returns bytea
language plpgsql immutable strict parallel safe
as $$
begin
    return substring(sha256(key || convert_to(e164, 'UTF8')) for 16);
end
$$;

-- What leads with this number have in leadrail.lead.phone_hash; null for what is no number. It reads the key
-- for who is not granted it.
create or replace function leadrail.phone_hash(number text) returns bytea
language sql stable strict security definer set search_path = pg_catalog, pg_temp
as $$ select leadrail.keyed_phone_hash(k.key, leadrail.e164(number)) from leadrail.phone_key k $$;

-- Takes leads in one statement, each once per account and event: its run, and a row in leadrail.lead for
-- each that is new. The caller has judged them: numbers are E.164 or null. Answers as
-- leadrail.enqueue_runs, one row a lead; what was written in another way and means the same is a duplicate, and
-- so is whatever comes under the id of a lead that was erased.
--
-- The connection is the one that fits now, if just one does: the one of the CRM account that the lead
-- names, or the only one if it was made without; where the lead names none the one that was made
-- without, or the only one. One that is switched off counts only where the lead names it.
-- The run looks for itself when it starts: this is for lists.
create or replace function leadrail.accept_leads(
    p_ids uuid[], p_accounts text[], p_crms text[], p_crm_account_ids text[], p_events text[],
    p_event_ids uuid[], p_phones text[], p_priorities smallint[], p_fingerprints text[], p_payloads text[]
) returns table (ord bigint, run_id uuid, outcome text, state leadrail.run_state, fingerprint text)
language plpgsql
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
    v_leads integer := cardinality(p_ids);
    v_now timestamptz := leadrail.now();
    v_key bytea := (select k.key from leadrail.phone_key k);
    v_lanes text[] := array(
        select leadrail.lane_of(l.account, l.crm, case
            when l.crm_account_id is not null and exists (
                select from leadrail.connection n
                where n.account = l.account and n.crm = l.crm and n.crm_account_id = l.crm_account_id
            ) then l.crm_account_id
        end)
        from unnest(p_accounts, p_crms, p_crm_account_ids)
            with ordinality as l (account, crm, crm_account_id, ord)
        order by l.ord
    );
begin
    return query
    with accepted as materialized (
        -- Side by side, not joined: the engine answers one row a run, in order.
        select a.ord, a.run_id, a.outcome, a.state, a.fingerprint,
               a.account, a.crm, a.crm_account_id, a.event, a.event_id, a.phone, a.payload
        from rows from (
            leadrail.enqueue_runs(
                p_ids, array_fill('push_lead'::text, array[v_leads]), p_accounts, p_event_ids::text[],
                p_fingerprints, v_lanes, p_priorities, array_fill(0::bigint, array[v_leads]), p_payloads
            ),
            unnest(p_accounts, p_crms, p_crm_account_ids, p_events, p_event_ids, p_phones, p_payloads)
        ) as a (
            ord, run_id, outcome, state, fingerprint, account, crm, crm_account_id, event, event_id, phone, payload
        )
    ), written as (
        insert into leadrail.lead
            (run_id, account, crm, crm_account_id, connection_id, event, event_id, phone_hash, received_at)
        select a.run_id, a.account, a.crm, a.crm_account_id, fits.id, a.event, a.event_id,
               leadrail.keyed_phone_hash(v_key, a.phone), v_now
        from accepted a
        left join lateral (
            select case
                when bool_or(c.exact) then (array_agg(c.id) filter (where c.exact))[1]
                when count(*) = 1 and bool_and(a.crm_account_id is null or c.unnamed) then (array_agg(c.id))[1]
            end as id
            from (
                select n.id, n.crm_account_id is null as unnamed,
                       n.crm_account_id is not distinct from a.crm_account_id as exact
                from leadrail.connection n
                where n.account = a.account and n.crm = a.crm
                  and (n.crm_account_id = a.crm_account_id or n.state <> 'disabled')
            ) c
        ) fits on true
        where a.outcome = 'created'
    )
    select a.ord, a.run_id,
           case
               when a.outcome = 'conflict'
                   and (a.fingerprint = 'forgotten' or leadrail.means_the_same(a.run_id, a.payload)) then 'duplicate'
               else a.outcome
           end,
           a.state, a.fingerprint
    from accepted a
    order by a.ord;
end
$$;

revoke execute on function leadrail.phone_hash(text) from public;

comment on function leadrail.lane_of(text, text, text) is
    'The lane of a lead for this account, CRM (null for none) and account on the CRM''s side (null where it names none).';
comment on function leadrail.phone_hash(text) is
    'What leads with this number have in leadrail.lead.phone_hash; null for what is no number.';
comment on function leadrail.accept_leads(uuid[], text[], text[], text[], text[], uuid[], text[], smallint[], text[], text[]) is
    'Takes leads that were judged: a run and a row of leadrail.lead for each that is new. Both doors call it.';
