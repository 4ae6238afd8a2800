-- Partitions: history and ended runs by the day of the run's birth, so that forgetting is a DROP.
--
-- Run ids are time-ordered, so a range of ids is a span of time.

-- One day's partition of `history` or `ended_run`; false when it is there, or when rows that already
-- fell into the default partition would refuse it.
create or replace function leadrail.make_partition(parent text, day date) returns boolean language plpgsql
as $$
declare
    part text := parent || '_' || to_char(day, 'YYYYMMDD');
    low uuid := leadrail.uuid_v7_floor(day::timestamp at time zone 'UTC');
    high uuid := leadrail.uuid_v7_floor((day + 1)::timestamp at time zone 'UTC');
    taken boolean;
begin
    if to_regclass(format('leadrail.%I', part)) is not null then
        return false;
    end if;
    execute format(
        'select exists (select from leadrail.%I d where d.%I >= $1 and d.%I < $2)',
        parent || '_default',
        case parent when 'history' then 'run_id' else 'id' end,
        case parent when 'history' then 'run_id' else 'id' end
    ) into taken using low, high;
    if taken then
        return false;
    end if;
    execute format(
        'create table leadrail.%I partition of leadrail.%I for values from (%L) to (%L)',
        part, parent, low, high
    );
    return true;
end
$$;

-- Makes the partitions of the given days, one a day and table; safe to run by anyone at any time. A
-- new partition locks its table for a moment: it gives up rather than make the journal wait.
create or replace function leadrail.make_history_partitions(first_day date, days integer) returns integer
language plpgsql
set lock_timeout = '2s'
as $$
declare
    made integer := 0;
    day date;
begin
    perform pg_advisory_xact_lock(hashtext('leadrail.history_partition'));
    for n in 0 .. days - 1 loop
        day := first_day + n;
        perform leadrail.make_partition('ended_run', day);
        continue when not leadrail.make_partition('history', day);
        insert into leadrail.history_partition (name, from_at, to_at) values (
            'history_' || to_char(day, 'YYYYMMDD'),
            day::timestamp at time zone 'UTC',
            (day + 1)::timestamp at time zone 'UTC'
        );
        made := made + 1;
    end loop;
    return made;
end
$$;

-- Drops the oldest day that nobody has to keep any more; its name, or null when there is none.
--
-- One day a transaction, because it locks the history for that long. Histories of runs that are not
-- in `ended_run` (dead letters, and whatever still lives) go back through the parent table, into the
-- default partition.
create or replace function leadrail.drop_oldest_day() returns text language plpgsql
set lock_timeout = '2s'
as $$
declare
    v_edge timestamptz;
    v_part record;
    v_ended text;
begin
    perform pg_advisory_xact_lock(hashtext('leadrail.history_partition'));
    select leadrail.now() - r.history_for into v_edge from leadrail.retention r;
    select p.name, p.from_at, p.to_at into v_part
    from leadrail.history_partition p
    where p.to_at <= v_edge
    order by p.from_at
    limit 1;
    if not found then
        return null;
    end if;
    execute format('alter table leadrail.history detach partition leadrail.%I', v_part.name);
    execute format(
        'insert into leadrail.history (run_id, seq, at, kind, attempt, activity, payload)
         select h.run_id, h.seq, h.at, h.kind, h.attempt, h.activity, h.payload
         from leadrail.%I h
         where exists (select from leadrail.workflow_run r where r.id = h.run_id)',
        v_part.name
    );
    execute format('drop table leadrail.%I', v_part.name);
    v_ended := replace(v_part.name, 'history_', 'ended_run_');
    execute format('drop table if exists leadrail.%I', v_ended);
    delete from leadrail.history_partition p where p.name = v_part.name;
    update leadrail.retention r set dropped_until = greatest(r.dropped_until, v_part.to_at);
    return v_part.name;
end
$$;
