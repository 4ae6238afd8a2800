-- Workers taken over are counted, and a lost run's history says how many there were.
--
-- Where workers die all the time a run may lose several of them without being the cause; what others
-- lost meanwhile tells the two apart.
-- Safe beside the previous release: same arguments, same answers; what it writes has no count, which
-- reads as "nobody else died". Undo by putting 0004's take_over and 0021's requeue back and dropping
-- the table.
create table leadrail.worker_deaths (
    only_row boolean primary key default true check (only_row),
    workers bigint not null default 0
);
comment on table leadrail.worker_deaths is 'One row: how many workers were taken over since the beginning.';
insert into leadrail.worker_deaths (workers) values (0);

create or replace function leadrail.take_over(p_workers uuid[]) returns integer language plpgsql
as $$
declare
    v_gone uuid[];
begin
    with doomed as materialized (
        select w.id
        from leadrail.worker w
        where w.id = any (p_workers)
          and w.id in (select s.worker_id from leadrail.suspect_workers() s)
        for update skip locked
    ), gone as (
        delete from leadrail.worker w using doomed d where w.id = d.id returning w.id
    )
    select coalesce(array_agg(gone.id), '{}') into v_gone from gone;

    if cardinality(v_gone) = 0 then
        return 0;
    end if;
    update leadrail.worker_deaths set workers = workers + cardinality(v_gone);
    return leadrail.requeue(
        array(
            select r.id from leadrail.workflow_run r
            where r.worker_id = any (v_gone) and r.state = 'running'
        ),
        'run_lost'
    );
end
$$;

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
        select f.id, leadrail.next_seq(f.id), leadrail.now(), p_kind,
               case p_kind
                   when 'run_lost' then json_build_object(
                       'worker', f.worker_id, 'deaths', (select d.workers from leadrail.worker_deaths d)
                   )
                   else json_build_object('worker', f.worker_id)
               end
        from freed f
        returning run_id
    )
    select count(*)::integer from written
$$;
