-- The SQL door: a lead is handed over inside the caller's own transaction.
--
-- What comes in here makes the same run and row as what comes in by HTTP (workflows/src/submit.rs):
-- leadrail.accept_leads makes both, so a lead sent through both doors is one lead. The
-- database refuses what HTTP refuses, and warns of what HTTP warns of.

-- Whether a payload has more than 262144 bytes as compact JSON.
--
-- jsonb writes a blank after each comma and colon, which makes at most half as much again. So the
-- blanks outside strings are counted only where they decide, and never in a huge payload.
create or replace function leadrail.is_too_large(payload jsonb) returns boolean
language sql immutable strict parallel safe
return (
    select case
        when sent.bytes <= 262144 then false
        when sent.bytes > 393216 then true
        else sent.bytes - (octet_length(bare.text) - octet_length(replace(bare.text, ' ', ''))) > 262144
    end
    from (select octet_length(payload::text) as bytes) sent
    cross join lateral (
        select case
            when sent.bytes between 262145 and 393216
                then regexp_replace(payload::text, '"(?:[^"\\]|\\.)*"', '', 'g')
        end as text
    ) bare
);

-- Whether a contact names a way to reach somebody: whatever is neither a name nor a country, which a
-- program may fill in by itself.
create or replace function leadrail.names_a_way(contact jsonb) returns boolean
language sql immutable parallel safe
return coalesce(jsonb_path_exists(
    case jsonb_typeof(contact)
        when 'object' then (contact - 'first_name' - 'last_name') || case jsonb_typeof(contact -> 'address')
            when 'object' then jsonb_build_object('address', (contact -> 'address') - 'country')
            else '{}'
        end
        else contact
    end,
    'strict $.** ? (@.type() == "number" || @.type() == "string" && @ like_regex "[^\\t-\\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")'
), false);

-- What makes a payload useless: JSON pointers with what is expected there, never a value. Null when
-- nothing does. The crate `lead` refuses the same (fields.rs); all else that is wrong is a warning.
create or replace function leadrail.lead_faults(payload jsonb) returns text
language plpgsql immutable parallel safe
as $$
declare
    v_to_file boolean := payload -> 'event' is not distinct from '"lead.qualified"';
    v_crm_account_id jsonb := payload #> '{routing,crm_account_id}';
begin
    if payload is null or jsonb_typeof(payload) <> 'object' then
        return 'the payload: must be an object';
    elsif leadrail.is_too_large(payload) then
        return 'the payload: must have at most 262144 bytes';
    elsif jsonb_path_exists(payload, 'strict $.**{32 to last} ? (@.type() == "object" || @.type() == "array")') then
        return 'the payload: must nest at most 32 levels deep';
    elsif (select count(*) from jsonb_path_query(payload, 'strict $.**')) > 5000 then
        return 'the payload: must have at most 5000 values';
    elsif jsonb_path_exists(payload, 'strict $.** ? (@.type() == "number" && (@ > 1.7976931348623158e308 || @ < -1.7976931348623158e308))') then
        return 'the payload: has a number that no other reader of JSON can hold';
    end if;
    return (
        select string_agg(fault.pointer || ': ' || fault.expected, '; ' order by fault.pointer)
        from (values
            ('/schema_version', 'must be a version such as 1.0; send 1.x',
                coalesce(
                    jsonb_typeof(payload -> 'schema_version') = 'string'
                    and payload ->> 'schema_version' ~ '^1\.[0-9]{1,5}$',
                false)),
            ('/event', 'must be lead.qualified or lead.unqualified',
                coalesce(payload -> 'event' in ('"lead.qualified"', '"lead.unqualified"'), false)),
            ('/event_id', 'must be a version 4 UUID in its hyphenated form',
                coalesce(
                    jsonb_typeof(payload -> 'event_id') = 'string'
                    and payload ->> 'event_id'
                        ~* '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$',
                false)),
            ('/callsetter_account_id', 'must be a text of 1 to 128 characters, all of them shown',
                coalesce(
                    jsonb_typeof(payload -> 'callsetter_account_id') = 'string'
                    and not leadrail.is_blank(payload -> 'callsetter_account_id')
                    and leadrail.is_id(payload ->> 'callsetter_account_id', 128),
                false)),
            ('/contact', 'must hold a number, an e-mail address or an address: there is nobody to call back',
                leadrail.names_a_way(payload -> 'contact')),
            ('/routing', 'must be an object for lead.qualified',
                not v_to_file or jsonb_typeof(payload -> 'routing') is not distinct from 'object'),
            ('/routing/destination_crm',
                'must be a CRM that there is an adapter for: ' || array_to_string(leadrail.known_crms(), ', '),
                not v_to_file or jsonb_typeof(payload -> 'routing') is distinct from 'object'
                or coalesce(
                    jsonb_typeof(payload #> '{routing,destination_crm}') = 'string'
                    and payload #>> '{routing,destination_crm}' = any (leadrail.known_crms()),
                false)),
            ('/routing/crm_account_id', 'must have at most 256 characters, all of them printable',
                not v_to_file
                or leadrail.is_blank(v_crm_account_id)
                or jsonb_typeof(v_crm_account_id) = 'number' and v_crm_account_id::text ~ '^-?[0-9]{1,20}$'
                or jsonb_typeof(v_crm_account_id) = 'string' and leadrail.is_id(v_crm_account_id #>> '{}', 256))
        ) fault (pointer, expected, holds)
        where not fault.holds
    );
end
$$;

-- Takes a lead and returns its run: a new one, or the one that is there if the same lead came
-- before. A rollback leaves nothing. leadrail.lead_warnings tells what of it could not be taken as it
-- was given.
--
-- Raises 22023 for a payload that is no lead, naming everything that makes it useless, and LR409
-- for another lead under the same event_id, with the fingerprints of both.
--
-- It runs with the rights of its owner: `leadrail migrate --grant ROLE` lets a role hand over leads that
-- can do nothing else.
--
-- While all workers are quiet, and would ask only seconds later, they are told at the commit.
-- Where one of them polls every second no notification is sent: it takes a lock of the whole server
-- at commit. To spare even that second, call leadrail.hint() after the commit.
create or replace function leadrail.enqueue_lead(payload jsonb) returns uuid
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_faults text := leadrail.lead_faults(payload);
    v_crm text := payload #>> '{routing,destination_crm}';
    v_crm_account_id text := payload #>> '{routing,crm_account_id}';
    v_urgency jsonb := payload #> '{service_request,urgency}';
    v_phone text := case
        when jsonb_typeof(payload #> '{contact,phone}') in ('string', 'number')
            then leadrail.e164(payload #>> '{contact,phone}')
    end;
    v_print text;
    v_priority smallint;
    v_run record;
begin
    if v_faults is not null then
        raise exception 'the lead is not valid: %', v_faults
            using errcode = '22023', hint = 'Nothing was enqueued. Correct the payload and send it again.';
    end if;
    v_print := leadrail.lead_fingerprint(payload);
    v_priority := case
        when payload ->> 'event' = 'lead.unqualified' then 5
        when leadrail.is_blank(v_urgency) or jsonb_typeof(v_urgency) in ('object', 'array') then 3
        else case leadrail.plain_word(v_urgency #>> '{}')
            when 'emergency' then 0
            when 'same_week' then 2
            when 'flexible' then 3
            else 1
        end
    end;
    -- An unqualified lead may be addressed to no CRM, or to something that is none.
    if v_crm <> all (leadrail.known_crms()) or jsonb_typeof(payload #> '{routing,destination_crm}') <> 'string' then
        v_crm := null;
    end if;
    if leadrail.is_blank(payload #> '{routing,crm_account_id}') or not leadrail.is_id(v_crm_account_id, 256)
        or jsonb_typeof(payload #> '{routing,crm_account_id}') not in ('string', 'number') then
        v_crm_account_id := null;
    end if;
    select run.run_id, run.outcome, run.fingerprint into strict v_run
    from leadrail.accept_leads(
        array[leadrail.uuid_v7()], array[payload ->> 'callsetter_account_id'], array[v_crm],
        array[v_crm_account_id], array[split_part(payload ->> 'event', '.', 2)],
        array[(payload ->> 'event_id')::uuid], array[v_phone], array[v_priority],
        array[v_print], array[payload::text]
    ) run;
    if v_run.outcome = 'conflict' then
        raise exception 'another lead was accepted under this event_id: it has the fingerprint %, this one %',
            v_run.fingerprint, v_print
            using errcode = 'LR409', hint = 'Nothing was enqueued. Give another lead another event_id.';
    end if;
    if v_run.outcome <> 'duplicate' then
        perform leadrail.hint_if_quiet();
    end if;
    return v_run.run_id;
end
$$;

-- Tells idle workers that there may be work. Only after the commit, in a transaction of its own.
create or replace function leadrail.hint() returns void
language sql security definer set search_path = pg_catalog, pg_temp
as $$ select pg_notify('leadrail_run', '') $$;

-- Whoever may hand over leads is granted so.
revoke execute on function leadrail.enqueue_lead(jsonb), leadrail.hint() from public;

comment on function leadrail.is_too_large(jsonb) is
    'Whether a payload has more than 262144 bytes as compact JSON.';
comment on function leadrail.names_a_way(jsonb) is
    'Whether a contact names a way to reach somebody.';
comment on function leadrail.lead_faults(jsonb) is
    'What makes a lead payload useless, as JSON pointers; null when nothing does.';
comment on function leadrail.enqueue_lead(jsonb) is
    'Takes a lead inside the caller''s transaction and returns its run; the same lead again returns the same run. Raises 22023 (not valid) or LR409 (another lead under this event_id).';
comment on function leadrail.hint() is
    'Tells idle workers that there may be work; call it after the commit, in a transaction of its own.';
