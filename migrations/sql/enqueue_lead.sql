-- The SQL door: a lead is handed over inside the caller's own transaction.
--
-- What comes in here makes the same run and row as what comes in by HTTP (workflows/src/submit.rs):
-- leadrail.accept_leads makes both, so a lead sent through both doors is one lead. The
-- database checks the shape of what it needs for that and what it can check at once; the rest is
-- checked when the run starts, and what fails then is a dead letter with reason `invalid`.

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

-- What is wrong with a payload as far as a database can tell: JSON pointers with what is expected
-- there, never a value. Null when nothing is.
create or replace function leadrail.lead_faults(payload jsonb) returns text
language sql immutable parallel safe
return case
    when payload is null or jsonb_typeof(payload) <> 'object' then 'the payload: must be an object'
    when leadrail.is_too_large(payload) then 'the payload: must have at most 262144 bytes'
    when jsonb_path_exists(payload, 'strict $.**{32 to last} ? (@.type() == "object" || @.type() == "array")')
        then 'the payload: must nest at most 32 levels deep'
    else (
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
            ('/callsetter_account_id',
                'must be a text of 1 to 128 characters, none of them a control character',
                coalesce(
                    jsonb_typeof(payload -> 'callsetter_account_id') = 'string'
                    and payload ->> 'callsetter_account_id' ~ '[^[:space:]]'
                    and char_length(payload ->> 'callsetter_account_id') <= 128
                    and payload ->> 'callsetter_account_id' !~ '[\u0001-\u001f\u007f-\u009f]',
                false)),
            ('/routing/destination_crm', 'must be the name of a CRM such as housecall_pro',
                payload -> 'event' is distinct from '"lead.qualified"'
                or coalesce(
                    jsonb_typeof(payload #> '{routing,destination_crm}') = 'string'
                    and payload #>> '{routing,destination_crm}' ~ '^[a-z][a-z0-9_]{0,39}$',
                false))
        ) fault (pointer, expected, holds)
        where not fault.holds
    )
end;

-- Takes a lead and returns its run: a new one, or the one that is there if the same lead came
-- before. A rollback leaves nothing.
--
-- Raises 22023 for a payload that is no lead, naming everything that is wrong with it, and LR409
-- for another lead under the same event_id, with the fingerprints of both.
--
-- While all workers are quiet, and would ask only seconds later, they are told at the commit.
-- Where one of them polls every second no notification is sent: it takes a lock of the whole server
-- at commit. To spare even that second, call leadrail.hint() after the commit.
create or replace function leadrail.enqueue_lead(payload jsonb) returns uuid
language plpgsql
as $$
declare
    v_faults text := leadrail.lead_faults(payload);
    v_crm text := payload #>> '{routing,destination_crm}';
    v_crm_account_id text := payload #>> '{routing,crm_account_id}';
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
        else case payload #>> '{service_request,urgency}'
            when 'emergency' then 0
            when 'same_day' then 1
            when 'same_week' then 2
            else 3
        end
    end;
    -- An unqualified lead may be addressed to no CRM, or to something that is no CRM's name.
    if v_crm !~ '^[a-z][a-z0-9_]{0,39}$' then
        v_crm := null;
    end if;
    -- Blank is none; what is no id is judged when the run starts.
    if v_crm_account_id !~ '[^[:space:]]' or char_length(v_crm_account_id) > 256
        or v_crm_account_id ~ '[\u0001-\u001f\u007f-\u009f]'
        or jsonb_typeof(payload #> '{routing,crm_account_id}') <> 'string' then
        v_crm_account_id := null;
    end if;
    select run.run_id, run.outcome, run.fingerprint into strict v_run
    from leadrail.accept_leads(
        array[leadrail.uuid_v7()], array[payload ->> 'callsetter_account_id'], array[v_crm],
        array[v_crm_account_id], array[split_part(payload ->> 'event', '.', 2)],
        array[(payload ->> 'event_id')::uuid], array[payload #>> '{contact,phone}'], array[v_priority],
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
language sql
as $$ select pg_notify('leadrail_run', '') $$;

comment on function leadrail.is_too_large(jsonb) is
    'Whether a payload has more than 262144 bytes as compact JSON.';
comment on function leadrail.lead_faults(jsonb) is
    'What a database can see wrong with a lead payload, as JSON pointers; null when nothing is.';
comment on function leadrail.enqueue_lead(jsonb) is
    'Takes a lead inside the caller''s transaction and returns its run; the same lead again returns the same run. Raises 22023 (not valid) or LR409 (another lead under this event_id).';
comment on function leadrail.hint() is
    'Tells idle workers that there may be work; call it after the commit, in a transaction of its own.';
