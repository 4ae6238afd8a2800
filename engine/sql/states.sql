-- What a run may become, and the two look-ups of a run that name one partition.

-- The legal moves, the same table as `RunState::may_become` in Rust; a test compares the two.
create or replace function leadrail.may_become(was leadrail.run_state, becomes leadrail.run_state)
returns boolean language sql immutable parallel safe
return
    case was
        when 'queued' then becomes in ('running', 'cancelled')
        when 'running' then becomes in ('queued', 'retrying', 'waiting', 'completed', 'dead', 'cancelled')
        when 'retrying' then becomes in ('running', 'queued', 'cancelled')
        when 'waiting' then becomes in ('running', 'queued', 'cancelled')
        when 'replaying' then becomes in ('running', 'queued', 'dead', 'cancelled')
        when 'dead' then becomes in ('replaying', 'cancelled')
        else false
    end;

-- Only called for a move that is not legal, so that legal ones cost no call.
create or replace function leadrail.refuse_transition() returns trigger language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    raise exception 'run % may not go from % to %', old.id, old.state, new.state
        using errcode = 'LR001';
end
$$;

-- Here and not with the table, because it needs both functions. Whoever changes this file makes the
-- writers of the hot table wait for a moment.
create or replace trigger legal_transition before update of state on leadrail.workflow_run
    for each row when (old.state <> new.state and not leadrail.may_become(old.state, new.state))
    execute function leadrail.refuse_transition();

-- The state of a run that has left the hot table. A function of its own, so that its plan names one
-- partition and enqueueing does not lock them all.
create or replace function leadrail.ended_state(p_run uuid) returns leadrail.run_state language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (select e.state from leadrail.ended_run e where e.id = p_run);
end
$$;

-- The number of a run's next line of history. A function of its own, so that its plan names one
-- partition: a statement that joins all of leadrail.history locks hundreds of them each time.
create or replace function leadrail.next_seq(p_run uuid) returns integer language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return (select coalesce(max(h.seq), -1) + 1 from leadrail.history h where h.run_id = p_run);
end
$$;
