-- A lead that comes through SQL into a quiet system is picked up at once.
--
-- Otherwise it waits for the next poll, which is up to seven seconds away while all workers are quiet.
-- Where one of them polls every second no notification is sent: it takes a lock of the whole server
-- at commit.
-- Safe beside the previous release: same argument, same answers. Undo by putting 0003's function back.
create or replace function leadrail.enqueue_lead(payload jsonb) returns uuid
language plpgsql
as $$
declare
    v_faults text := leadrail.lead_faults(payload);
    v_account text := payload ->> 'callsetter_account_id';
    v_crm text := payload #>> '{routing,destination_crm}';
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
    if v_crm is null or v_crm !~ '^[a-z][a-z0-9_]{0,39}$' then
        v_crm := '-';
    end if;
    select run.run_id, run.outcome, run.fingerprint into strict v_run
    from leadrail.enqueue_runs(
        array[leadrail.uuid_v7()], array['push_lead'], array[v_account],
        array[(payload ->> 'event_id')::uuid::text], array[v_print], array[v_account || '/' || v_crm],
        array[v_priority], array[0::bigint], array[payload::text]
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
