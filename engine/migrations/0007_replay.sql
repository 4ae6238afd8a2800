-- Sends one dead letter through again, from its last checkpoint.
--
-- One guarded statement: two people at once get one replay between them. False when the run is not
-- dead (any more).
-- Safe beside any previous release: no old statement calls it. Undo by dropping the function.
create function leadrail.replay_run(p_run uuid, p_delay_ms bigint default 0) returns boolean
language sql
as $$
    with revived as (
        update leadrail.workflow_run r
        set state = 'replaying', changed_at = leadrail.now(),
            due_at = leadrail.now() + p_delay_ms * interval '1 millisecond'
        where r.id = p_run and r.state = 'dead'
        returning r.id
    ), unburied as (
        delete from leadrail.dead_letter d using revived where d.run_id = revived.id
    ), written as (
        insert into leadrail.history (run_id, seq, at, kind)
        select revived.id,
               (select coalesce(max(h.seq), -1) + 1 from leadrail.history h where h.run_id = revived.id),
               leadrail.now(), 'run_replayed'
        from revived
        returning run_id
    )
    select exists (select from written)
$$;
