-- Where the outside may know more than this database does, it is asked before anything is made.
--
-- A standby that was promoted may lack the last commits of the old primary: intents and results of
-- calls that did take effect. A database that was restored lacks all that the original did since. Both
-- are told by what a session finds: another timeline, another place, or a silence that no worker that
-- ends in order leaves behind. What looks like none of these is declared by a person. The first session
-- of a worker writes it down; from then on an effect that must happen once is looked for before it is
-- made, in the runs that are in doubt and in those that may be repeats of runs that were lost.

-- Where this database is. A dump, a copy or a template brings rows along, but not these numbers. Null
-- where PostgreSQL does not say, which is no evidence.
create or replace function leadrail.whereabouts() returns leadrail.doubt language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_here leadrail.doubt;
begin
    begin
        select c.system_identifier into v_here.system from pg_control_system() c;
    exception when insufficient_privilege then
        v_here.system := null;
    end;
    if not pg_is_in_recovery() then
        v_here.timeline := ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::integer;
    end if;
    select d.oid into v_here.database from pg_database d where d.datname = current_database();
    v_here.relation := 'leadrail.doubt'::regclass::oid;
    return v_here;
end
$$;

-- The last sign of life that a worker or a new run has left here, on the server's clock.
create or replace function leadrail.last_sign_of_life() returns timestamptz language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select greatest(
        (select max(w.renewed_at) from leadrail.worker w),
        (select r.created_at from leadrail.workflow_run r order by r.id desc limit 1)
    )
$$;

-- Why there is a doubt that nobody has written down yet; null where there is none. Small reads only.
--
-- Workers that end in order take their rows along. Rows that nobody has renewed or removed for a
-- quarter of an hour in which no run came either are those of a snapshot, or of a machine that lost
-- its power: PostgreSQL does not tell the two apart.
create or replace function leadrail.reason_for_doubt() returns text language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_last leadrail.doubt;
    v_here leadrail.doubt := leadrail.whereabouts();
    v_silent boolean := leadrail.last_sign_of_life() < clock_timestamp() - interval '15 minutes';
begin
    select d.* into v_last from leadrail.doubt d order by d.nth desc limit 1;
    return case
        when v_last.nth is null then 'first'
        when v_here.system <> v_last.system then 'copy'
        when (v_here.database, v_here.relation) <> (v_last.database, v_last.relation) then 'copy'
        when v_here.timeline <> v_last.timeline and v_silent is not false then 'rewind'
        when v_here.timeline <> v_last.timeline then 'failover'
        when v_silent and exists (select from leadrail.worker) then 'silence'
    end;
end
$$;

-- Writes a doubt down. After a failover those runs are suspects that could have been worked on in the
-- lost time; after anything else all that are alive, which needs no list. The workers that came along
-- with a restored database are not here, and what they had in hand goes back.
create or replace function leadrail.write_doubt(p_why text) returns void language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_now timestamptz := leadrail.now();
    v_here leadrail.doubt := leadrail.whereabouts();
    v_known timestamptz := greatest(
        leadrail.last_sign_of_life(),
        (select e.created_at from leadrail.ended_run e order by e.id desc limit 1)
    );
begin
    insert into leadrail.doubt (why, at, lacks_since, timeline, system, database, relation)
    values (
        p_why, v_now, least(coalesce(v_known, v_now - interval '1 day'), v_now),
        v_here.timeline, v_here.system, v_here.database, v_here.relation
    );
    if p_why = 'failover' then
        insert into leadrail.suspect_run (run_id, since)
        select r.id, v_now
        from leadrail.workflow_run r
        where r.state not in ('completed', 'cancelled')
          -- Only what was left alone and is not due yet is beyond doubt.
          and (
                r.due_at is null
                or r.due_at <= v_now
                or r.created_at >= v_now - interval '15 minutes'
                or r.changed_at >= v_now - interval '15 minutes'
                or exists (select from leadrail.run_gate g where g.run_id = r.id)
          )
        on conflict (run_id) do update set since = excluded.since;
    elsif p_why <> 'first' then
        delete from leadrail.worker;
        perform leadrail.requeue(
            array(select r.id from leadrail.workflow_run r where r.worker_id is not null and r.state = 'running'),
            'run_released'
        );
    end if;
end
$$;

-- Writes down what a session finds, and tells what is in doubt: when the last failover and the last
-- restore were noticed, and since when the restored database lacks what the original did.
create or replace function leadrail.note_doubt(
    out failed_over_at timestamptz, out restored_at timestamptz, out lacks_since timestamptz
) language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_why text := leadrail.reason_for_doubt();
begin
    if v_why is not null then
        -- Whoever comes second finds the first one's row.
        lock table leadrail.doubt in share row exclusive mode;
        v_why := leadrail.reason_for_doubt();
        if v_why is not null then
            perform leadrail.write_doubt(v_why);
        end if;
    end if;
    select d.at into failed_over_at
    from leadrail.doubt d where d.why = 'failover' order by d.nth desc limit 1;
    select d.at, d.lacks_since into restored_at, lacks_since
    from leadrail.doubt d where d.why not in ('first', 'failover') order by d.nth desc limit 1;
end
$$;

-- A person says that this database was restored; how many runs look before they create, and how many
-- workers had rows. Those that live begin anew.
create or replace function leadrail.declare_restored(out runs bigint, out workers bigint) language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    lock table leadrail.doubt in share row exclusive mode;
    select count(*) into runs
    from leadrail.workflow_run r where r.state not in ('completed', 'cancelled');
    select count(*) into workers from leadrail.worker;
    perform leadrail.write_doubt('declared');
end
$$;

-- How many workers live here: rows that came along with a copy are of workers that are elsewhere. Also for
-- who may not read what tells that this is a copy.
create or replace function leadrail.live_workers() returns bigint language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select count(*)
    from leadrail.worker w
    where w.seen_at + w.lease > leadrail.now()
      and coalesce(leadrail.reason_for_doubt(), '') not in ('copy', 'rewind', 'silence')
$$;
