-- Named locks that belong to runs, not to workers or sessions: a takeover keeps them.

-- Takes a named lock for a run, again if it has it already. Null when taken; else when to ask again.
create or replace function leadrail.take_lock(p_name text, p_run uuid, p_worker uuid) returns timestamptz
language plpgsql
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
