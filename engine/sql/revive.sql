-- What a person does with a run that is dead or parked: revive, restart, try now.
--
-- Whoever takes a run out of the dead letters locks its head, then its letter. The marks of a letter
-- are set by its row alone, so of two who want different things with it one wins and the other finds it
-- gone.

-- Sends one dead letter through again, from its last checkpoint: also out of a replay that has not come
-- to it. False when the run is not dead (any more), or discarded.
create or replace function leadrail.revive_run(p_run uuid, p_by text) returns boolean language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform from leadrail.workflow_run r where r.id = p_run and r.state = 'dead' for no key update;
    if not found then
        return false;
    end if;
    delete from leadrail.dead_letter d where d.run_id = p_run and d.discarded_at is null;
    if not found then
        return false;
    end if;
    update leadrail.workflow_run r
    set state = 'replaying', due_at = leadrail.now(), changed_at = leadrail.now()
    where r.id = p_run;
    insert into leadrail.history (run_id, seq, at, kind, payload)
    values (p_run, leadrail.next_seq(p_run), leadrail.now(), 'run_revived', json_build_object('by', p_by));
    return true;
end
$$;

-- Sends a dead or parked run through again from an activity on, or from the start (null). Effects
-- that exist once are looked for before they are made again. 'restarted', 'not_restartable' (it
-- runs, ended well, was cancelled or discarded, or never began), 'no_such_activity' or 'unknown'.
create or replace function leadrail.restart_run(p_run uuid, p_from text default null) returns text language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_run leadrail.workflow_run;
begin
    select r.* into v_run from leadrail.workflow_run r where r.id = p_run for no key update;
    if v_run.id is null then
        return case when exists (select from leadrail.history h where h.run_id = p_run) then 'not_restartable' else 'unknown' end;
    end if;
    if v_run.starts = 0 or v_run.state not in ('dead', 'retrying', 'waiting', 'queued') then
        return 'not_restartable';
    end if;
    if p_from is not null and not exists (
        select from leadrail.history h where h.run_id = p_run and h.activity = p_from
    ) then
        return 'no_such_activity';
    end if;
    delete from leadrail.dead_letter d where d.run_id = p_run and d.discarded_at is null;
    if v_run.state = 'dead' and not found then
        return 'not_restartable';
    end if;
    delete from leadrail.run_gate g where g.run_id = p_run;
    update leadrail.workflow_run r
    set state = case v_run.state when 'dead' then 'replaying'::leadrail.run_state else 'queued' end,
        due_at = leadrail.now(), changed_at = leadrail.now(), attempt = null, activity = null, reason = null
    where r.id = p_run;
    insert into leadrail.history (run_id, seq, at, kind, payload)
    values (p_run, leadrail.next_seq(p_run), leadrail.now(), 'run_restarted', json_build_object('from', p_from));
    return 'restarted';
end
$$;

-- Makes a parked run due now; the attempt that follows uses up none. False when it is not parked.
create or replace function leadrail.try_now(p_run uuid) returns boolean language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_activity text;
begin
    select r.activity into v_activity
    from leadrail.workflow_run r
    where r.id = p_run
      and (r.state in ('retrying', 'waiting', 'replaying') or (r.state = 'queued' and r.due_at > leadrail.now()))
    for no key update;
    if not found then
        return false;
    end if;
    delete from leadrail.run_gate g where g.run_id = p_run;
    update leadrail.workflow_run r
    set state = 'queued', due_at = leadrail.now(), changed_at = leadrail.now()
    where r.id = p_run;
    -- A run that never began has no attempt to spare and no history yet.
    insert into leadrail.history (run_id, seq, at, kind, activity)
    select p_run, leadrail.next_seq(p_run), leadrail.now(), 'run_tried_now', v_activity
    from leadrail.workflow_run r where r.id = p_run and r.starts > 0;
    return true;
end
$$;
