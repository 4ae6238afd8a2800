-- Gates and signals: how a run waits for somebody else.
--
-- One mechanism carries all waits: a run parks at gates, and whoever has news for it opens one. Who
-- parks and who opens exclude each other by a transaction-level lock (leadrail.lock_number), and the
-- parking side looks once more before it lets go, so no wake-up is lost between look and park.
-- Locks are taken in one order everywhere: gates by name, then heads.

-- The gate at which a run waits for signals of a name.
create or replace function leadrail.signal_gate(p_run uuid, p_name text) returns text
language sql immutable parallel safe return 'signal:' || p_run || ':' || p_name;

-- Locks gates until the transaction ends: openers alone, parkers beside each other.
create or replace function leadrail.lock_gates(p_gates text[], p_opens boolean[]) returns void language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_name bigint;
    v_opens boolean;
begin
    for v_name, v_opens in
        select leadrail.lock_number('gate:' || g.gate) as name, bool_or(g.opens)
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

-- Makes the runs due that wait at any of these gates, `p_spacing_ms` apart and the urgent first. The
-- caller has locked the gates.
create or replace function leadrail.wake_gates(p_gates text[], p_spacing_ms bigint) returns integer language sql
set search_path = pg_catalog, pg_temp
as $$
    with opened as (
        delete from leadrail.run_gate g
        where g.run_id in (select w.run_id from leadrail.run_gate w where w.gate = any (p_gates))
        returning g.run_id
    ), ranked as (
        select r.id, row_number() over (order by r.priority, r.created_at) - 1 as turn
        from leadrail.workflow_run r
        where r.state = 'waiting' and r.id in (select o.run_id from opened o)
    ), freed as (
        update leadrail.workflow_run r
        set state = 'queued', changed_at = leadrail.now(),
            due_at = leadrail.now() + ranked.turn * p_spacing_ms * interval '1 millisecond',
            asleep = leadrail.sleeps_for(ranked.turn * p_spacing_ms)
        from ranked
        where r.id = ranked.id and r.state = 'waiting'
        returning r.id
    )
    select count(*)::integer from freed
$$;

-- Opens gates for whoever waits there and for whoever is about to park: makes the runs due,
-- `p_spacing_ms` apart over all the gates and the urgent first, and answers how many.
create or replace function leadrail.open_gates(p_gates text[], p_spacing_ms bigint default 0) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform leadrail.lock_gates(p_gates, array_fill(true, array[cardinality(p_gates)]));
    insert into leadrail.gate_opening (gate, opened_at)
    select distinct g.gate, leadrail.now() from unnest(p_gates) as g (gate)
    on conflict (gate) do update set opened_at = excluded.opened_at;
    return leadrail.wake_gates(p_gates, p_spacing_ms);
end
$$;

-- Whether what a run wants to wait for at a gate is there already, since it was claimed.
create or replace function leadrail.gate_is_open(p_run uuid, p_gate text, p_since timestamptz) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
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
create or replace function leadrail.pass_gates(g_run uuid[], g_gate text[], g_since timestamptz[], g_opens boolean[])
returns void language plpgsql
set search_path = pg_catalog, pg_temp
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
        perform leadrail.wake_gates(array[v_gate], 0);
    end loop;
end
$$;

-- Sends a signal: 'sent', 'duplicate' (that key was sent before), 'ended' or 'unknown'. A run that
-- continued as a new one gets it there.
create or replace function leadrail.signal_run(p_run uuid, p_name text, p_payload jsonb default 'null', p_key text default null)
returns text language plpgsql
set search_path = pg_catalog, pg_temp
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
    perform leadrail.wake_gates(array[leadrail.signal_gate(v_run, p_name)], 0);
    return 'sent';
end
$$;
