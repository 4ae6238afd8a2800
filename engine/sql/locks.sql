-- Named locks: of runs, which a takeover keeps, and of transactions.
--
-- Those of runs are rows. Those of transactions are PostgreSQL's advisory locks, which any session of the
-- database may take, also of a role that may do nothing else; their numbers are salted for that reason.

-- The number of an advisory lock of ours.
create or replace function leadrail.lock_number(p_name text) returns bigint language sql stable
set search_path = pg_catalog, pg_temp
as $$ select hashtextextended(p_name, s.salt) from leadrail.lock_salt s $$;

-- Which of these runs cannot be moved now: somebody else has locked the head, or a gate that is to be
-- locked with it. Waits for nobody.
create or replace function leadrail.locked_runs(t_run uuid[], g_run uuid[], g_gate text[], g_opens boolean[])
returns setof uuid language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    with free as materialized (
        select r.id from leadrail.workflow_run r where r.id = any (t_run) for no key update skip locked
    )
    select r.id from leadrail.workflow_run r where r.id = any (t_run)
    except
    select f.id from free f;
    return query
    select distinct g.run_id
    from unnest(g_run, g_gate, g_opens) as g (run_id, gate, opens)
    where not case
        when g.opens then pg_try_advisory_xact_lock(leadrail.lock_number('gate:' || g.gate))
        else pg_try_advisory_xact_lock_shared(leadrail.lock_number('gate:' || g.gate))
    end;
end
$$;

-- Gives locks back and then takes others, each again if its run has it already. Answers a row for each
-- that another run has: the one that asked, the lock, and when to ask again.
create or replace function leadrail.move_locks(l_run uuid[], l_name text[], l_takes boolean[])
returns setof leadrail.claimed language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_now timestamptz := leadrail.now();
begin
    -- By name, as all do: none waits for one that waits for it.
    perform from leadrail.run_lock l where l.name = any (l_name) order by l.name for update;
    delete from leadrail.run_lock l
    using unnest(l_run, l_name, l_takes) as m (run_id, name, takes)
    where not m.takes and l.name = m.name and l.run_id = m.run_id;
    if not true = any (l_takes) then
        return;
    end if;

    -- A lock whose run has ended is free.
    insert into leadrail.run_lock as l (name, run_id, taken_at)
    select distinct on (m.name) m.name, m.run_id, v_now
    from unnest(l_run, l_name, l_takes) with ordinality as m (run_id, name, takes, nth)
    where m.takes
    order by m.name, m.nth
    on conflict (name) do update set run_id = excluded.run_id, taken_at = excluded.taken_at
    where l.run_id = excluded.run_id
       or not exists (
            select from leadrail.workflow_run r
            where r.id = l.run_id and r.state not in ('completed', 'dead', 'cancelled')
       );
    return query
    select m.run_id, null::text, null::text, null::text, null::text, null::smallint, null::integer,
           null::timestamptz, null::timestamptz, null::text,
           500 + greatest(0, (extract(epoch from r.due_at - v_now) * 1000)::bigint),
           null::uuid, null::text, m.name
    from unnest(l_run, l_name, l_takes) as m (run_id, name, takes)
    join leadrail.run_lock l on l.name = m.name and l.run_id <> m.run_id
    left join leadrail.workflow_run r on r.id = l.run_id
    where m.takes;
end
$$;
