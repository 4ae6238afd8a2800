-- After a failover, whatever may have happened in the commits that were lost is looked up first.
--
-- A standby that was promoted may lack the last commits of the old primary: intents and results of
-- calls that did take effect. The timeline tells that it happened. The first session of a worker on
-- another timeline writes that down, with every run that could have been worked on in the lost time;
-- an effect of theirs that must happen once is looked for before it is made.
-- Safe beside the previous release: its workers neither notice nor look. Undo by dropping the two
-- tables and note_timeline, and by putting forget_kept_rows back as it was.
create table leadrail.failover (
    nth integer generated always as identity primary key,
    timeline integer not null,
    was integer,
    at timestamptz not null default leadrail.now()
);
comment on table leadrail.failover is 'The timelines that workers have seen, in order; the first one was no failover.';
comment on column leadrail.failover.was is 'The timeline before; null in the first row.';

create table leadrail.suspect_run (
    run_id uuid primary key,
    failed_over_at timestamptz not null
);
comment on table leadrail.suspect_run is 'Runs that may have been worked on in commits that a failover lost: they look before they create.';

-- Notices a failover; when the last one was noticed, or null. One small read when nothing changed.
create function leadrail.note_timeline() returns timestamptz language plpgsql
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

-- As before, and suspects that have ended.
create or replace function leadrail.forget_kept_rows() returns void language plpgsql
as $$
declare
    v_edge timestamptz;
    v_floor uuid;
begin
    delete from leadrail.suspect_run s
    where not exists (select from leadrail.workflow_run r where r.id = s.run_id);
    select leadrail.now() - r.history_for, leadrail.uuid_v7_floor(r.dropped_until) into v_edge, v_floor
    from leadrail.retention r
    where r.history_for is not null and r.dropped_until > '-infinity';
    if not found then
        return;
    end if;
    delete from leadrail.ended_run_default e where e.id < v_floor and e.changed_at < v_edge;
    delete from leadrail.history_default h
    where h.run_id < v_floor
      and not exists (select from leadrail.run r where r.id = h.run_id);
end
$$;
