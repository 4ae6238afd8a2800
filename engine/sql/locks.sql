-- Named locks that belong to runs, not to workers or sessions: a takeover keeps them.

-- Gives locks back and then takes others, each again if its run has it already. Answers a row for each
-- that another run has: the one that asked, the lock, and when to ask again.
create or replace function leadrail.move_locks(l_run uuid[], l_name text[], l_takes boolean[])
returns setof leadrail.claimed language plpgsql
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
