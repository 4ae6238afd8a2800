-- A replay: dead letters that are sent through again together, round by round.
--
-- It is led by a run, which gives it its id; here is only which letters it has. A letter that is in a
-- replay is still a dead letter: a person may revive, discard or cancel it before its turn comes. What
-- takes letters in rounds waits for nobody: a letter or a run that somebody has in hand comes with the
-- next round.

-- When the run that leads a replay ended for good; null while it lives. One that continued as a new run
-- lives on in that, one that is dead may be revived. Long ago when there was none.
create or replace function leadrail.replay_ended_at(p_replay uuid) returns timestamptz language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_run uuid := p_replay;
    v_next uuid;
    v_state leadrail.run_state;
    v_at timestamptz;
begin
    loop
        select r.state, r.changed_at into v_state, v_at from leadrail.run r where r.id = v_run;
        if not found then
            return '-infinity';
        end if;
        if v_state not in ('completed', 'cancelled') then
            return null;
        end if;
        select (h.payload ->> 'next')::uuid into v_next
        from leadrail.history h where h.run_id = v_run and h.kind = 'run_continued';
        if v_next is null then
            return v_at;
        end if;
        v_run := v_next;
    end loop;
end
$$;

-- Gives a replay the open letters that are meant: how many it has taken on. What it has taken on once is
-- its choice for good: asked again it answers the same. Null when no such run lives.
create or replace function leadrail.enlist_letters(p_replay uuid, p_filter leadrail.letter_filter) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_enlisted bigint;
begin
    perform pg_advisory_xact_lock(leadrail.lock_number('replay:' || p_replay));
    if leadrail.replay_ended_at(p_replay) is not null then
        return null;
    end if;
    select sum(l.enlisted) into v_enlisted from leadrail.replay_lane l where l.replay_id = p_replay;
    if v_enlisted is not null then
        return v_enlisted;
    end if;
    with chosen as materialized (
        select d.run_id
        from leadrail.dead_letter d
        where d.discarded_at is null and d.replay_id is null and leadrail.letter_matches(d, p_filter)
        order by d.run_id desc
        for update
    ), taken as (
        update leadrail.dead_letter d
        set replay_id = p_replay
        from chosen c
        where d.run_id = c.run_id
        returning d.lane
    ), counted as (
        insert into leadrail.replay_lane (replay_id, lane, enlisted)
        select p_replay, t.lane, count(*) from taken t group by t.lane
        returning enlisted
    )
    select coalesce(sum(c.enlisted), 0) into v_enlisted from counted c;
    return v_enlisted;
end
$$;

-- One round: of each lane of the replay (or of one) the `p_most` most urgent letters, the oldest first,
-- are sent through again from their last checkpoints; how many. A lane takes each round once, so an
-- answer that was lost is asked for again without doing more.
--
-- Step by step and by ids, so that each row is found by its index, whatever statistics say of how many
-- letters there are.
create or replace function leadrail.revive_enlisted(
    p_replay uuid, p_lane text, p_most integer, p_round integer, p_by text
) returns integer language plpgsql
set enable_seqscan = off set jit = off
set search_path = pg_catalog, pg_temp
as $$
declare
    v_now timestamptz := leadrail.now();
    v_lanes text[];
    v_runs uuid[];
    v_revived text[];
begin
    v_lanes := array(
        select l.lane
        from leadrail.replay_lane l
        where l.replay_id = p_replay and (p_lane is null or l.lane = p_lane) and l.round < p_round
        order by l.lane
        for no key update
    );
    v_runs := array(
        select d.run_id
        from unnest(v_lanes) as n (lane)
        cross join lateral (
            select e.run_id
            from leadrail.dead_letter e
            where e.replay_id = p_replay and e.lane = n.lane
            order by e.priority, e.seq
            limit p_most
            for update skip locked
        ) d
    );
    v_runs := leadrail.lock_dead(v_runs);
    with unburied as (
        delete from leadrail.dead_letter d where d.run_id = any (v_runs) returning d.lane
    )
    select coalesce(array_agg(u.lane), '{}') into v_revived from unburied u;
    update leadrail.workflow_run r
    set state = 'replaying', due_at = v_now, changed_at = v_now
    where r.id = any (v_runs);
    insert into leadrail.history (run_id, seq, at, kind, payload)
    select n.run, leadrail.next_seq(n.run), v_now, 'run_replayed', json_build_object('replay', p_replay, 'by', p_by)
    from unnest(v_runs) as n (run);
    update leadrail.replay_lane l
    set round = p_round,
        revived = l.revived + (select count(*) from unnest(v_revived) as v (lane) where v.lane = l.lane)
    where l.replay_id = p_replay and l.lane = any (v_lanes);
    return cardinality(v_revived);
end
$$;

-- Gives back the letters that these replays have not sent through yet; how many.
create or replace function leadrail.release_replays(p_replays uuid[]) returns bigint language sql
set search_path = pg_catalog, pg_temp
as $$
    with kept as materialized (
        select d.run_id
        from leadrail.dead_letter d
        where d.replay_id = any (p_replays)
        order by d.run_id desc
        for update
    ), released as (
        update leadrail.dead_letter d
        set replay_id = null
        from kept k
        where d.run_id = k.run_id
        returning d.run_id
    )
    select count(*) from released
$$;

-- The same for all replays whose runs ended without doing so; and forgets the counts of replays whose
-- runs are not kept any more.
create or replace function leadrail.release_ended_replays() returns void language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform leadrail.release_replays(array(
        select l.replay_id
        from (select distinct a.replay_id from leadrail.replay_lane a) l
        where exists (select from leadrail.dead_letter d where d.replay_id = l.replay_id)
          and leadrail.replay_ended_at(l.replay_id) is not null
    ));
    delete from leadrail.replay_lane l
    where leadrail.replay_ended_at(l.replay_id) = '-infinity';
end
$$;
