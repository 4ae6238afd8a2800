-- Signals, children, cancellation, continuing as new, restart, isolation of suspects.
--
-- One mechanism carries all waits: a run parks at gates, and whoever has news for it opens one. Who
-- parks and who opens exclude each other by a transaction-level lock of the gate's name, and the
-- parking side looks once more before it lets go, so no wake-up is lost between look and park.
-- Locks are taken in one order everywhere: gates by name, then heads.
--
-- Safe beside the previous release: its journal call stays and means the same. A worker of the
-- previous release cannot read the new kinds of history; replace all workers before using them.
-- Undo by putting the previous functions back; values of an enum stay and do no harm.
alter type leadrail.history_kind add value 'signal_received';
alter type leadrail.history_kind add value 'signal_timed_out';
alter type leadrail.history_kind add value 'child_started';
alter type leadrail.history_kind add value 'child_completed';
alter type leadrail.history_kind add value 'child_failed';
alter type leadrail.history_kind add value 'cancel_requested';
alter type leadrail.history_kind add value 'state_published';
alter type leadrail.history_kind add value 'run_continued';
alter type leadrail.history_kind add value 'run_tried_now';
alter type leadrail.history_kind add value 'run_restarted';
alter type leadrail.history_kind add value 'run_isolated';

create table leadrail.signal (
    id bigint generated always as identity primary key,
    run_id uuid not null,
    name text not null check (length(name) between 1 and 200),
    key text,
    payload json not null check (octet_length(payload::text) <= 1048576),
    sent_at timestamptz not null default leadrail.now(),
    taken_at timestamptz,
    unique (run_id, key)
);
create index signal_untaken on leadrail.signal (run_id, name, id) where taken_at is null;
comment on table leadrail.signal is 'What was sent to runs; a run takes the signals of one name in the order they came.';
comment on column leadrail.signal.key is 'The sender''s own key: the same key again is the same signal.';

-- What is refused at the edge with the limit named is refused here too; old rows are not looked at.
alter table leadrail.workflow_run
    add constraint input_fits check (octet_length(input::text) <= 1048576) not valid;

create table leadrail.gate_opening (
    gate text primary key,
    opened_at timestamptz not null
);
comment on table leadrail.gate_opening is 'When each gate was last opened: a run that parks there with older knowledge goes on at once.';

-- A run may wait at several gates at once.
alter table leadrail.run_gate drop constraint run_gate_pkey;
alter table leadrail.run_gate add primary key (run_id, gate);

create function leadrail.signal_gate(p_run uuid, p_name text) returns text
language sql immutable parallel safe as $$ select 'signal:' || p_run || ':' || p_name $$;

-- Locks gates until the transaction ends: openers alone, parkers beside each other.
create function leadrail.lock_gates(p_gates text[], p_opens boolean[]) returns void language plpgsql
as $$
declare
    v_name bigint;
    v_opens boolean;
begin
    for v_name, v_opens in
        select hashtextextended('leadrail.gate:' || g.gate, 0) as name, bool_or(g.opens)
        from unnest(p_gates, p_opens) as g (gate, opens)
        group by name
        order by name
    loop
        if v_opens then
            perform pg_advisory_xact_lock(v_name);
        else
            perform pg_advisory_xact_lock_shared(v_name);
        end if;
    end loop;
end
$$;

-- Makes the runs due that wait at a gate, `p_spacing_ms` apart and the urgent first. The caller has
-- locked the gate.
create function leadrail.wake_gate(p_gate text, p_spacing_ms bigint) returns integer language sql
as $$
    with opened as (
        delete from leadrail.run_gate g
        where g.run_id in (select w.run_id from leadrail.run_gate w where w.gate = p_gate)
        returning g.run_id, g.gate
    ), ranked as (
        select r.id, row_number() over (order by r.priority, r.created_at) - 1 as turn
        from leadrail.workflow_run r
        join opened o on o.run_id = r.id
        where r.state = 'waiting' and o.gate = p_gate
    ), freed as (
        update leadrail.workflow_run r
        set state = 'queued', changed_at = leadrail.now(),
            due_at = leadrail.now() + ranked.turn * p_spacing_ms * interval '1 millisecond'
        from ranked
        where r.id = ranked.id and r.state = 'waiting'
        returning r.id
    )
    select count(*)::integer from freed
$$;

create or replace function leadrail.open_gate(p_gate text, p_spacing_ms bigint default 0) returns integer
language plpgsql
as $$
begin
    perform leadrail.lock_gates(array[p_gate], array[true]);
    insert into leadrail.gate_opening (gate, opened_at) values (p_gate, leadrail.now())
    on conflict (gate) do update set opened_at = excluded.opened_at;
    return leadrail.wake_gate(p_gate, p_spacing_ms);
end
$$;

-- Whether what a run wants to wait for at a gate is there already, since it was claimed.
create function leadrail.gate_is_open(p_run uuid, p_gate text, p_since timestamptz) returns boolean
language sql stable
as $$
    select case
        when p_gate like 'signal:%' then exists (
            select from leadrail.signal s
            where s.run_id = p_run and s.taken_at is null
              and leadrail.signal_gate(s.run_id, s.name) = p_gate
        )
        when p_gate like 'run:%' then not exists (
            select from leadrail.workflow_run r
            where r.id = substr(p_gate, 5)::uuid and r.state not in ('completed', 'dead', 'cancelled')
        )
        else exists (
            select from leadrail.gate_opening o where o.gate = p_gate and o.opened_at >= p_since
        )
    end
$$;

-- Parks runs at gates and opens others; the caller has locked them and moved the heads.
create function leadrail.pass_gates(g_run uuid[], g_gate text[], g_since timestamptz[], g_opens boolean[])
returns void language plpgsql
as $$
declare
    v_gate text;
begin
    delete from leadrail.run_gate w
    using unnest(g_run, g_opens) as g (run_id, opens)
    where w.run_id = g.run_id and not g.opens;
    insert into leadrail.run_gate (run_id, gate)
    select distinct g.run_id, g.gate
    from unnest(g_run, g_gate, g_opens) as g (run_id, gate, opens)
    where not g.opens;
    update leadrail.workflow_run r
    set state = 'queued', due_at = leadrail.now()
    where r.state = 'waiting' and r.id in (
        select g.run_id
        from unnest(g_run, g_gate, g_since, g_opens) as g (run_id, gate, since, opens)
        where not g.opens and leadrail.gate_is_open(g.run_id, g.gate, g.since)
    );
    for v_gate in
        select distinct g.gate from unnest(g_gate, g_opens) as g (gate, opens) where g.opens
    loop
        perform leadrail.wake_gate(v_gate, 0);
    end loop;
end
$$;

-- What a few kinds of history bring with them: runs that begin, signals that are taken, children
-- that are asked to stop.
create function leadrail.follow_history(h_run uuid[], h_kind leadrail.history_kind[], h_payload text[])
returns void language plpgsql
as $$
declare
    v_now timestamptz := leadrail.now();
begin
    insert into leadrail.workflow_run
        (id, due_at, changed_at, created_at, priority, workflow, scope, lane, input, parent_id)
    select (h.payload ->> 'run')::uuid, v_now, v_now, v_now, coalesce((h.payload ->> 'priority')::smallint, r.priority),
           h.payload ->> 'workflow', r.scope, coalesce(h.payload ->> 'lane', r.lane), h.payload -> 'input',
           case when (h.payload ->> 'detached')::boolean then null else r.id end
    from (select run_id, kind, payload::json from unnest(h_run, h_kind, h_payload) as u (run_id, kind, payload)
          where u.kind = 'child_started') h
    join leadrail.workflow_run r on r.id = h.run_id;

    insert into leadrail.workflow_run
        (id, due_at, changed_at, created_at, priority, workflow, scope, key, lane, input, parent_id)
    select (h.payload ->> 'next')::uuid, v_now, v_now, v_now, r.priority,
           r.workflow, r.scope, r.key, r.lane, h.payload -> 'input', r.parent_id
    from (select run_id, payload::json from unnest(h_run, h_kind, h_payload) as u (run_id, kind, payload)
          where u.kind = 'run_continued') h
    join leadrail.workflow_run r on r.id = h.run_id;

    update leadrail.run_key k
    set run_id = (h.payload ->> 'next')::uuid
    from (select run_id, payload::json from unnest(h_run, h_kind, h_payload) as u (run_id, kind, payload)
          where u.kind = 'run_continued') h
    join leadrail.workflow_run r on r.id = h.run_id
    where k.key = r.key and k.scope = r.scope;

    -- The key is the next run's now.
    update leadrail.workflow_run r
    set key = null
    from unnest(h_run, h_kind) as h (run_id, kind)
    where h.kind = 'run_continued' and r.id = h.run_id;

    update leadrail.signal s
    set run_id = (h.payload ->> 'next')::uuid
    from (select run_id, payload::json from unnest(h_run, h_kind, h_payload) as u (run_id, kind, payload)
          where u.kind = 'run_continued') h
    where s.run_id = h.run_id and s.taken_at is null;

    update leadrail.run_gate g
    set gate = 'run:' || (h.payload ->> 'next')
    from (select run_id, payload::json from unnest(h_run, h_kind, h_payload) as u (run_id, kind, payload)
          where u.kind = 'run_continued') h
    where g.gate = 'run:' || h.run_id;

    update leadrail.signal s
    set taken_at = v_now
    from (select payload::json from unnest(h_kind, h_payload) as u (kind, payload)
          where u.kind = 'signal_received') h
    where s.id = (h.payload ->> 'signal')::bigint and s.taken_at is null;

    -- The run has heard; so must children that it started meanwhile.
    perform leadrail.cancel_run(c.id, q.why)
    from unnest(h_run, h_kind) as h (run_id, kind)
    join leadrail.cancel_request q on q.run_id = h.run_id
    join leadrail.workflow_run c on c.parent_id = h.run_id
    where h.kind = 'cancel_requested';
    delete from leadrail.cancel_request q
    using unnest(h_run, h_kind) as h (run_id, kind)
    where h.kind = 'cancel_requested' and q.run_id = h.run_id;
end
$$;

create function leadrail.journal(
    p_worker uuid,
    h_run uuid[], h_seq integer[], h_kind leadrail.history_kind[], h_attempt smallint[], h_activity text[], h_payload text[],
    t_run uuid[], t_state leadrail.run_state[], t_delay_ms bigint[], t_attempt smallint[], t_activity text[], t_reason text[],
    g_run uuid[], g_gate text[], g_since timestamptz[], g_opens boolean[],
    p_want integer, p_workflows text[]
) returns table (
    run_id uuid, workflow text, scope text, key text, lane text, priority smallint, starts integer,
    created_at timestamptz, claimed_at timestamptz, input text, wait_ms bigint,
    parent_id uuid, cancel_why text
)
language plpgsql
as $$
#variable_conflict use_column
declare
    v_now timestamptz := leadrail.now();
    v_count integer;
begin
    perform from leadrail.worker w where w.id = p_worker for key share;
    if not found then
        raise exception 'worker % was taken over', p_worker using errcode = 'LR002';
    end if;
    if cardinality(g_run) > 0 then
        perform leadrail.lock_gates(g_gate, g_opens);
    end if;

    if cardinality(h_run) > 0 then
        insert into leadrail.history (run_id, seq, at, kind, attempt, activity, payload)
        select h.run_id, h.seq, v_now, h.kind, h.attempt, h.activity, h.payload::json
        from unnest(h_run, h_seq, h_kind, h_attempt, h_activity, h_payload)
            as h (run_id, seq, kind, attempt, activity, payload);
    end if;

    if cardinality(t_run) > 0 then
        update leadrail.workflow_run r
        set state = t.state,
            -- A run that is given back keeps its age in the queue.
            due_at = case t.state
                when 'queued' then r.created_at - interval '1 microsecond'
                else v_now + t.delay_ms * interval '1 millisecond'
            end,
            changed_at = v_now, attempt = t.attempt, activity = t.activity, reason = t.reason
        from unnest(t_run, t_state, t_delay_ms, t_attempt, t_activity, t_reason)
            as t (run_id, state, delay_ms, attempt, activity, reason)
        where r.id = t.run_id and r.state = 'running' and r.worker_id = p_worker;
        get diagnostics v_count = row_count;
        if v_count <> cardinality(t_run) then
            raise exception 'only % of % runs belong to worker %', v_count, cardinality(t_run), p_worker
                using errcode = 'LR003';
        end if;
        if 'dead'::leadrail.run_state = any (t_state) then
            insert into leadrail.dead_letter (run_id, scope, lane, reason, activity, died_at)
            select r.id, r.scope, r.lane, coalesce(r.reason, 'unknown'), r.activity, v_now
            from unnest(t_run, t_state) as t (run_id, state)
            join leadrail.workflow_run r on r.id = t.run_id
            where t.state = 'dead';
        end if;
    end if;

    if h_kind && array['child_started', 'run_continued', 'signal_received', 'cancel_requested']::leadrail.history_kind[] then
        perform leadrail.follow_history(h_run, h_kind, h_payload);
    end if;
    if cardinality(g_run) > 0 then
        perform leadrail.pass_gates(g_run, g_gate, g_since, g_opens);
    end if;
    if cardinality(t_run) > 0 and exists (select from leadrail.cancel_request) then
        perform leadrail.heed_cancel_requests(t_run);
    end if;

    if p_want <= 0 then
        return;
    end if;
    return query select c.* from leadrail.claim_runs(p_worker, p_want, p_workflows) c;
end
$$;

-- The previous release's call: one gate a run at most, and no gate opened.
create or replace function leadrail.journal(
    p_worker uuid,
    h_run uuid[], h_seq integer[], h_kind leadrail.history_kind[], h_attempt smallint[], h_activity text[], h_payload text[],
    t_run uuid[], t_state leadrail.run_state[], t_delay_ms bigint[], t_attempt smallint[], t_activity text[], t_reason text[], t_gate text[],
    p_want integer, p_workflows text[]
) returns table (
    run_id uuid, workflow text, scope text, key text, lane text, priority smallint, starts integer,
    created_at timestamptz, claimed_at timestamptz, input text, wait_ms bigint,
    parent_id uuid, cancel_why text
)
language sql
as $$
    select j.*
    from (
        select coalesce(array_agg(t.run_id), '{}') as runs, coalesce(array_agg(t.gate), '{}') as gates,
               coalesce(array_agg(leadrail.now()), '{}') as since, coalesce(array_agg(false), '{}') as opens
        from unnest(t_run, t_gate) as t (run_id, gate)
        where t.gate is not null
    ) g
    cross join lateral leadrail.journal(
        p_worker, h_run, h_seq, h_kind, h_attempt, h_activity, h_payload,
        t_run, t_state, t_delay_ms, t_attempt, t_activity, t_reason,
        g.runs, g.gates, g.since, g.opens, p_want, p_workflows
    ) j
$$;

-- Runs that parked although they were asked to stop, and have not heard, are due at once; ended ones
-- need no asking.
create function leadrail.heed_cancel_requests(t_run uuid[]) returns void language plpgsql
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

-- The number of a run's next line of history. A function of its own, so that its plan names one
-- partition: a statement that joins all of leadrail.history locks hundreds of them each time.
create function leadrail.next_seq(p_run uuid) returns integer language plpgsql
as $$
begin
    return (select coalesce(max(h.seq), -1) + 1 from leadrail.history h where h.run_id = p_run);
end
$$;

-- Sends a signal: 'sent', 'duplicate' (that key was sent before), 'ended' or 'unknown'. A run that
-- continued as a new one gets it there.
create function leadrail.signal_run(p_run uuid, p_name text, p_payload jsonb default 'null', p_key text default null)
returns text language plpgsql
as $$
declare
    v_run uuid := p_run;
    v_state leadrail.run_state;
    v_next uuid;
begin
    loop
        perform leadrail.lock_gates(array[leadrail.signal_gate(v_run, p_name)], array[true]);
        select r.state into v_state
        from leadrail.workflow_run r where r.id = v_run for no key update;
        exit when v_state not in ('completed', 'cancelled');
        select (h.payload ->> 'next')::uuid into v_next
        from leadrail.history h where h.run_id = v_run and h.kind = 'run_continued';
        if v_next is null then
            return case when exists (select from leadrail.history h where h.run_id = v_run) then 'ended' else 'unknown' end;
        end if;
        v_run := v_next;
    end loop;
    insert into leadrail.signal (run_id, name, key, payload)
    values (v_run, p_name, p_key, p_payload::json)
    on conflict (run_id, key) do nothing;
    if not found then
        return 'duplicate';
    end if;
    perform leadrail.wake_gate(leadrail.signal_gate(v_run, p_name), 0);
    return 'sent';
end
$$;

-- Asks a run and its children to stop: 'cancelled' (it had not begun, or was dead), 'asked' (its
-- workflow hears of it and may clean up), 'ended' or 'unknown'.
create function leadrail.cancel_run(p_run uuid, p_why text) returns text language plpgsql
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

create function leadrail.cancel_one(p_run leadrail.workflow_run, p_why text) returns text language plpgsql
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
        perform leadrail.wake_gate('run:' || p_run.id, 0);
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

-- Makes a parked run due now; the attempt that follows uses up none. False when it is not parked.
create function leadrail.try_now(p_run uuid) returns boolean language plpgsql
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

-- Sends a dead or parked run through again from an activity on, or from the start (null). Effects
-- that exist once are looked for before they are made again. 'restarted', 'not_restartable' (it
-- runs, ended well, was cancelled or never began), 'no_such_activity' or 'unknown'.
create function leadrail.restart_run(p_run uuid, p_from text default null) returns text language plpgsql
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
