-- A broken session may have left a statement behind that commits later.
--
-- Whoever looks whether it was committed ends the session first; otherwise the answer holds only for
-- the moment. A claim that commits after the look would hold its runs for a worker that does not
-- know of them, for as long as that worker lives.
-- Safe beside the previous release, which does not call it. Undo by dropping the function.

-- Ends the session that served a worker, and waits for whatever of that worker's is still being
-- committed: behind a pooler its statement may have gone to another process. False when the session
-- would not end within five seconds.
create function leadrail.end_session(p_worker uuid, p_pid integer, p_started timestamptz)
returns boolean language plpgsql
as $$
declare
    v_ended boolean;
begin
    select pg_terminate_backend(a.pid, 5000) into v_ended
    from pg_stat_activity a
    where a.pid = p_pid and a.backend_start = p_started;
    -- The journal holds a key-share lock on this row until it has committed.
    perform from leadrail.worker w where w.id = p_worker for update;
    return coalesce(v_ended, true);
end
$$;
