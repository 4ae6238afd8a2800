-- Forgetting: what runs were given, and what was said about them, goes before the runs go.
--
-- What is left of a run says what was done, when and how it ended. Its words (inputs, messages, bodies of
-- calls, signals) are gone; results of activities stay, for what was made outside is found by them.

-- What stands in the place of a run's input.
create or replace function leadrail.forgotten() returns json
language sql immutable parallel safe
return '{"forgotten":true}'::json;

-- A line of history without words: no message, no value, no body or header of a call. What is no object,
-- or cannot be taken apart, is gone as a whole.
create or replace function leadrail.without_words(payload json) returns json
language plpgsql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
    v_line jsonb;
begin
    v_line := payload::jsonb - array['message', 'why', 'value', 'input'];
    if jsonb_typeof(v_line -> 'evidence') = 'array' then
        v_line := jsonb_set(v_line, '{evidence}', coalesce((
            select jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                'activity', e.value -> 'activity', 'method', e.value -> 'method', 'status', e.value -> 'status',
                'duration_ms', e.value -> 'duration_ms', 'error', e.value -> 'error'
            )) order by e.ord)
            from jsonb_array_elements(v_line -> 'evidence') with ordinality as e (value, ord)
            where jsonb_typeof(e.value) = 'object'
        ), '[]'));
    end if;
    if jsonb_typeof(v_line) <> 'object' then
        return leadrail.forgotten();
    end if;
    return v_line || '{"forgotten":true}';
exception when others then
    return leadrail.forgotten();
end
$$;

-- Takes the words out of the histories of these runs. Planned anew each time, for these runs: a plan for any
-- runs, which is all that a function in SQL has, looks into every day and locks its partition.
create or replace function leadrail.forget_history(p_runs uuid[]) returns void language plpgsql
set enable_seqscan = off set jit = off set plan_cache_mode = force_custom_plan
set search_path = pg_catalog, pg_temp
as $$
begin
    update leadrail.history h
    set payload = leadrail.without_words(h.payload)
    where h.run_id = any (p_runs) and h.payload is not null
      and h.kind in (
          'activity_completed', 'activity_failed', 'activity_throttled', 'run_waiting', 'run_dead', 'run_cancelled',
          'run_completed', 'cancel_requested', 'signal_received', 'side_value', 'state_published', 'child_started',
          'child_completed', 'child_failed', 'run_continued'
      )
      and h.payload ->> 'forgotten' is null;
end
$$;

-- Forgets what these runs were given and what was said about them, as far as they have ended; which
-- ones have. Whoever still lives is left as it is. With `p_keys` their keys, too, know no more what
-- came under them: whatever comes again under one of them is a conflict.
create or replace function leadrail.forget_runs(p_runs uuid[], p_keys boolean) returns uuid[] language plpgsql
set enable_seqscan = off set jit = off
set search_path = pg_catalog, pg_temp
as $$
declare
    v_ended uuid[];
begin
    -- Whoever is being moved out of the hot table is waited for, and found below.
    v_ended := array(
        select r.id
        from leadrail.workflow_run r
        where r.id = any (p_runs) and r.state in ('completed', 'cancelled')
        order by r.id desc
        for no key update
    );
    update leadrail.workflow_run r set input = leadrail.forgotten() where r.id = any (v_ended);
    update leadrail.ended_run e set input = leadrail.forgotten() where e.id = any (p_runs);
    v_ended := v_ended || array(select e.id from leadrail.ended_run e where e.id = any (p_runs));
    perform leadrail.forget_history(v_ended);
    delete from leadrail.signal s where s.run_id = any (v_ended);
    delete from leadrail.run_lock l where l.run_id = any (v_ended);
    if p_keys then
        update leadrail.run_key k
        set fingerprint = 'forgotten'
        from leadrail.run r
        where r.id = any (v_ended) and k.key = r.key and k.scope = r.scope and k.run_id = r.id;
    end if;
    return v_ended;
end
$$;

-- Forgets the inputs of runs that are old enough: looks at the next `p_rows` in the order of their birth;
-- how many it looked at. Fewer than asked for: there are no more yet.
--
-- It only goes forward. A run that is older when it ends forgets when it leaves the hot table.
create or replace function leadrail.forget_old_inputs(p_rows integer) returns integer language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_from uuid;
    v_runs uuid[];
begin
    select h.swept_to into v_from from leadrail.housekeeping h where h.task = 'inputs' for update skip locked;
    if not found then
        return 0;
    end if;
    v_runs := array(
        select e.id
        from leadrail.ended_run e
        where e.id > v_from
          and e.id < (select leadrail.uuid_v7_floor(leadrail.now() - t.input_for) from leadrail.retention t)
        order by e.id
        limit p_rows
    );
    perform leadrail.forget_runs(v_runs, false);
    update leadrail.housekeeping h
    set swept_to = coalesce(v_runs[cardinality(v_runs)], v_from),
        tried_at = leadrail.now(), done_at = leadrail.now(), error = null
    where h.task = 'inputs';
    return cardinality(v_runs);
end
$$;

-- Cancels runs that were dead for so long that nobody will see to them, and forgets what they were given;
-- `p_rows` at most, how many. Numbers of letters grow with the time of death, so the oldest are looked at
-- and no others. What a replay has taken on is its choice: it is sent through, or given back and then retired.
create or replace function leadrail.retire_letters(p_rows integer) returns integer language plpgsql
set enable_seqscan = off set jit = off
set search_path = pg_catalog, pg_temp
as $$
declare
    v_runs uuid[];
begin
    v_runs := array(
        select d.run_id
        from leadrail.dead_letter d
        where d.run_id in (
                select o.run_id from leadrail.dead_letter o where o.replay_id is null order by o.seq limit p_rows
          )
          -- Once more: a replay may have taken it on while it was waited for.
          and d.replay_id is null
          and d.died_at <= (select leadrail.now() - t.letters_for from leadrail.retention t)
        for update skip locked
    );
    v_runs := leadrail.end_dead(v_runs, 'expired', 'system:retention');
    perform leadrail.forget_runs(v_runs, false);
    return cardinality(v_runs);
end
$$;

-- Forgets keys that nobody will send again, of runs that are not kept any more; `p_rows` at most, how
-- many. Fewer than asked for: there are no more yet, or somebody else is at it.
--
-- Each key's run is looked for by itself: a join of another kind reads all runs that are kept. What was found is
-- taken away where it was found; one that has moved since was in use, and is left to the next time.
create or replace function leadrail.forget_keys(p_rows integer) returns integer language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
set search_path = pg_catalog, pg_temp
as $$
declare
    v_forgotten integer;
begin
    if not pg_try_advisory_xact_lock(leadrail.lock_number('forget_keys')) then
        return 0;
    end if;
    with old as materialized (
        select k.ctid as place
        from leadrail.run_key k
        where k.created_at < (select leadrail.now() - t.keys_for from leadrail.retention t)
          and not exists (select from leadrail.run r where r.id = k.run_id)
        limit p_rows
    )
    delete from leadrail.run_key k using old o where k.ctid = o.place;
    get diagnostics v_forgotten = row_count;
    perform leadrail.note_housekeeping('keys');
    return v_forgotten;
end
$$;

-- Calls the clean-ups of whoever builds on the engine; one that fails stops no other.
create or replace function leadrail.run_house_tasks() returns void language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_task leadrail.house_task;
begin
    for v_task in select t.* from leadrail.house_task t order by t.name loop
        begin
            execute format('select leadrail.%I()', v_task.function);
            perform leadrail.note_housekeeping(v_task.name);
        exception when others then
            perform leadrail.note_housekeeping(v_task.name, sqlerrm);
        end;
    end loop;
end
$$;
