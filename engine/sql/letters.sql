-- Dead letters as a queue: which ones are meant, and the marks that people and sorters set.
--
-- A mark is a column of the letter: discarding leaves the run dead, so it can be undone. Whoever locks
-- several letters and may wait does so by their runs, the youngest first, as a cancelled family is locked.

-- Whether a letter is meant. A plain expression, so that it becomes part of the plan of whoever asks.
create or replace function leadrail.letter_matches(d leadrail.dead_letter, f leadrail.letter_filter)
returns boolean language sql immutable parallel safe
return
    ((f).runs is null or (d).run_id = any ((f).runs))
       and ((f).scope is null or (d).scope = (f).scope)
       and ((f).lanes is null or (d).lane = any ((f).lanes))
       and ((f).workflow is null or (d).workflow = (f).workflow)
       and ((f).activity is null or (d).activity = (f).activity)
       and ((f).reason is null or (d).reason = (f).reason)
       and ((f).incident_id is null or (d).incident_id = (f).incident_id)
       and ((f).replay_id is null or (d).replay_id = (f).replay_id)
       and ((f).died_from is null or (d).died_at >= (f).died_from)
       and ((f).died_before is null or (d).died_at < (f).died_before)
       and ((f).standing is null or (f).standing = case
                when (d).discarded_at is not null then 'discarded'
                when (d).replay_id is not null then 'enlisted'
                else 'open'
            end);

-- Marks letters as not wanted any more, and takes them out of replays that have not come to them; how
-- many. Their runs stay dead.
create or replace function leadrail.discard_letters(p_filter leadrail.letter_filter, p_by text, p_why text)
returns bigint language sql
set search_path = pg_catalog, pg_temp
as $$
    with meant as materialized (
        select d.run_id
        from leadrail.dead_letter d
        where d.discarded_at is null and leadrail.letter_matches(d, p_filter)
        order by d.run_id desc
        for update
    ), discarded as (
        update leadrail.dead_letter d
        set discarded_at = leadrail.now(), discarded_by = p_by, discarded_why = p_why, replay_id = null
        from meant m
        where d.run_id = m.run_id
        returning d.run_id
    )
    select count(*) from discarded
$$;

-- Takes the mark off again; how many.
create or replace function leadrail.undiscard_letters(p_filter leadrail.letter_filter) returns bigint language sql
set search_path = pg_catalog, pg_temp
as $$
    with meant as materialized (
        select d.run_id
        from leadrail.dead_letter d
        where d.discarded_at is not null and leadrail.letter_matches(d, p_filter)
        order by d.run_id desc
        for update
    ), wanted as (
        update leadrail.dead_letter d
        set discarded_at = null, discarded_by = null, discarded_why = null
        from meant m
        where d.run_id = m.run_id
        returning d.run_id
    )
    select count(*) from wanted
$$;

-- Puts letters that are in no incident into this one; how many were. By their numbers: a run that was
-- revived meanwhile and died again is another letter.
create or replace function leadrail.sort_letters(p_incident bigint, p_letters bigint[]) returns bigint language sql
set search_path = pg_catalog, pg_temp
as $$
    with meant as materialized (
        select d.run_id
        from leadrail.dead_letter d
        where d.seq = any (p_letters) and d.incident_id is null
        order by d.run_id desc
        for update
    ), sorted as (
        update leadrail.dead_letter d
        set incident_id = p_incident
        from meant m
        where d.run_id = m.run_id
        returning d.run_id
    )
    select count(*) from sorted
$$;

-- Locks the heads of those of these runs that are dead and that nobody has in hand; which ones. It waits
-- for nobody, so whoever has locked letters may call it.
create or replace function leadrail.lock_dead(p_runs uuid[]) returns uuid[] language sql
set enable_seqscan = off
set search_path = pg_catalog, pg_temp
as $$
    select array(
        select r.id
        from leadrail.workflow_run r
        where r.id = any (p_runs) and r.state = 'dead'
        for no key update skip locked
    )
$$;

-- Cancels those of these runs that are dead and that nobody has in hand, for this reason; which ones. Their
-- histories say who did it, and why: whoever discarded them, or `p_by`.
create or replace function leadrail.end_dead(p_runs uuid[], p_reason text, p_by text default null) returns uuid[]
language plpgsql
set enable_seqscan = off set jit = off
set search_path = pg_catalog, pg_temp
as $$
declare
    v_now timestamptz := leadrail.now();
    v_runs uuid[] := leadrail.lock_dead(p_runs);
begin
    insert into leadrail.history (run_id, seq, at, kind, payload)
    select d.run_id, leadrail.next_seq(d.run_id), v_now, 'run_cancelled',
           case when p_by is null then json_build_object('why', d.discarded_why, 'by', d.discarded_by)
                else json_build_object('by', p_by) end
    from leadrail.dead_letter d
    where d.run_id = any (v_runs);
    delete from leadrail.dead_letter d where d.run_id = any (v_runs);
    update leadrail.workflow_run r
    set state = 'cancelled', changed_at = v_now, reason = p_reason
    where r.id = any (v_runs);
    return v_runs;
end
$$;

-- Cancels the runs that were discarded so long ago that it cannot be undone any more, `p_rows` at most;
-- how many. Whatever somebody has in hand at the moment has time until the next round.
create or replace function leadrail.settle_discards(p_rows integer) returns integer language plpgsql
set enable_seqscan = off set jit = off
set search_path = pg_catalog, pg_temp
as $$
declare
    v_runs uuid[];
begin
    v_runs := array(
        select d.run_id
        from leadrail.dead_letter d
        where d.discarded_at <= (select leadrail.now() - t.discarded_for from leadrail.retention t)
        order by d.discarded_at
        limit p_rows
        for update skip locked
    );
    return cardinality(leadrail.end_dead(v_runs, 'discarded'));
end
$$;
