-- Interrupted runs go first: lanes that hold one are served before the other lanes of their priority.
--
-- A run that lost its worker was at the head of its lane already, yet with a backlog in hundreds of
-- lanes it waited for its lane's turn once more. The mark of an interrupted run is where `requeue` puts
-- it in line: just before its own creation, where nothing else stands.
--
-- Safe beside the previous release: the claim keeps its arguments and its answer. Undo by putting both
-- functions of 0015 back.
drop function leadrail.lanes_in_line();

-- When something is due first, for each priority and lane, and whether that is an interrupted run.
create function leadrail.lanes_in_line()
returns table (priority smallint, lane text, first_due timestamptz, interrupted boolean) language sql stable
as $$
    with recursive line as (
        (
            select r.priority, r.lane, r.due_at, r.due_at < r.created_at as interrupted
            from leadrail.workflow_run r
            where r.due_at is not null
            order by r.priority, r.lane, r.due_at
            limit 1
        )
        union all
        select n.priority, n.lane, n.due_at, n.interrupted
        from line
        cross join lateral (
            select r.priority, r.lane, r.due_at, r.due_at < r.created_at as interrupted
            from leadrail.workflow_run r
            where r.due_at is not null and (r.priority, r.lane) > (line.priority, line.lane)
            order by r.priority, r.lane, r.due_at
            limit 1
        ) n
    )
    select line.priority, line.lane, line.due_at, line.interrupted from line
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
