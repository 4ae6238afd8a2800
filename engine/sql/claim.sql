-- The claim: fair shares of the lanes, interrupted runs first.
--
-- A claim goes over the lanes that have something due, the most urgent first, and gives the lanes of
-- one priority equal shares; a lane with a million runs costs it one index probe, as one with one run
-- does. Runs that are due far in the future are asleep and in another index: a lane that has no others
-- costs it nothing.
--
-- Lanes that hold an interrupted run are served before the other lanes of their priority. A run that
-- lost its worker is at the head of its lane already, yet with a backlog in hundreds of lanes it would
-- wait for its lane's turn once more. The mark of an interrupted run is where `requeue` puts it in line:
-- just before its own creation, where nothing else stands.

-- When something is due first, for each priority and lane, and whether that is an interrupted run.
create or replace function leadrail.lanes_in_line()
returns table (priority smallint, lane text, first_due timestamptz, interrupted boolean) language sql stable
begin atomic
    with recursive line as (
        (
            select r.priority, r.lane, r.due_at, r.due_at < r.created_at as interrupted
            from leadrail.workflow_run r
            where r.due_at is not null and not r.asleep
            order by r.priority, r.lane, r.due_at
            limit 1
        )
        union all
        select n.priority, n.lane, n.due_at, n.interrupted
        from line
        cross join lateral (
            select r.priority, r.lane, r.due_at, r.due_at < r.created_at as interrupted
            from leadrail.workflow_run r
            where r.due_at is not null and not r.asleep and (r.priority, r.lane) > (line.priority, line.lane)
            order by r.priority, r.lane, r.due_at
            limit 1
        ) n
    )
    select line.priority, line.lane, line.due_at, line.interrupted from line;
end;

-- Wakes runs whose time has come, in each priority the first first; enough for any claim.
create or replace function leadrail.wake_sleepers(p_now timestamptz) returns void language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update leadrail.workflow_run r
    set asleep = false
    -- As an array, so that each is found by its id, whatever statistics say.
    where r.id = any (array(
        select s.id
        from generate_series(0, 9) as p (priority)
        cross join lateral (
            select r.id
            from leadrail.workflow_run r
            where r.priority = p.priority and r.due_at <= p_now and r.asleep
            order by r.due_at
            limit 4096
            for update skip locked
        ) s
    ));
end
$$;

-- When the next one wakes; null when none sleeps.
create or replace function leadrail.first_awakening() returns timestamptz language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select min(s.due_at)
    from generate_series(0, 9) as p (priority)
    cross join lateral (
        select r.due_at
        from leadrail.workflow_run r
        where r.priority = p.priority and r.due_at is not null and r.asleep
        order by r.due_at
        limit 1
    ) s
$$;

-- Whether a run that is due after so long is to be put away until then.
create or replace function leadrail.sleeps_for(p_ms bigint) returns boolean language sql immutable parallel safe
return coalesce(p_ms > 2000, false);

-- Claims due runs of one lane and priority for a worker, whose fence the caller holds. Its plan is kept
-- from call to call, which a function in plain SQL would make anew each time.
create or replace function leadrail.claim_from_lane(
    p_worker uuid, p_priority smallint, p_lane text, p_want integer, p_limited boolean, p_workflows text[], p_now timestamptz
) returns setof leadrail.claimed language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    with picked as materialized (
        select r.id
        from leadrail.workflow_run r
        where r.priority = p_priority and r.lane = p_lane and r.due_at <= p_now and not r.asleep and r.workflow = any (p_workflows)
        order by r.due_at
        limit p_want
        for update skip locked
    ), claimed as (
        update leadrail.workflow_run r
        set state = 'running', due_at = null, worker_id = p_worker, starts = r.starts + 1, changed_at = p_now
        from picked
        where r.id = picked.id
        returning r.id, r.workflow, r.scope, r.key, r.lane, r.priority, r.starts, r.created_at, r.input, r.parent_id
    ), started as (
        insert into leadrail.history (run_id, seq, at, kind, payload)
        select c.id,
               case c.starts when 1 then 0 else leadrail.next_seq(c.id) end,
               p_now, 'run_started', json_build_object('worker', p_worker)
        from claimed c
    ), placed as (
        insert into leadrail.lane_slot (run_id, lane)
        select c.id, c.lane
        from claimed c
        where p_limited
          and exists (select from leadrail.lane l where l.name = p_lane and l.max_running is not null)
        on conflict (run_id) do nothing
    ), paid as (
        update leadrail.lane l
        set next_free_at = case
                when l.gap is not null
                then greatest(coalesce(l.next_free_at, p_now), p_now) + (select count(*) from claimed) * l.gap
            end,
            budget_left = l.budget_left - (select count(*) from claimed)
        where p_limited and l.name = p_lane and (l.gap is not null or l.budget_until > p_now)
    )
    select c.id, c.workflow, c.scope, c.key, c.lane, c.priority, c.starts, c.created_at, p_now,
           c.input::text, null::bigint, c.parent_id,
           -- A run that never started is cancelled at once and never claimed.
           case when c.starts > 1 then (select q.why from leadrail.cancel_request q where q.run_id = c.id) end,
           null::text
    from claimed c;
end
$$;

-- Claims at most `p_want` due runs for a worker, whose fence the caller holds. If it brought fewer, the
-- last row is no run: leadrail.claimed says what it means.
create or replace function leadrail.claim_runs(p_worker uuid, p_want integer, p_workflows text[])
returns setof leadrail.claimed language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_now timestamptz := leadrail.now();
    v_left integer := p_want;
    v_priority smallint;
    v_round text[];
    v_again text[];
    v_lane text;
    v_unserved integer;
    v_share integer;
    v_allowed integer;
    v_got integer;
    v_rest leadrail.claimed;
begin
    perform leadrail.wake_sleepers(v_now);
    for v_priority, v_again in
        select i.priority, array_agg(i.lane order by i.interrupted desc, random())
        from leadrail.lanes_in_line() i
        where i.first_due <= v_now
        group by i.priority
        order by i.priority
    loop
        -- Equal shares; what some lanes leave goes to the others, in another round if need be.
        while v_left > 0 and cardinality(v_again) > 0 loop
            v_round := v_again;
            v_again := '{}';
            v_unserved := cardinality(v_round);
            foreach v_lane in array v_round loop
                exit when v_left <= 0;
                v_share := (v_left + v_unserved - 1) / v_unserved;
                v_unserved := v_unserved - 1;
                v_allowed := leadrail.lane_allowance(v_lane, v_now);
                continue when v_allowed = 0;
                return query
                select c.*
                from leadrail.claim_from_lane(
                    p_worker, v_priority, v_lane, least(v_share, v_allowed), v_allowed is not null, p_workflows, v_now
                ) c;
                get diagnostics v_got = row_count;
                v_left := v_left - v_got;
                if v_got = v_share then
                    v_again := v_again || v_lane;
                end if;
            end loop;
        end loop;
        exit when v_left <= 0;
    end loop;
    if v_left > 0 then
        -- What is due but went to others, or waits for a place, is asked for again soon. It goes with the
        -- runs, in a row of its own: one statement is one round trip, and rows are what costs least.
        select (extract(epoch from least(
            (
                select min(greatest(
                    i.first_due, l.held_until, l.next_free_at - (l.burst - 1) * l.gap,
                    case when l.budget_left <= 0 then l.budget_until end,
                    v_now + case when l.max_running is null then interval '10 milliseconds' else interval '50 milliseconds' end
                ))
                from leadrail.lanes_in_line() i
                left join leadrail.lane l on l.name = i.lane
                where l.paused_at is null
            ),
            (
                select greatest(s.due_at, v_now + interval '10 milliseconds')
                from (select leadrail.first_awakening() as due_at) s
                where s.due_at is not null
            )
        ) - v_now) * 1000)::bigint
        into v_rest.wait_ms;
        v_rest.claimed_at := v_now;
        return next v_rest;
    end if;
end
$$;
