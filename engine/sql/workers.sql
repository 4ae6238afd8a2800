-- Workers: one row per incarnation, and that row is the fence.
--
-- Whoever commits for a worker holds a key-share lock on its row; whoever takes its runs over deletes
-- the row first. The two exclude each other, so a worker that lost its runs commits nothing. Ids are
-- random: a failover cannot hand the same one out twice.

-- When the session that asks began. PostgreSQL shows that of a login's sessions to the login, and not
-- to the role that it has taken on; null where even the login may not know.
create or replace function leadrail.session_start() returns timestamptz language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_role text := current_setting('role');
    v_start timestamptz;
begin
    perform set_config('role', 'none', true);
    select a.backend_start into v_start from pg_stat_activity a where a.pid = pg_backend_pid();
    perform set_config('role', v_role, true);
    return v_start;
end
$$;

-- A new incarnation, whose session is the one that asks; its id.
create or replace function leadrail.register_worker(p_name text, p_pid integer, p_version text, p_lease interval)
returns uuid language sql
set search_path = pg_catalog, pg_temp
as $$
    insert into leadrail.worker (name, pid, version, backend_pid, backend_start, lease)
    values (p_name, p_pid, p_version, pg_backend_pid(), leadrail.session_start(), p_lease)
    returning id
$$;

-- Renews the lease; false when the worker was taken over. A quiet one is sent a notification on a
-- channel of its own, by which it knows that others would arrive too.
create or replace function leadrail.renew_worker(p_worker uuid, p_quiet boolean) returns boolean language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update leadrail.worker w
    set seen_at = leadrail.now(), renewed_at = clock_timestamp(), backend_pid = pg_backend_pid(),
        backend_start = leadrail.session_start(), quiet = p_quiet
    where w.id = p_worker;
    if not found then
        return false;
    end if;
    if p_quiet then
        perform pg_notify('leadrail_' || p_worker, '');
    end if;
    return true;
end
$$;

-- The workers that look dead: no lease any more, or no session any more (a hint: ask twice). Of another
-- role's session one sees the process and not its start, which is no evidence of death: if the process is
-- a later one's by now, the lease tells.
create or replace function leadrail.suspect_workers() returns table (worker_id uuid, lease_over boolean)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select w.id, w.seen_at + w.lease < leadrail.now()
    from leadrail.worker w
    where w.seen_at + w.lease < leadrail.now()
       or not exists (
            select from pg_stat_activity a
            where a.pid = w.backend_pid and (a.backend_start = w.backend_start) is not false
       )
$$;

-- Takes the runs of dead workers over: one guarded statement, safe to run by all workers at once.
-- The guard is asked again here: a worker that came back in between keeps its runs. How many runs.
--
-- Where workers die all the time a run may lose several of them without being the cause; what others
-- lost meanwhile tells the two apart, so the dead are counted.
create or replace function leadrail.take_over(p_workers uuid[]) returns integer language plpgsql
set search_path = pg_catalog, pg_temp
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

    if cardinality(v_gone) = 0 then
        return 0;
    end if;
    update leadrail.worker_deaths set workers = workers + cardinality(v_gone);
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
create or replace function leadrail.requeue(p_runs uuid[], p_kind leadrail.history_kind) returns integer
language sql
set search_path = pg_catalog, pg_temp
as $$
    with freed as (
        update leadrail.workflow_run r
        set state = 'queued', due_at = r.created_at - interval '1 microsecond', changed_at = leadrail.now()
        where r.id = any (p_runs) and r.state = 'running'
        returning r.id, r.worker_id
    ), written as (
        insert into leadrail.history (run_id, seq, at, kind, payload)
        select f.id, leadrail.next_seq(f.id), leadrail.now(), p_kind,
               case p_kind
                   when 'run_lost' then json_build_object(
                       'worker', f.worker_id, 'deaths', (select d.workers from leadrail.worker_deaths d)
                   )
                   else json_build_object('worker', f.worker_id)
               end
        from freed f
        returning run_id
    )
    select count(*)::integer from written
$$;

-- A worker's orderly end: its row goes, and whatever it still holds goes back.
create or replace function leadrail.retire_worker(p_worker uuid) returns integer language plpgsql
set search_path = pg_catalog, pg_temp
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
create or replace function leadrail.release_unknown(p_worker uuid, p_known uuid[]) returns integer language sql
set search_path = pg_catalog, pg_temp
as $$
    select leadrail.requeue(
        array(
            select r.id from leadrail.workflow_run r
            where r.worker_id = p_worker and r.state = 'running' and r.id <> all (p_known)
        ),
        'run_released'
    )
$$;

-- A broken session may have left a statement behind that commits later. Whoever looks whether it was
-- committed ends the session first; otherwise the answer holds only for the moment. A claim that
-- commits after the look would hold its runs for a worker that does not know of them, for as long as
-- that worker lives.
--
-- Ends the session that served a worker, and waits for whatever of that worker's is still being
-- committed by its other sessions. False when it would not end within five seconds, or is another
-- login's by now, which may neither be seen nor be ended: only the end of the worker's row is sure then.
create or replace function leadrail.end_session(p_worker uuid, p_pid integer, p_started timestamptz)
returns boolean language plpgsql
set search_path = pg_catalog, pg_temp set lock_timeout = '5s'
as $$
declare
    v_role text := current_setting('role');
    v_ended boolean;
begin
    perform set_config('role', 'none', true);
    select case when a.backend_start = p_started then pg_terminate_backend(a.pid, 5000) else false end
    into v_ended
    from pg_stat_activity a
    where a.pid = p_pid and (a.backend_start = p_started) is not false;
    perform set_config('role', v_role, true);
    -- The journal holds a key-share lock on this row until it has committed.
    perform from leadrail.worker w where w.id = p_worker for update;
    return coalesce(v_ended, true);
end
$$;
