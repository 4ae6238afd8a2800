-- History: what happened to each run, append-only, partitioned by the run's birth.
--
-- Run ids are time-ordered, so a range of ids is a span of time: retention drops a partition.
-- Safe beside any previous release: there is none. Undo by dropping the objects.
create type leadrail.history_kind as enum (
    'run_started', 'run_lost', 'run_released', 'run_waiting', 'run_dead', 'run_replayed',
    'run_completed', 'run_cancelled',
    'activity_started', 'activity_completed', 'activity_failed', 'activity_throttled'
);

create table leadrail.history (
    run_id uuid not null,
    seq integer not null,
    at timestamptz not null,
    kind leadrail.history_kind not null,
    attempt smallint,
    activity text,
    payload json,
    primary key (run_id, seq)
) partition by range (run_id);
comment on table leadrail.history is 'Append-only. activity_started is the intent, activity_completed the checkpoint, activity_failed the evidence.';

-- Whatever falls outside the partitions made ahead is still kept.
create table leadrail.history_default partition of leadrail.history default;

create table leadrail.history_partition (
    name text primary key,
    from_at timestamptz not null,
    to_at timestamptz not null
);
comment on table leadrail.history_partition is 'The partitions of leadrail.history by span of time.';

-- Makes the partitions of the given days, one a day; safe to run by anyone at any time. A new
-- partition locks the whole table for a moment: it gives up rather than make the journal wait.
create function leadrail.make_history_partitions(first_day date, days integer) returns integer
language plpgsql
set lock_timeout = '2s'
as $$
declare
    made integer := 0;
    day date;
    part text;
begin
    perform pg_advisory_xact_lock(hashtext('leadrail.history_partition'));
    for n in 0 .. days - 1 loop
        day := first_day + n;
        part := 'history_' || to_char(day, 'YYYYMMDD');
        continue when exists (select from leadrail.history_partition p where p.name = part);
        -- Rows that already fell into the default partition would refuse the new one.
        continue when exists (
            select from leadrail.history_default h
            where h.run_id >= leadrail.uuid_v7_floor(day::timestamp at time zone 'UTC')
              and h.run_id < leadrail.uuid_v7_floor((day + 1)::timestamp at time zone 'UTC')
        );
        execute format(
            'create table leadrail.%I partition of leadrail.history for values from (%L) to (%L)',
            part,
            leadrail.uuid_v7_floor(day::timestamp at time zone 'UTC'),
            leadrail.uuid_v7_floor((day + 1)::timestamp at time zone 'UTC')
        );
        insert into leadrail.history_partition (name, from_at, to_at) values (
            part,
            day::timestamp at time zone 'UTC',
            (day + 1)::timestamp at time zone 'UTC'
        );
        made := made + 1;
    end loop;
    return made;
end
$$;

select leadrail.make_history_partitions((now() at time zone 'UTC')::date - 1, 16);
