-- Enqueue: many runs in one statement, each once per (scope, key), and the hint that they are there.

-- Answers one row an item: 'created', 'duplicate' (same key, same fingerprint: the run that is
-- there) or 'conflict' (same key, other fingerprint: nothing is written, the run that is there). A
-- repeat of a run that has left the hot table is answered with its true state.
--
-- Rows are found by their indexes, whatever the statistics say: why is in journal.sql. And by one plan:
-- a caller with one run would have each statement planned anew.
create or replace function leadrail.enqueue_runs(
    p_ids uuid[], p_workflows text[], p_scopes text[], p_keys text[], p_fingerprints text[],
    p_lanes text[], p_priorities smallint[], p_delays_ms bigint[], p_inputs text[]
) returns table (ord bigint, run_id uuid, outcome text, state leadrail.run_state, fingerprint text)
language plpgsql
set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off set jit = off
set plan_cache_mode = force_generic_plan set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_now timestamptz := leadrail.now();
    v_written bigint;
    -- Then nobody needs to look what is there, which is how nearly every call goes.
    v_all_new boolean;
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
    get diagnostics v_written = row_count;
    v_all_new := v_written = cardinality(array_remove(p_keys, null));

    insert into leadrail.workflow_run
        (id, due_at, asleep, changed_at, created_at, priority, workflow, scope, key, lane, input)
    select i.id, v_now + i.delay_ms * interval '1 millisecond', leadrail.sleeps_for(i.delay_ms), v_now, v_now,
           i.priority, i.workflow, i.scope, i.key, i.lane, i.input::json
    from unnest(p_ids, p_workflows, p_scopes, p_keys, p_lanes, p_priorities, p_delays_ms, p_inputs)
        as i (id, workflow, scope, key, lane, priority, delay_ms, input)
    left join leadrail.run_key k on not v_all_new and k.key = i.key and k.scope = i.scope
    where v_all_new or i.key is null or k.run_id = i.id;

    return query
    select i.ord, coalesce(k.run_id, i.id),
           case
               when v_all_new or i.key is null or k.run_id = i.id then 'created'
               when k.fingerprint = i.fingerprint then 'duplicate'
               else 'conflict'
           end,
           case
               when v_all_new then 'queued'
               -- A run whose day was dropped had ended.
               else coalesce(r.state, leadrail.ended_state(k.run_id), 'completed'::leadrail.run_state)
           end,
           case when v_all_new and i.key is not null then i.fingerprint else k.fingerprint end
    from unnest(p_ids, p_scopes, p_keys, p_fingerprints) with ordinality
        as i (id, scope, key, fingerprint, ord)
    left join leadrail.run_key k on not v_all_new and k.key = i.key and k.scope = i.scope
    left join leadrail.workflow_run r on not v_all_new and r.id = coalesce(k.run_id, i.id)
    order by i.ord;
end
$$;

-- Tells the workers at the commit of this transaction that there may be work, if none of them would
-- ask by itself soon.
--
-- Whoever enqueues inside a transaction of its own sends no notification, for that takes a lock of the
-- whole server at commit. While all workers are quiet nobody would ask for a while, and nobody
-- competes for that lock either: then it may be sent.
create or replace function leadrail.hint_if_quiet() returns void language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if (select bool_and(w.quiet) from leadrail.worker w) then
        perform pg_notify('leadrail_run', '');
    end if;
end
$$;
