-- What a person does with a run that is dead or parked: replay, restart, try now.

-- Sends one dead letter through again, from its last checkpoint.
--
-- One guarded statement: two people at once get one replay between them. False when the run is not
-- dead (any more).
create or replace function leadrail.replay_run(p_run uuid, p_delay_ms bigint default 0) returns boolean
language sql
as $$
    with revived as (
        update leadrail.workflow_run r
        set state = 'replaying', changed_at = leadrail.now(),
            due_at = leadrail.now() + p_delay_ms * interval '1 millisecond'
        where r.id = p_run and r.state = 'dead'
        returning r.id
    ), unburied as (
        delete from leadrail.dead_letter d using revived where d.run_id = revived.id
    ), written as (
        insert into leadrail.history (run_id, seq, at, kind)
        select revived.id,
               leadrail.next_seq(revived.id),
               leadrail.now(), 'run_replayed'
        from revived
        returning run_id
    )
    select exists (select from written)
$$;

-- Sends a dead or parked run through again from an activity on, or from the start (null). Effects
-- that exist once are looked for before they are made again. 'restarted', 'not_restartable' (it
-- runs, ended well, was cancelled or never began), 'no_such_activity' or 'unknown'.
create or replace function leadrail.restart_run(p_run uuid, p_from text default null) returns text language plpgsql
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
    delete from leadrail.dead_letter d where d.run_id = p_run;
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
