-- Workers: one row per incarnation, and that row is the fence.
--
-- Whoever commits for a worker holds a key-share lock on its row; whoever takes its runs over
-- deletes the row first. The two exclude each other, so a worker that lost its runs commits nothing.
-- Ids are random: a failover cannot hand the same one out twice.
-- Safe beside any previous release: there is none. Undo by dropping the objects.
create table leadrail.worker (
    id uuid primary key default gen_random_uuid(),
    name text not null,
    pid integer not null,
    version text not null,
    backend_pid integer not null,
    backend_start timestamptz not null,
    lease interval not null,
    started_at timestamptz not null default leadrail.now(),
    seen_at timestamptz not null default leadrail.now()
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
comment on column leadrail.worker.backend_pid is 'The session that the worker keeps open; its end is the hint that the worker died.';

create function leadrail.register_worker(p_name text, p_pid integer, p_version text, p_lease interval)
returns uuid language sql
as $$
    insert into leadrail.worker (name, pid, version, backend_pid, backend_start, lease)
    select p_name, p_pid, p_version, a.pid, a.backend_start, p_lease
    from pg_stat_activity a
    where a.pid = pg_backend_pid()
    returning id
$$;

-- Renews the lease; false when the worker was taken over. Also tells which session it has now.
create function leadrail.renew_worker(p_worker uuid) returns boolean language sql
as $$
    with renewed as (
        update leadrail.worker w
        set seen_at = leadrail.now(), backend_pid = a.pid, backend_start = a.backend_start
        from pg_stat_activity a
        where a.pid = pg_backend_pid() and w.id = p_worker
        returning w.id
    )
    select exists (select from renewed)
$$;

-- The workers that look dead: no lease any more, or no session any more (a hint: ask twice).
create function leadrail.suspect_workers() returns table (worker_id uuid, lease_over boolean)
language sql stable
as $$
    select w.id, w.seen_at + w.lease < leadrail.now()
    from leadrail.worker w
    where w.seen_at + w.lease < leadrail.now()
       or not exists (
            select from pg_stat_activity a
            where a.pid = w.backend_pid and a.backend_start = w.backend_start
       )
$$;

-- Takes the runs of dead workers over: one guarded statement, safe to run by all workers at once.
-- The guard is asked again here: a worker that came back in between keeps its runs.
create function leadrail.take_over(p_workers uuid[]) returns integer language plpgsql
as $$
declare
    v_gone uuid[];
begin
    with doomed as materialized (
        select w.id
        from leadrail.worker w
        where w.id = any (p_workers)
          and w.id in (select s.worker_id from leadrail.suspect_workers() s)
        for update skip locked
    ), gone as (
        delete from leadrail.worker w using doomed d where w.id = d.id returning w.id
    )
    select coalesce(array_agg(gone.id), '{}') into v_gone from gone;

    return leadrail.requeue(
        array(
            select r.id from leadrail.workflow_run r
            where r.worker_id = any (v_gone) and r.state = 'running'
        ),
        'run_lost'
    );
end
$$;

-- Gives running runs back to the queue: no attempt is used up. They keep their age, so they do not
-- stand behind everything that came after them; the microsecond puts them before those of the same
-- age that were never started, such as the rest of their batch.
create function leadrail.requeue(p_runs uuid[], p_kind leadrail.history_kind) returns integer
language sql
as $$
    with freed as (
        update leadrail.workflow_run r
        set state = 'queued', due_at = r.created_at - interval '1 microsecond', changed_at = leadrail.now()
        where r.id = any (p_runs) and r.state = 'running'
        returning r.id, r.worker_id
    ), written as (
        insert into leadrail.history (run_id, seq, at, kind, payload)
        select f.id,
               (select coalesce(max(h.seq), -1) + 1 from leadrail.history h where h.run_id = f.id),
               leadrail.now(), p_kind, json_build_object('worker', f.worker_id)
        from freed f
        returning run_id
    )
    select count(*)::integer from written
$$;

-- A worker's orderly end: its row goes, and whatever it still holds goes back.
create function leadrail.retire_worker(p_worker uuid) returns integer language plpgsql
as $$
begin
    delete from leadrail.worker w where w.id = p_worker;
    return leadrail.requeue(
        array(
            select r.id from leadrail.workflow_run r
            where r.worker_id = p_worker and r.state = 'running'
        ),
        'run_released'
    );
end
$$;

-- After a lost answer: runs that were claimed for the worker without its knowledge go back.
create function leadrail.release_unknown(p_worker uuid, p_known uuid[]) returns integer language sql
as $$
    select leadrail.requeue(
        array(
            select r.id from leadrail.workflow_run r
            where r.worker_id = p_worker and r.state = 'running' and r.id <> all (p_known)
        ),
        'run_released'
    )
$$;
