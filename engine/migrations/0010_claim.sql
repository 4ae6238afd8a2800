-- The claim gets a function of its own, and a run may have a parent and be asked to stop.
--
-- Safe beside the previous release: the journal keeps its arguments; new columns are at the end of
-- its answer. Undo by putting the previous journal back and dropping the rest.
alter table leadrail.workflow_run add column parent_id uuid;
comment on column leadrail.workflow_run.parent_id is 'The run that started this one and is cancelled together with it; null for a run of its own.';
create index workflow_run_parent on leadrail.workflow_run (parent_id) where parent_id is not null;

create table leadrail.cancel_request (
    run_id uuid primary key,
    why text not null,
    asked_at timestamptz not null default leadrail.now()
);
comment on table leadrail.cancel_request is 'Which live runs were asked to stop and have not done so yet.';

-- Claims at most `p_want` due runs for a worker, whose fence the caller holds.
create function leadrail.claim_runs(p_worker uuid, p_want integer, p_workflows text[])
returns table (
    run_id uuid, workflow text, scope text, key text, lane text, priority smallint, starts integer,
    created_at timestamptz, claimed_at timestamptz, input text, wait_ms bigint,
    parent_id uuid, cancel_why text
)
language plpgsql
as $$
#variable_conflict use_column
declare
    v_now timestamptz := leadrail.now();
    v_count integer;
begin
    return query
    with picked as materialized (
        -- One index probe a priority, the urgent first; runs due later are never walked over.
        select c.id
        from unnest(array[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]::smallint[]) as p (priority)
        cross join lateral (
            select r.id
            from leadrail.workflow_run r
            where r.priority = p.priority and r.due_at <= v_now and r.workflow = any (p_workflows)
            order by r.due_at
            limit p_want
            for update skip locked
        ) c
        limit p_want
    ), claimed as (
        update leadrail.workflow_run r
        set state = 'running', due_at = null, worker_id = p_worker, starts = r.starts + 1, changed_at = v_now
        from picked
        where r.id = picked.id
        returning r.id, r.workflow, r.scope, r.key, r.lane, r.priority, r.starts, r.created_at, r.input, r.parent_id
    ), started as (
        insert into leadrail.history (run_id, seq, at, kind, payload)
        select c.id,
               case c.starts
                   when 1 then 0
                   else (select coalesce(max(h.seq), -1) + 1 from leadrail.history h where h.run_id = c.id)
               end,
               v_now, 'run_started', json_build_object('worker', p_worker)
        from claimed c
    )
    select c.id, c.workflow, c.scope, c.key, c.lane, c.priority, c.starts, c.created_at, v_now,
           c.input::text, null::bigint, c.parent_id,
           -- A run that never started is cancelled at once and never claimed.
           case when c.starts > 1 then (select q.why from leadrail.cancel_request q where q.run_id = c.id) end
    from claimed c;
    get diagnostics v_count = row_count;
    if v_count < p_want then
        return query
        select null::uuid, null::text, null::text, null::text, null::text, null::smallint, null::integer,
               null::timestamptz, v_now, null::text,
               (extract(epoch from min(c.due_at) - v_now) * 1000)::bigint, null::uuid, null::text
        from unnest(array[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]::smallint[]) as p (priority)
        cross join lateral (
            select r.due_at
            from leadrail.workflow_run r
            where r.priority = p.priority and r.due_at is not null
            order by r.due_at
            limit 1
        ) c;
    end if;
end
$$;

drop function leadrail.journal(
    uuid, uuid[], integer[], leadrail.history_kind[], smallint[], text[], text[],
    uuid[], leadrail.run_state[], bigint[], smallint[], text[], text[], text[], integer, text[]
);
create function leadrail.journal(
    p_worker uuid,
    h_run uuid[], h_seq integer[], h_kind leadrail.history_kind[], h_attempt smallint[], h_activity text[], h_payload text[],
    t_run uuid[], t_state leadrail.run_state[], t_delay_ms bigint[], t_attempt smallint[], t_activity text[], t_reason text[], t_gate text[],
    p_want integer, p_workflows text[]
) returns table (
    run_id uuid, workflow text, scope text, key text, lane text, priority smallint, starts integer,
    created_at timestamptz, claimed_at timestamptz, input text, wait_ms bigint,
    parent_id uuid, cancel_why text
)
language plpgsql
as $$
#variable_conflict use_column
declare
    v_now timestamptz := leadrail.now();
    v_count integer;
begin
    perform from leadrail.worker w where w.id = p_worker for key share;
    if not found then
        raise exception 'worker % was taken over', p_worker using errcode = 'LR002';
    end if;

    if cardinality(h_run) > 0 then
        insert into leadrail.history (run_id, seq, at, kind, attempt, activity, payload)
        select h.run_id, h.seq, v_now, h.kind, h.attempt, h.activity, h.payload::json
        from unnest(h_run, h_seq, h_kind, h_attempt, h_activity, h_payload)
            as h (run_id, seq, kind, attempt, activity, payload);
    end if;

    if cardinality(t_run) > 0 then
        update leadrail.workflow_run r
        set state = t.state,
            -- A run that is given back keeps its age in the queue.
            due_at = case t.state
                when 'queued' then r.created_at - interval '1 microsecond'
                else v_now + t.delay_ms * interval '1 millisecond'
            end,
            changed_at = v_now, attempt = t.attempt, activity = t.activity, reason = t.reason
        from unnest(t_run, t_state, t_delay_ms, t_attempt, t_activity, t_reason)
            as t (run_id, state, delay_ms, attempt, activity, reason)
        where r.id = t.run_id and r.state = 'running' and r.worker_id = p_worker;
        get diagnostics v_count = row_count;
        if v_count <> cardinality(t_run) then
            raise exception 'only % of % runs belong to worker %', v_count, cardinality(t_run), p_worker
                using errcode = 'LR003';
        end if;
        if 'dead'::leadrail.run_state = any (t_state) then
            insert into leadrail.dead_letter (run_id, scope, lane, reason, activity, died_at)
            select r.id, r.scope, r.lane, coalesce(r.reason, 'unknown'), r.activity, v_now
            from unnest(t_run, t_state) as t (run_id, state)
            join leadrail.workflow_run r on r.id = t.run_id
            where t.state = 'dead';
        end if;
        if array_length(array_remove(t_gate, null), 1) > 0 then
            insert into leadrail.run_gate (run_id, gate)
            select t.run_id, t.gate
            from unnest(t_run, t_gate) as t (run_id, gate)
            where t.gate is not null
            on conflict (run_id) do update set gate = excluded.gate;
        end if;
    end if;

    if p_want <= 0 then
        return;
    end if;
    return query select c.* from leadrail.claim_runs(p_worker, p_want, p_workflows) c;
end
$$;
