-- Cancellation: a run and its children are asked to stop.
--
-- What has not begun, or is dead, is cancelled at once and for good (a discard could be undone: see
-- letters.sql); a workflow that has begun hears of it and may clean up.

-- Asks a run and its children to stop: 'cancelled' (it had not begun, or was dead), 'asked' (its
-- workflow hears of it and may clean up), 'ended' or 'unknown'.
create or replace function leadrail.cancel_run(p_run uuid, p_why text) returns text language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_answer text := 'unknown';
    v_ids uuid[];
    v_run leadrail.workflow_run;
    v_became text;
begin
    with recursive family as (
        select r.id, r.parent_id from leadrail.workflow_run r where r.id = p_run
        union all
        select r.id, r.parent_id from leadrail.workflow_run r join family f on r.parent_id = f.id
    )
    select coalesce(array_agg(f.id), '{}') into v_ids from family f;
    perform leadrail.lock_gates(
        array(select 'run:' || id from unnest(v_ids) as id), array_fill(true, array[cardinality(v_ids)])
    );
    -- Children before their parents, as the journal locks them.
    for v_run in
        select r.* from leadrail.workflow_run r where r.id = any (v_ids) order by r.id desc for no key update
    loop
        v_became := leadrail.cancel_one(v_run, p_why);
        if v_run.id = p_run then
            v_answer := v_became;
        end if;
    end loop;
    if v_answer = 'unknown' and exists (select from leadrail.history h where h.run_id = p_run) then
        return 'ended';
    end if;
    -- Rare enough for the lock that a notification takes at commit; running workers look at once.
    perform pg_notify('leadrail_run', 'cancel');
    return v_answer;
end
$$;

-- The same for one run, whose head and whose gate the caller has locked.
create or replace function leadrail.cancel_one(p_run leadrail.workflow_run, p_why text) returns text language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if p_run.state in ('completed', 'cancelled') then
        return 'ended';
    end if;
    if p_run.state = 'dead' or (p_run.starts = 0 and p_run.state <> 'running') then
        update leadrail.workflow_run r
        set state = 'cancelled', due_at = null, changed_at = leadrail.now(), reason = 'cancelled'
        where r.id = p_run.id;
        delete from leadrail.dead_letter d where d.run_id = p_run.id;
        delete from leadrail.run_gate g where g.run_id = p_run.id;
        insert into leadrail.history (run_id, seq, at, kind, payload)
        values (p_run.id, leadrail.next_seq(p_run.id), leadrail.now(), 'run_cancelled', json_build_object('why', p_why));
        perform leadrail.wake_gates(array['run:' || p_run.id], 0);
        return 'cancelled';
    end if;
    insert into leadrail.cancel_request (run_id, why) values (p_run.id, p_why) on conflict do nothing;
    if p_run.state <> 'running' then
        delete from leadrail.run_gate g where g.run_id = p_run.id;
        update leadrail.workflow_run r
        set state = 'queued', due_at = leadrail.now(), changed_at = leadrail.now()
        where r.id = p_run.id;
    end if;
    return 'asked';
end
$$;

-- Runs that parked although they were asked to stop, and have not heard, are due at once; ended ones
-- need no asking.
create or replace function leadrail.heed_cancel_requests(t_run uuid[]) returns void language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update leadrail.workflow_run r
    set state = 'queued', due_at = leadrail.now()
    from leadrail.cancel_request q
    where r.id = any (t_run) and q.run_id = r.id and r.state in ('retrying', 'waiting');
    delete from leadrail.cancel_request q
    using leadrail.workflow_run r
    where q.run_id = any (t_run) and r.id = q.run_id and r.state in ('completed', 'dead', 'cancelled');
end
$$;
