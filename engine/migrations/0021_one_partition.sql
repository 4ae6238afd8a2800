-- Takeover and replay name one partition of the history each, not all of them.
--
-- The subquery they had locked every partition: hundreds, once a year of days is kept.
-- Safe beside the previous release: same arguments, same answers. Undo by putting 0004's requeue and
-- 0007's replay_run back.
create or replace function leadrail.requeue(p_runs uuid[], p_kind leadrail.history_kind) returns integer
language sql
as $$
    with freed as (
        update leadrail.workflow_run r
        set state = 'queued', due_at = r.created_at - interval '1 microsecond', changed_at = leadrail.now()
        where r.id = any (p_runs) and r.state = 'running'
        returning r.id, r.worker_id
    ), written as (
        insert into leadrail.history (run_id, seq, at, kind, payload)
        select f.id,
               leadrail.next_seq(f.id),
               leadrail.now(), p_kind, json_build_object('worker', f.worker_id)
        from freed f
        returning run_id
    )
    select count(*)::integer from written
$$;

create or replace function leadrail.replay_run(p_run uuid, p_delay_ms bigint default 0) returns boolean
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
               leadrail.next_seq(revived.id),
               leadrail.now(), 'run_replayed'
        from revived
        returning run_id
    )
    select exists (select from written)
$$;
