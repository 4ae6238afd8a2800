-- Housekeeping: what workers do now and then so that nothing grows for ever.
--
-- Partitions are made two weeks ahead; locks and gates of runs that are past them are removed. Any
-- number of workers may call it at once.
-- Safe beside any previous release: no old statement calls it. Undo by dropping the function.
create function leadrail.keep_house() returns void language plpgsql
as $$
begin
    perform leadrail.make_history_partitions((leadrail.now() at time zone 'UTC')::date, 15);
    delete from leadrail.run_lock l
    where l.taken_at < leadrail.now() - interval '1 hour'
      and not exists (
            select from leadrail.workflow_run r
            where r.id = l.run_id and r.state not in ('completed', 'dead', 'cancelled')
      );
    delete from leadrail.run_gate g
    where not exists (
        select from leadrail.workflow_run r where r.id = g.run_id and r.state in ('running', 'waiting')
    );
end
$$;
