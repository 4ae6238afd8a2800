-- Lanes: fair shares, pauses, limits.
--
-- A claim goes over the lanes that have something due, the most urgent first, and gives the lanes of
-- one priority equal shares; a lane with a million runs costs it one index probe, as one with one run
-- does. Only lanes with a setting have a row here.
--
-- Safe beside the previous release: the claim keeps its arguments and its answer. The index is built
-- in the migration's own transaction, so enqueuers wait for it: built concurrently it would deadlock
-- with a second migrator that waits for its turn. Undo by putting the previous claim and index back.
create index workflow_run_line on leadrail.workflow_run (priority, lane, due_at) where due_at is not null;
drop index leadrail.workflow_run_due;

create table leadrail.lane (
    name text primary key check (length(name) between 1 and 500),
    paused_at timestamptz,
    held_until timestamptz,
    max_running integer check (max_running between 1 and 1000000),
    gap interval check (gap > interval '0'),
    burst integer not null default 1 check (burst between 1 and 1000000),
    next_free_at timestamptz,
    budget_left integer,
    budget_until timestamptz
);
comment on table leadrail.lane is 'Lanes with a setting; all others run freely.';
comment on column leadrail.lane.paused_at is 'Since when a person has stopped the lane; its runs stay queued.';
comment on column leadrail.lane.held_until is 'Until when the other side wants to be left alone.';
comment on column leadrail.lane.max_running is 'How many of its runs may run at a time, over all workers; null for no limit.';
comment on column leadrail.lane.gap is 'The time between two starts at the limited rate; null for no limit.';
comment on column leadrail.lane.burst is 'How many starts may follow each other at once after a quiet time.';
comment on column leadrail.lane.budget_left is 'How many calls the other side said it still takes, less the starts since.';
comment on column leadrail.lane.budget_until is 'Until when budget_left counts.';
comment on column leadrail.lane.next_free_at is 'When all starts so far are paid for at the limited rate (GCRA).';

create table leadrail.lane_slot (
    run_id uuid primary key,
    lane text not null
);
create index lane_slot_lane on leadrail.lane_slot (lane);
comment on table leadrail.lane_slot is 'Runs that took a place in a lane with max_running; a place whose run does not run any more is free.';

-- When something is due first, for each priority and lane; one index probe each.
create function leadrail.lanes_in_line()
returns table (priority smallint, lane text, first_due timestamptz) language sql stable
as $$
    with recursive line as (
        (
            select r.priority, r.lane, r.due_at
            from leadrail.workflow_run r
            where r.due_at is not null
            order by r.priority, r.lane, r.due_at
            limit 1
        )
        union all
        select n.priority, n.lane, n.due_at
        from line
        cross join lateral (
            select r.priority, r.lane, r.due_at
            from leadrail.workflow_run r
            where r.due_at is not null and (r.priority, r.lane) > (line.priority, line.lane)
            order by r.priority, r.lane, r.due_at
            limit 1
        ) n
    )
    select line.priority, line.lane, line.due_at from line
$$;

-- How many runs of a lane may start now; null where nothing limits it. Locks the lane's row, so that
-- two claims do not both take its last place; one that another claim has now gets none.
create function leadrail.lane_allowance(p_lane text, p_now timestamptz) returns integer language plpgsql
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

-- Claims due runs of one lane and priority for a worker, whose fence the caller holds. Its plan is kept
-- from call to call, which a function in plain SQL would make anew each time.
create function leadrail.claim_from_lane(
    p_worker uuid, p_priority smallint, p_lane text, p_want integer, p_limited boolean, p_workflows text[], p_now timestamptz
) returns table (
    run_id uuid, workflow text, scope text, key text, lane text, priority smallint, starts integer,
    created_at timestamptz, claimed_at timestamptz, input text, wait_ms bigint,
    parent_id uuid, cancel_why text
)
language plpgsql
as $$
#variable_conflict use_column
begin
    return query
    with picked as materialized (
        select r.id
        from leadrail.workflow_run r
        where r.priority = p_priority and r.lane = p_lane and r.due_at <= p_now and r.workflow = any (p_workflows)
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
        select c.id, c.lane from claimed c where p_limited
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
           case when c.starts > 1 then (select q.why from leadrail.cancel_request q where q.run_id = c.id) end
    from claimed c;
end
$$;

create or replace function leadrail.claim_runs(p_worker uuid, p_want integer, p_workflows text[])
returns table (
    run_id uuid, workflow text, scope text, key text, lane text, priority smallint, starts integer,
    created_at timestamptz, claimed_at timestamptz, input text, wait_ms bigint,
    parent_id uuid, cancel_why text
)
language plpgsql
as $$
#variable_conflict use_column
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
begin
    for v_priority, v_again in
        select i.priority, array_agg(i.lane order by random())
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
        -- What is due but went to others, or waits for a place, is asked for again soon.
        return query
        select null::uuid, null::text, null::text, null::text, null::text, null::smallint, null::integer,
               null::timestamptz, v_now, null::text,
               (extract(epoch from min(greatest(
                   i.first_due, l.held_until, l.next_free_at - (l.burst - 1) * l.gap,
                   case when l.budget_left <= 0 then l.budget_until end,
                   v_now + case when l.max_running is null then interval '10 milliseconds' else interval '50 milliseconds' end
               )) - v_now) * 1000)::bigint,
               null::uuid, null::text
        from leadrail.lanes_in_line() i
        left join leadrail.lane l on l.name = i.lane
        where l.paused_at is null;
    end if;
end
$$;

-- Sets what a lane may do; null takes a limit away. A lane without any setting has no row.
create function leadrail.limit_lane(p_lane text, p_max_running integer, p_gap interval, p_burst integer) returns void
language sql
as $$
    insert into leadrail.lane as l (name, max_running, gap, burst)
    values (p_lane, p_max_running, p_gap, coalesce(p_burst, 1))
    on conflict (name) do update
    set max_running = excluded.max_running, gap = excluded.gap, burst = excluded.burst,
        next_free_at = null
$$;

-- Stops a lane: its runs stay queued, those that run go on. False when it was stopped already.
create function leadrail.pause_lane(p_lane text) returns boolean language sql
as $$
    with paused as (
        insert into leadrail.lane as l (name, paused_at) values (p_lane, leadrail.now())
        on conflict (name) do update set paused_at = excluded.paused_at where l.paused_at is null
        returning l.name
    )
    select exists (select from paused)
$$;

-- Lets a lane go on, also one that the other side wanted to be left alone. False when it did.
create function leadrail.resume_lane(p_lane text) returns boolean language sql
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
-- The other side said how many calls it still takes until when. Answers overtake each other, so of
-- those that speak of one period the least counts.
create function leadrail.budget_lane(p_lane text, p_left integer, p_ms bigint) returns void language sql
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

create function leadrail.hold_lane(p_lane text, p_ms bigint) returns void language sql
as $$
    insert into leadrail.lane as l (name, held_until)
    values (p_lane, leadrail.now() + p_ms * interval '1 millisecond')
    on conflict (name) do update set held_until = greatest(l.held_until, excluded.held_until)
$$;
