-- The journal: everything a worker has to write, and the runs it asks for, in one fenced statement.
--
-- It and the enqueue find rows by their indexes, whatever the statistics say, for a queue's statistics
-- are those of another minute. After an analyze in the middle of a flood a worker was taken to hold one
-- run, and a statement compared each of its entries with each run of the worker (two million
-- comparisons, half a second); a claim read the whole hot table to join 500 ids to it; and a plan made
-- after a vacuum of the empty table read all of it for every claim of the flood that came.

-- First the fence: a worker without a row changes nothing (LR002). Then what happened (history, h_), then
-- the moves of heads (t_), each only from `running` under this worker (LR003 if one is not), then the
-- gates at which runs park or which they open (g_), then the locks that they give back and take (l_),
-- then the claim. Answers what leadrail.move_locks and leadrail.claim_runs do; of the latter nothing when
-- no run is wanted.
create or replace function leadrail.journal(
    p_worker uuid,
    h_run uuid[], h_seq integer[], h_kind leadrail.history_kind[], h_attempt smallint[], h_activity text[], h_payload text[],
    t_run uuid[], t_state leadrail.run_state[], t_delay_ms bigint[], t_attempt smallint[], t_activity text[], t_reason text[],
    g_run uuid[], g_gate text[], g_since timestamptz[], g_opens boolean[],
    l_run uuid[], l_name text[], l_takes boolean[],
    p_want integer, p_workflows text[]
) returns setof leadrail.claimed language plpgsql
set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off
-- Where nothing but a scan will do (a table of one row) its price must not look like a long query's.
set jit = off
set search_path = pg_catalog, pg_temp
as $$
declare
    v_now timestamptz := leadrail.now();
    v_count integer;
begin
    perform from leadrail.worker w where w.id = p_worker for key share;
    if not found then
        raise exception 'worker % was taken over', p_worker using errcode = 'LR002';
    end if;
    if cardinality(g_run) > 0 then
        perform leadrail.lock_gates(g_gate, g_opens);
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
            asleep = leadrail.sleeps_for(t.delay_ms),
            changed_at = v_now, attempt = t.attempt, activity = t.activity, reason = t.reason
        from (
            select t.run_id, t.state, t.delay_ms, t.attempt, t.activity, t.reason,
                   'running'::leadrail.run_state as held, p_worker as holder
            from unnest(t_run, t_state, t_delay_ms, t_attempt, t_activity, t_reason)
                as t (run_id, state, delay_ms, attempt, activity, reason)
            -- Each run is found by its id. Were these two conditions pulled out, statistics would take
            -- a worker to hold one run, and each run it holds would be compared with each entry.
            offset 0
        ) t
        where r.id = t.run_id and r.state = t.held and r.worker_id is not distinct from t.holder;
        get diagnostics v_count = row_count;
        if v_count <> cardinality(t_run) then
            raise exception 'only % of % runs belong to worker %', v_count, cardinality(t_run), p_worker
                using errcode = 'LR003';
        end if;
        if 'dead'::leadrail.run_state = any (t_state) then
            insert into leadrail.dead_letter (run_id, priority, workflow, scope, lane, activity, reason, died_at)
            select r.id, r.priority, r.workflow, r.scope, r.lane, r.activity, coalesce(r.reason, 'unknown'), v_now
            from unnest(t_run, t_state) as t (run_id, state)
            join leadrail.workflow_run r on r.id = t.run_id
            where t.state = 'dead';
        end if;
    end if;

    if h_kind && array['child_started', 'run_continued', 'signal_received', 'cancel_requested']::leadrail.history_kind[] then
        perform leadrail.follow_history(h_run, h_kind, h_payload);
    end if;
    if cardinality(g_run) > 0 then
        perform leadrail.pass_gates(g_run, g_gate, g_since, g_opens);
    end if;
    if cardinality(t_run) > 0 and exists (select from leadrail.cancel_request) then
        perform leadrail.heed_cancel_requests(t_run);
    end if;

    if cardinality(l_run) > 0 then
        return query select m.* from leadrail.move_locks(l_run, l_name, l_takes) m;
    end if;
    if p_want <= 0 then
        return;
    end if;
    return query select c.* from leadrail.claim_runs(p_worker, p_want, p_workflows) c;
end
$$;

-- What a few kinds of history bring with them: runs that begin, signals that are taken, children
-- that are asked to stop.
create or replace function leadrail.follow_history(h_run uuid[], h_kind leadrail.history_kind[], h_payload text[])
returns void language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_now timestamptz := leadrail.now();
begin
    insert into leadrail.workflow_run
        (id, due_at, changed_at, created_at, priority, workflow, scope, lane, input, parent_id)
    select (h.payload ->> 'run')::uuid, v_now, v_now, v_now, coalesce((h.payload ->> 'priority')::smallint, r.priority),
           h.payload ->> 'workflow', r.scope, coalesce(h.payload ->> 'lane', r.lane), h.payload -> 'input',
           case when (h.payload ->> 'detached')::boolean then null else r.id end
    from (select run_id, kind, payload::json from unnest(h_run, h_kind, h_payload) as u (run_id, kind, payload)
          where u.kind = 'child_started') h
    join leadrail.workflow_run r on r.id = h.run_id;

    perform leadrail.continue_run(h.run_id, (h.payload ->> 'next')::uuid, h.payload -> 'input')
    from (select run_id, payload::json from unnest(h_run, h_kind, h_payload) as u (run_id, kind, payload)
          where u.kind = 'run_continued') h;

    update leadrail.signal s
    set taken_at = v_now
    from (select payload::json from unnest(h_kind, h_payload) as u (kind, payload)
          where u.kind = 'signal_received') h
    where s.id = (h.payload ->> 'signal')::bigint and s.taken_at is null;

    -- The run has heard; so must children that it started meanwhile.
    perform leadrail.cancel_run(c.id, q.why)
    from unnest(h_run, h_kind) as h (run_id, kind)
    join leadrail.cancel_request q on q.run_id = h.run_id
    join leadrail.workflow_run c on c.parent_id = h.run_id
    where h.kind = 'cancel_requested';
    delete from leadrail.cancel_request q
    using unnest(h_run, h_kind) as h (run_id, kind)
    where h.kind = 'cancel_requested' and q.run_id = h.run_id;
end
$$;

-- A run that ends and goes on as a new one: the next run takes over its key, its parent, the signals
-- that it has not taken, and whoever waits for its end.
create or replace function leadrail.continue_run(p_run uuid, p_next uuid, p_input json) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_now timestamptz := leadrail.now();
begin
    insert into leadrail.workflow_run
        (id, due_at, changed_at, created_at, priority, workflow, scope, key, lane, input, parent_id)
    select p_next, v_now, v_now, v_now, r.priority,
           r.workflow, r.scope, r.key, r.lane, p_input, r.parent_id
    from leadrail.workflow_run r
    where r.id = p_run;
    update leadrail.run_key k
    set run_id = p_next
    from leadrail.workflow_run r
    where r.id = p_run and k.key = r.key and k.scope = r.scope;
    -- The key is the next run's now.
    update leadrail.workflow_run r set key = null where r.id = p_run;
    update leadrail.signal s set run_id = p_next where s.run_id = p_run and s.taken_at is null;
    update leadrail.run_gate g set gate = 'run:' || p_next where g.gate = 'run:' || p_run;
end
$$;
