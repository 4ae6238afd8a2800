-- Enqueue: many runs in one statement, each once per (scope, key).
--
-- Safe beside any previous release: there is none. Undo by dropping the function.
--
-- Answers one row an item: 'created', 'duplicate' (same key, same fingerprint: the run that is
-- there) or 'conflict' (same key, other fingerprint: nothing is written, the run that is there).
create function leadrail.enqueue_runs(
    p_ids uuid[], p_workflows text[], p_scopes text[], p_keys text[], p_fingerprints text[],
    p_lanes text[], p_priorities smallint[], p_delays_ms bigint[], p_inputs text[]
) returns table (ord bigint, run_id uuid, outcome text, state leadrail.run_state, fingerprint text)
language plpgsql
as $$
#variable_conflict use_column
declare
    v_now timestamptz := leadrail.now();
begin
    -- The unique index decides, not a look before: parallel callers wait for each other here.
    -- In key order, so that two batches with the same keys cannot deadlock.
    insert into leadrail.run_key (key, scope, run_id, fingerprint, created_at)
    select distinct on (i.key, i.scope) i.key, i.scope, i.id, i.fingerprint, v_now
    from unnest(p_ids, p_scopes, p_keys, p_fingerprints) with ordinality
        as i (id, scope, key, fingerprint, ord)
    where i.key is not null
    order by i.key, i.scope, i.ord
    on conflict do nothing;

    insert into leadrail.workflow_run
        (id, due_at, changed_at, created_at, priority, workflow, scope, key, lane, input)
    select i.id, v_now + i.delay_ms * interval '1 millisecond', v_now, v_now,
           i.priority, i.workflow, i.scope, i.key, i.lane, i.input::json
    from unnest(p_ids, p_workflows, p_scopes, p_keys, p_lanes, p_priorities, p_delays_ms, p_inputs)
        as i (id, workflow, scope, key, lane, priority, delay_ms, input)
    left join leadrail.run_key k on k.key = i.key and k.scope = i.scope
    where i.key is null or k.run_id = i.id;

    return query
    select i.ord, coalesce(k.run_id, i.id),
           case
               when i.key is null or k.run_id = i.id then 'created'
               when k.fingerprint = i.fingerprint then 'duplicate'
               else 'conflict'
           end,
           coalesce(r.state, 'completed'::leadrail.run_state), k.fingerprint
    from unnest(p_ids, p_scopes, p_keys, p_fingerprints) with ordinality
        as i (id, scope, key, fingerprint, ord)
    left join leadrail.run_key k on k.key = i.key and k.scope = i.scope
    left join leadrail.workflow_run r on r.id = coalesce(k.run_id, i.id)
    order by i.ord;
end
$$;

-- Makes runs due that wait for a gate, `p_spacing_ms` apart and the urgent first.
create function leadrail.open_gate(p_gate text, p_spacing_ms bigint default 0) returns integer
language sql
as $$
    with opened as (
        delete from leadrail.run_gate g where g.gate = p_gate returning g.run_id
    ), ranked as (
        select r.id, row_number() over (order by r.priority, r.created_at) - 1 as turn
        from leadrail.workflow_run r
        join opened o on o.run_id = r.id
        where r.state = 'waiting'
    ), freed as (
        update leadrail.workflow_run r
        set state = 'queued', changed_at = leadrail.now(),
            due_at = leadrail.now() + ranked.turn * p_spacing_ms * interval '1 millisecond'
        from ranked
        where r.id = ranked.id and r.state = 'waiting'
        returning r.id
    )
    select count(*)::integer from freed
$$;

-- Takes a named lock for a run, again if it has it already. Null when taken; else when to ask again.
create function leadrail.take_lock(p_name text, p_run uuid, p_worker uuid) returns timestamptz
language plpgsql
as $$
declare
    v_now timestamptz := leadrail.now();
    v_due timestamptz;
begin
    perform from leadrail.worker w where w.id = p_worker for key share;
    if not found then
        raise exception 'worker % was taken over', p_worker using errcode = 'LR002';
    end if;
    -- A lock whose run has ended is free.
    insert into leadrail.run_lock as l (name, run_id, taken_at) values (p_name, p_run, v_now)
    on conflict (name) do update set run_id = excluded.run_id, taken_at = excluded.taken_at
    where l.run_id = excluded.run_id
       or not exists (
            select from leadrail.workflow_run r
            where r.id = l.run_id and r.state not in ('completed', 'dead', 'cancelled')
       );
    if found then
        return null;
    end if;
    select r.due_at into v_due
    from leadrail.run_lock l join leadrail.workflow_run r on r.id = l.run_id
    where l.name = p_name;
    return greatest(v_now, coalesce(v_due, v_now)) + interval '500 milliseconds';
end
$$;
