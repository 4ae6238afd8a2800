-- Housekeeping: what workers do now and then so that nothing grows for ever.
--
-- The hot table must stay as small as what is alive, or its scans, its vacuum and its caches grow with
-- the past: heads of completed and cancelled runs move to leadrail.ended_run. Dead letters never move:
-- they wait for a person; discarded ones are cancelled when their time is over, and leave as such.

-- Moves ended runs out of the hot table: looks at the next `p_rows` heads in the order of their ids
-- and takes what ended long enough ago. Answers how many it looked at and how many it moved; fewer
-- looked at than asked for ends the round, and the next one begins at the oldest again.
--
-- Nothing indexes the state of a run, so this walks the primary key and remembers where it is. The
-- row that remembers is the turn: whoever does not get it has nothing to do.
create or replace function leadrail.move_ended_runs(p_rows integer, out looked integer, out moved integer)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_from uuid;
    v_to uuid;
    v_before timestamptz;
    v_forget_before uuid;
    v_old uuid[];
begin
    looked := 0;
    moved := 0;
    select h.swept_to into v_from from leadrail.housekeeping h where h.task = 'ended_runs' for update skip locked;
    if not found then
        return;
    end if;
    -- An hour more than forget_old_inputs allows: what is moved meanwhile is behind it already.
    select leadrail.now() - r.ended_after, leadrail.uuid_v7_floor(leadrail.now() - r.input_for + interval '1 hour')
    into v_before, v_forget_before
    from leadrail.retention r;
    with slice as materialized (
        select r.id, r.state, r.changed_at
        from leadrail.workflow_run r
        -- A run born later cannot have ended before.
        where r.id > v_from and r.id < leadrail.uuid_v7_floor(v_before)
        order by r.id
        limit p_rows
    ), doomed as materialized (
        select r.id
        from leadrail.workflow_run r
        join slice s on s.id = r.id
        where s.state in ('completed', 'cancelled') and s.changed_at <= v_before
          and r.state in ('completed', 'cancelled')
        order by r.id
        for update of r skip locked
    ), gone as (
        delete from leadrail.workflow_run r
        using doomed d
        where r.id = d.id
        returning r.id, r.state, r.worker_id, r.starts, r.attempt, r.changed_at, r.activity, r.reason,
                  r.priority, r.workflow, r.scope, r.key, r.lane, r.created_at, r.input, r.parent_id
    ), kept as (
        insert into leadrail.ended_run
            (id, state, worker_id, starts, attempt, changed_at, activity, reason, priority, workflow,
             scope, key, lane, created_at, input, parent_id)
        select g.id, g.state, g.worker_id, g.starts, g.attempt, g.changed_at, g.activity, g.reason,
               g.priority, g.workflow, g.scope, g.key, g.lane, g.created_at, g.input, g.parent_id
        from gone g
        returning id
    )
    select (select count(*) from slice), (select count(*) from kept),
           (select s.id from slice s order by s.id desc limit 1),
           array(select k.id from kept k where k.id < v_forget_before)
    into looked, moved, v_to, v_old;
    if cardinality(v_old) > 0 then
        perform leadrail.forget_runs(v_old, false);
    end if;
    update leadrail.housekeeping h
    set swept_to = case when looked < p_rows then '00000000-0000-0000-0000-000000000000' else v_to end,
        tried_at = leadrail.now(), done_at = leadrail.now(), error = null
    where h.task = 'ended_runs';
end
$$;

-- Forgets suspects that have ended, and what was kept beyond its day and has ended since: its end is as
-- long ago as a day may be, and what belonged to it goes with it.
create or replace function leadrail.forget_kept_rows() returns void language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_edge timestamptz;
    v_floor uuid;
    v_table leadrail.dated_table;
begin
    delete from leadrail.suspect_run s
    where not exists (select from leadrail.workflow_run r where r.id = s.run_id);
    select leadrail.now() - r.history_for, leadrail.uuid_v7_floor(r.dropped_until) into v_edge, v_floor
    from leadrail.retention r
    where r.history_for is not null and r.dropped_until > '-infinity';
    if not found then
        return;
    end if;
    delete from leadrail.ended_run_default e where e.id < v_floor and e.changed_at < v_edge;
    for v_table in select t.* from leadrail.dated_table t where t.name <> 'ended_run' loop
        execute format(
            'delete from leadrail.%1$I d
             where d.%2$I < $1 and not exists (select from leadrail.run r where r.id = d.%2$I)',
            v_table.name || '_default', v_table.id_column
        ) using v_floor;
    end loop;
end
$$;

-- Writes down that a clean-up was done, or why not.
create or replace function leadrail.note_housekeeping(p_task text, p_error text default null) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
    insert into leadrail.housekeeping as h (task, tried_at, done_at, error)
    values (p_task, leadrail.now(), case when p_error is null then leadrail.now() end, p_error)
    on conflict (task) do update
    set tried_at = excluded.tried_at, done_at = coalesce(excluded.done_at, h.done_at), error = excluded.error
$$;

-- What workers do every hour so that nothing grows for ever. Any number may call it at once: one
-- does it. A task that fails stops no other and says so in leadrail.housekeeping.
create or replace function leadrail.keep_house() returns void language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if not pg_try_advisory_xact_lock(leadrail.lock_number('keep_house')) then
        return;
    end if;
    begin
        perform leadrail.make_history_partitions((leadrail.now() at time zone 'UTC')::date, 15);
        perform leadrail.note_housekeeping('partitions');
    exception when others then
        perform leadrail.note_housekeeping('partitions', sqlerrm);
    end;
    begin
        delete from leadrail.run_lock l
        where l.taken_at < leadrail.now() - interval '1 hour'
          and not exists (
                select from leadrail.workflow_run r
                where r.id = l.run_id and r.state not in ('completed', 'dead', 'cancelled')
          );
        delete from leadrail.run_gate g
        where not exists (
            select from leadrail.workflow_run r where r.id = g.run_id and r.state in ('running', 'waiting')
        );
        delete from leadrail.signal s
        where s.sent_at < leadrail.now() - interval '1 hour'
          and not exists (select from leadrail.workflow_run r where r.id = s.run_id);
        perform leadrail.note_housekeeping('locks_and_gates');
    exception when others then
        perform leadrail.note_housekeeping('locks_and_gates', sqlerrm);
    end;
    begin
        perform leadrail.forget_kept_rows();
        perform leadrail.note_housekeeping('kept_rows');
    exception when others then
        perform leadrail.note_housekeeping('kept_rows', sqlerrm);
    end;
    perform leadrail.run_house_tasks();
    begin
        perform leadrail.release_ended_replays();
        -- Last, because they wait for nobody.
        perform leadrail.retire_letters(10000);
        perform leadrail.settle_discards(10000);
        perform leadrail.note_housekeeping('letters');
    exception when others then
        perform leadrail.note_housekeeping('letters', sqlerrm);
    end;
end
$$;
