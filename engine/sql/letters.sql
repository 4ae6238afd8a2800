-- Dead letters as a queue: which ones are meant, and the marks that people and sorters set.
--
-- A mark is a column of the letter: discarding leaves the run dead, so it can be undone. Whoever locks
-- several letters and may wait does so by their runs, the youngest first, as a cancelled family is locked.

-- Whether a letter is meant. A plain expression, so that it becomes part of the plan of whoever asks.
create or replace function leadrail.letter_matches(d leadrail.dead_letter, f leadrail.letter_filter)
returns boolean language sql immutable parallel safe
as $$
    select ((f).runs is null or (d).run_id = any ((f).runs))
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
            end)
$$;

-- Marks letters as not wanted any more, and takes them out of replays that have not come to them; how
-- many. Their runs stay dead.
create or replace function leadrail.discard_letters(p_filter leadrail.letter_filter, p_by text, p_why text)
returns bigint language sql
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

-- Cancels the runs that were discarded so long ago that it cannot be undone any more, `p_rows` at most;
-- how many. Whatever somebody has in hand at the moment has time until the next round.
create or replace function leadrail.settle_discards(p_rows integer) returns integer language sql
set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off
as $$
    with over as materialized (
        select d.run_id
        from leadrail.dead_letter d
        where d.discarded_at <= (select leadrail.now() - t.discarded_for from leadrail.retention t)
        order by d.discarded_at
        limit p_rows
        for update skip locked
    ), head as materialized (
        select r.id
        from over o
        join leadrail.workflow_run r on r.id = o.run_id
        where r.state = 'dead'
        for no key update of r skip locked
    ), gone as (
        delete from leadrail.dead_letter d
        using head h
        where d.run_id = h.id
        returning d.run_id, d.discarded_by, d.discarded_why
    ), ended as (
        update leadrail.workflow_run r
        set state = 'cancelled', changed_at = leadrail.now(), reason = 'discarded'
        from gone g
        where r.id = g.run_id
        returning r.id, g.discarded_by, g.discarded_why
    ), written as (
        insert into leadrail.history (run_id, seq, at, kind, payload)
        select e.id, leadrail.next_seq(e.id), leadrail.now(), 'run_cancelled',
               json_build_object('why', e.discarded_why, 'by', e.discarded_by)
        from ended e
        returning run_id
    )
    select count(*)::integer from written
$$;
