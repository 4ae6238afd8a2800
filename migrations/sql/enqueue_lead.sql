-- The SQL door: a lead is handed over inside the caller's own transaction.
--
-- What comes in here makes the same run and row as what comes in by HTTP (workflows/src/submit.rs):
-- leadrail.accept_leads makes both, so a lead sent through both doors is one lead. The
-- database refuses what HTTP refuses, and warns of what HTTP warns of.

-- Whether a payload, as jsonb writes it, has more than 262144 bytes as compact JSON.
--
-- jsonb writes a blank after each comma and colon, which makes at most half as much again. So the
-- blanks outside strings are counted only where they decide, and never in a huge payload.
create or replace function leadrail.is_too_large(written text) returns boolean
language plpgsql immutable strict parallel safe
as $$
declare
    v_bytes integer := octet_length(written);
    v_bare text;
begin
    if v_bytes not between 262145 and 393216 then
        return v_bytes > 262144;
    end if;
    v_bare := regexp_replace(written, '"(?:[^"\\]|\\.)*"', '', 'g');
    return v_bytes - (octet_length(v_bare) - octet_length(replace(v_bare, ' ', ''))) > 262144;
end
$$;

-- What makes a payload useless whatever its fields say; null when nothing does. What takes long to count
-- is counted only where the length of the text allows for too much of it.
create or replace function leadrail.shape_fault(payload jsonb) returns text
language plpgsql immutable parallel safe
as $$
declare
    v_written text := payload::text;
    v_bytes integer := octet_length(v_written);
begin
    if payload is null or jsonb_typeof(payload) <> 'object' then
        return 'must be an object';
    elsif leadrail.is_too_large(v_written) then
        return 'must have at most 262144 bytes';
    elsif v_bytes - octet_length(replace(replace(v_written, '{', ''), '[', '')) > 32
        and jsonb_path_exists(payload, 'strict $.**{32 to last} ? (@.type() == "object" || @.type() == "array")') then
        return 'must nest at most 32 levels deep';
    elsif v_bytes > 10000 and (select count(*) from jsonb_path_query(payload, 'strict $.**')) > 5000 then
        return 'must have at most 5000 values';
    elsif leadrail.may_hold_odd_number(v_written)
        and jsonb_path_exists(payload, 'strict $.** ? (@.type() == "number" && (@ > 1.7976931348623158e308 || @ < -1.7976931348623158e308))') then
        return 'has a number that no other reader of JSON can hold';
    end if;
    return null;
end
$$;

-- Whether a contact names a way to reach somebody: whatever is neither a name nor a country, which a
-- program may fill in by itself.
create or replace function leadrail.names_a_way(contact jsonb) returns boolean
language plpgsql immutable parallel safe
as $$
begin
    if jsonb_typeof(contact -> 'phone') = 'string' and not leadrail.is_blank(contact -> 'phone') then
        return true;
    elsif jsonb_typeof(contact) = 'object' then
        contact := contact - 'first_name' - 'last_name';
        if jsonb_typeof(contact -> 'address') = 'object' then
            contact := contact #- '{address,country}';
        end if;
    end if;
    return coalesce(jsonb_path_exists(
        contact,
        'strict $.** ? (@.type() == "number" || @.type() == "string" && @ like_regex "[^\\t-\\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")'
    ), false);
end
$$;

-- Whether a lead that is to be filed may name this account on the CRM's side.
create or replace function leadrail.may_be_crm_account(value jsonb) returns boolean
language plpgsql immutable parallel safe
as $$
begin
    return leadrail.is_blank(value) or case jsonb_typeof(value)
        when 'number' then value::text ~ '^-?[0-9]{1,20}$'
        when 'string' then leadrail.is_id(value #>> '{}', 256)
        else false
    end;
end
$$;

-- What makes a payload useless: JSON pointers with what is expected there, never a value. Null when
-- nothing does. The crate `lead` refuses the same (fields.rs); all else that is wrong is a warning.
create or replace function leadrail.lead_faults(payload jsonb) returns text
language plpgsql immutable parallel safe
as $$
declare
    v_to_file boolean := payload -> 'event' is not distinct from '"lead.qualified"';
    v_account jsonb := payload -> 'callsetter_account_id';
    v_routing jsonb := payload -> 'routing';
    v_faults text[] := '{}';
    v_shape text := leadrail.shape_fault(payload);
begin
    if v_shape is not null then
        return 'the payload: ' || v_shape;
    end if;
    -- In the order of their pointers.
    if jsonb_typeof(v_account) is distinct from 'string' or leadrail.is_blank(v_account)
        or not leadrail.is_id(v_account #>> '{}', 128) then
        v_faults := v_faults || '/callsetter_account_id: must be a text of 1 to 128 characters, all of them shown'::text;
    end if;
    if not leadrail.names_a_way(payload -> 'contact') then
        v_faults := v_faults || '/contact: must hold a number, an e-mail address or an address: there is nobody to call back'::text;
    end if;
    if not v_to_file and payload -> 'event' is distinct from '"lead.unqualified"' then
        v_faults := v_faults || '/event: must be lead.qualified or lead.unqualified'::text;
    end if;
    if jsonb_typeof(payload -> 'event_id') is distinct from 'string' or payload ->> 'event_id'
        !~* '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$' then
        v_faults := v_faults || '/event_id: must be a version 4 UUID in its hyphenated form'::text;
    end if;
    if v_to_file and jsonb_typeof(v_routing) is distinct from 'object' then
        v_faults := v_faults || '/routing: must be an object for lead.qualified'::text;
    elsif v_to_file then
        if not leadrail.may_be_crm_account(v_routing -> 'crm_account_id') then
            v_faults := v_faults || '/routing/crm_account_id: must have at most 256 characters, all of them printable'::text;
        end if;
        if jsonb_typeof(v_routing -> 'destination_crm') is distinct from 'string'
            or v_routing ->> 'destination_crm' <> all (leadrail.known_crms()) then
            v_faults := v_faults || ('/routing/destination_crm: must be a CRM that there is an adapter for: '
                || array_to_string(leadrail.known_crms(), ', '));
        end if;
    end if;
    if jsonb_typeof(payload -> 'schema_version') is distinct from 'string'
        or payload ->> 'schema_version' !~ '^1\.[0-9]{1,5}$' then
        v_faults := v_faults || '/schema_version: must be a version such as 1.0; send 1.x'::text;
    end if;
    return nullif(array_to_string(v_faults, '; '), '');
end
$$;

-- The priority of a lead: emergencies first, what goes to no CRM last.
create or replace function leadrail.lead_priority(payload jsonb) returns smallint
language plpgsql immutable strict parallel safe
as $$
declare
    v_urgency jsonb := payload #> '{service_request,urgency}';
begin
    return case
        when payload ->> 'event' = 'lead.unqualified' then 5
        when leadrail.is_blank(v_urgency) or jsonb_typeof(v_urgency) in ('object', 'array') then 3
        else case leadrail.plain_word(v_urgency #>> '{}')
            when 'emergency' then 0
            when 'same_week' then 2
            when 'flexible' then 3
            else 1
        end
    end;
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
    v_phone text := case
        when jsonb_typeof(payload #> '{contact,phone}') in ('string', 'number')
            then leadrail.e164(payload #>> '{contact,phone}')
    end;
    v_print text;
    v_run record;
begin
    if v_faults is not null then
        raise exception 'the lead is not valid: %', v_faults
            using errcode = '22023', hint = 'Nothing was enqueued. Correct the payload and send it again.';
    end if;
    v_print := leadrail.lead_fingerprint(payload);
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
        array[(payload ->> 'event_id')::uuid], array[v_phone], array[leadrail.lead_priority(payload)],
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

comment on function leadrail.is_too_large(text) is
    'Whether a payload, as jsonb writes it, has more than 262144 bytes as compact JSON.';
comment on function leadrail.shape_fault(jsonb) is
    'What makes a payload useless whatever its fields say; null when nothing does.';
comment on function leadrail.names_a_way(jsonb) is
    'Whether a contact names a way to reach somebody.';
comment on function leadrail.may_be_crm_account(jsonb) is
    'Whether a lead that is to be filed may name this account on the CRM''s side.';
comment on function leadrail.lead_priority(jsonb) is
    'The priority of a lead: emergencies first, what goes to no CRM last.';
comment on function leadrail.lead_faults(jsonb) is
    'What makes a lead payload useless, as JSON pointers; null when nothing does.';
comment on function leadrail.enqueue_lead(jsonb) is
    'Takes a lead inside the caller''s transaction and returns its run; the same lead again returns the same run. Raises 22023 (not valid) or LR409 (another lead under this event_id).';
comment on function leadrail.hint() is
    'Tells idle workers that there may be work; call it after the commit, in a transaction of its own.';
