-- After a failover, whatever may have happened in the commits that were lost is looked up first.
--
-- A standby that was promoted may lack the last commits of the old primary: intents and results of
-- calls that did take effect. The timeline tells that it happened. The first session of a worker on
-- another timeline writes that down, with every run that could have been worked on in the lost time;
-- an effect of theirs that must happen once is looked for before it is made.

-- Notices a failover; when the last one was noticed, or null. One small read when nothing changed.
create or replace function leadrail.note_timeline() returns timestamptz language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_now timestamptz := leadrail.now();
    v_timeline integer := ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::integer;
    v_last leadrail.failover;
begin
    select f.* into v_last from leadrail.failover f order by f.nth desc limit 1;
    if v_last.timeline is distinct from v_timeline then
        -- Whoever comes second finds the first one's row.
        lock table leadrail.failover in share row exclusive mode;
        select f.* into v_last from leadrail.failover f order by f.nth desc limit 1;
        if v_last.timeline is distinct from v_timeline then
            insert into leadrail.failover (timeline, was, at) values (v_timeline, v_last.timeline, v_now);
            insert into leadrail.suspect_run (run_id, failed_over_at)
            select r.id, v_now
            from leadrail.workflow_run r
            where v_last.timeline is not null
              and r.state not in ('completed', 'cancelled')
              -- Only what was left alone and is not due yet is beyond doubt.
              and (
                    r.due_at is null
                    or r.due_at <= v_now
                    or r.created_at >= v_now - interval '15 minutes'
                    or r.changed_at >= v_now - interval '15 minutes'
                    or exists (select from leadrail.run_gate g where g.run_id = r.id)
              )
            on conflict (run_id) do update set failed_over_at = excluded.failed_over_at;
        end if;
    end if;
    return (select f.at from leadrail.failover f where f.was is not null order by f.nth desc limit 1);
end
$$;
