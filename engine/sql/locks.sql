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

-- Takes a named lock for a run, again if it has it already. Null when taken; else when to ask again.
create or replace function leadrail.take_lock(p_name text, p_run uuid, p_worker uuid) returns timestamptz
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_now timestamptz := leadrail.now();
    v_due timestamptz;
begin
    perform from leadrail.worker w where w.id = p_worker for key share;
    if not found then
        raise exception 'worker % was taken over', p_worker using errcode = 'LR002';
    end if;
    -- A lock whose run has ended is free.
    insert into leadrail.run_lock as l (name, run_id, taken_at) values (p_name, p_run, v_now)
    on conflict (name) do update set run_id = excluded.run_id, taken_at = excluded.taken_at
    where l.run_id = excluded.run_id
       or not exists (
            select from leadrail.workflow_run r
            where r.id = l.run_id and r.state not in ('completed', 'dead', 'cancelled')
       );
    if found then
        return null;
    end if;
    select r.due_at into v_due
    from leadrail.run_lock l join leadrail.workflow_run r on r.id = l.run_id
    where l.name = p_name;
    return greatest(v_now, coalesce(v_due, v_now)) + interval '500 milliseconds';
end
$$;
