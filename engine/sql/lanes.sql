-- Lanes: pauses, limits and budgets. How they share the claims is in claim.sql.
--
-- Only lanes with a setting have a row in leadrail.lane.

-- How many runs of a lane may start now; null where nothing limits it. Locks the lane's row, so that
-- two claims do not both take its last place; one that another claim has now gets none.
create or replace function leadrail.lane_allowance(p_lane text, p_now timestamptz) returns integer language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_lane leadrail.lane;
    v_allowed bigint := 1000000;
begin
    if not exists (select from leadrail.lane l where l.name = p_lane) then
        return null;
    end if;
    select l.* into v_lane from leadrail.lane l where l.name = p_lane for no key update skip locked;
    if v_lane.name is null or v_lane.paused_at is not null or v_lane.held_until > p_now then
        return 0;
    end if;
    if v_lane.gap is not null then
        v_allowed := v_lane.burst - ceil(extract(
            epoch from greatest(coalesce(v_lane.next_free_at, p_now) - p_now, interval '0')
        ) / extract(epoch from v_lane.gap));
    end if;
    if v_lane.budget_until > p_now then
        v_allowed := least(v_allowed, v_lane.budget_left);
    end if;
    if v_lane.max_running is not null then
        delete from leadrail.lane_slot s
        where s.lane = p_lane and not exists (
            select from leadrail.workflow_run r where r.id = s.run_id and r.state = 'running'
        );
        v_allowed := least(v_allowed, v_lane.max_running - (
            select count(*) from leadrail.lane_slot s where s.lane = p_lane
        ));
    end if;
    return greatest(v_allowed, 0);
end
$$;

-- Sets what a lane may do; null takes a limit away. A lane without any setting has no row. Runs take
-- places only while there is a limit, so those that run when it is set are given theirs here.
create or replace function leadrail.limit_lane(p_lane text, p_max_running integer, p_gap interval, p_burst integer) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
    insert into leadrail.lane as l (name, max_running, gap, burst)
    values (p_lane, p_max_running, p_gap, coalesce(p_burst, 1))
    on conflict (name) do update
    set max_running = excluded.max_running, gap = excluded.gap, burst = excluded.burst,
        next_free_at = null;
    delete from leadrail.lane l
    where l.name = p_lane and l.max_running is null and l.gap is null and l.paused_at is null
      and coalesce(l.held_until <= leadrail.now(), true) and coalesce(l.budget_until <= leadrail.now(), true);
    delete from leadrail.lane_slot s where s.lane = p_lane and p_max_running is null;
    insert into leadrail.lane_slot (run_id, lane)
    select r.id, r.lane
    from leadrail.workflow_run r
    where r.worker_id is not null and r.lane = p_lane and r.state = 'running' and p_max_running is not null
    on conflict (run_id) do nothing
$$;

-- Stops a lane: its runs stay queued, those that run go on. False when it was stopped already.
create or replace function leadrail.pause_lane(p_lane text) returns boolean language sql
set search_path = pg_catalog, pg_temp
as $$
    with paused as (
        insert into leadrail.lane as l (name, paused_at) values (p_lane, leadrail.now())
        on conflict (name) do update set paused_at = excluded.paused_at where l.paused_at is null
        returning l.name
    )
    select exists (select from paused)
$$;

-- Lets a lane go on, also one that the other side wanted to be left alone. False when it did.
create or replace function leadrail.resume_lane(p_lane text) returns boolean language sql
set search_path = pg_catalog, pg_temp
as $$
    with resumed as (
        update leadrail.lane l
        set paused_at = null, held_until = null, budget_until = null
        where l.name = p_lane and (
            l.paused_at is not null or l.held_until > leadrail.now() or l.budget_until > leadrail.now()
        )
        returning l.name
    )
    select exists (select from resumed)
$$;

-- Leaves the other side alone: no run of the lane starts before then. The longer wish holds.
create or replace function leadrail.hold_lane(p_lane text, p_ms bigint) returns void language sql
set search_path = pg_catalog, pg_temp
as $$
    insert into leadrail.lane as l (name, held_until)
    values (p_lane, leadrail.now() + p_ms * interval '1 millisecond')
    on conflict (name) do update set held_until = greatest(l.held_until, excluded.held_until)
$$;

-- The other side said how many calls it still takes until when. Answers overtake each other, so of
-- those that speak of one period the least counts.
create or replace function leadrail.budget_lane(p_lane text, p_left integer, p_ms bigint) returns void language sql
set search_path = pg_catalog, pg_temp
as $$
    insert into leadrail.lane as l (name, budget_left, budget_until)
    values (p_lane, p_left, leadrail.now() + p_ms * interval '1 millisecond')
    on conflict (name) do update
    set (budget_left, budget_until) = (
        select case when p.same then least(l.budget_left, excluded.budget_left) else excluded.budget_left end,
               case when p.same then l.budget_until else excluded.budget_until end
        from (
            select coalesce(
                l.budget_until > leadrail.now()
                    and excluded.budget_until < l.budget_until + interval '1 second', false
            ) as same
        ) p
    )
$$;
