-- Partitions: whatever belongs to a run, by the day of the run's birth, so that forgetting is a DROP.
--
-- Run ids are time-ordered, so a range of ids is a span of time. Which tables these are, and how many
-- days a partition of each spans, is in leadrail.dated_table.

-- The first day of the partition that a day is in; spans are counted from a Monday.
create or replace function leadrail.partition_start(day date, days integer) returns date
language sql immutable strict parallel safe
return date '2001-01-01' + (day - date '2001-01-01') / days * days;

-- The partition of one table for a day; false when it is there, or when rows that already fell into the
-- default partition would refuse it.
create or replace function leadrail.make_partition(parent text, day date) returns boolean language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_table leadrail.dated_table;
    v_first date;
    v_part text;
    v_low uuid;
    v_high uuid;
    v_taken boolean;
begin
    select t.* into strict v_table from leadrail.dated_table t where t.name = parent;
    v_first := leadrail.partition_start(day, v_table.days);
    v_part := parent || '_' || to_char(v_first::timestamp, 'YYYYMMDD');
    if to_regclass(format('leadrail.%I', v_part)) is not null then
        return false;
    end if;
    v_low := leadrail.uuid_v7_floor(v_first::timestamp at time zone 'UTC');
    v_high := leadrail.uuid_v7_floor((v_first + v_table.days)::timestamp at time zone 'UTC');
    execute format(
        'select exists (select from leadrail.%1$I d where d.%2$I >= $1 and d.%2$I < $2)',
        parent || '_default', v_table.id_column
    ) into v_taken using v_low, v_high;
    if v_taken then
        return false;
    end if;
    execute format(
        'create table leadrail.%I partition of leadrail.%I for values from (%L) to (%L)',
        v_part, parent, v_low, v_high
    );
    return true;
end
$$;

-- Makes the partitions of the given days in every dated table; safe to run by anyone at any time. A
-- new partition locks its table for a moment: it gives up rather than make the journal wait.
create or replace function leadrail.make_history_partitions(first_day date, days integer) returns integer
language plpgsql
set lock_timeout = '2s'
set search_path = pg_catalog, pg_temp
as $$
declare
    v_made integer := 0;
    v_day date;
    v_name text;
begin
    perform pg_advisory_xact_lock(leadrail.lock_number('history_partition'));
    for n in 0 .. days - 1 loop
        v_day := first_day + n;
        for v_name in select t.name from leadrail.dated_table t order by t.nth desc loop
            continue when not leadrail.make_partition(v_name, v_day) or v_name <> 'history';
            insert into leadrail.history_partition (name, from_at, to_at) values (
                'history_' || to_char(v_day::timestamp, 'YYYYMMDD'),
                v_day::timestamp at time zone 'UTC',
                (v_day + 1)::timestamp at time zone 'UTC'
            );
            v_made := v_made + 1;
        end loop;
    end loop;
    return v_made;
end
$$;

-- Drops the partitions of one table that end with this day or before it. What belongs to runs with a
-- head in the hot table (dead letters, and whatever still lives) goes back through the parent table,
-- into the default partition.
create or replace function leadrail.drop_partitions(p_table leadrail.dated_table, last_day date) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_part text;
begin
    for v_part in
        select c.relname
        from pg_inherits i
        join pg_class c on c.oid = i.inhrelid
        where i.inhparent = format('leadrail.%I', p_table.name)::regclass
          and c.relname ~ '_[0-9]{8}$'
          and right(c.relname, 8) <= to_char((last_day + 1 - p_table.days)::timestamp, 'YYYYMMDD')
        order by c.relname
    loop
        execute format('alter table leadrail.%I detach partition leadrail.%I', p_table.name, v_part);
        execute format(
            'insert into leadrail.%I
             select p.* from leadrail.%I p
             where exists (select from leadrail.workflow_run r where r.id = p.%I)',
            p_table.name, v_part, p_table.id_column
        );
        execute format('drop table leadrail.%I', v_part);
    end loop;
end
$$;

-- Drops the oldest day that nobody has to keep any more; its name, or null when there is none.
--
-- One day a transaction, because it locks the tables for that long. A partition of several days goes
-- with the last of them.
create or replace function leadrail.drop_oldest_day() returns text language plpgsql
set lock_timeout = '2s'
set search_path = pg_catalog, pg_temp
as $$
declare
    v_edge timestamptz;
    v_day leadrail.history_partition;
    v_table leadrail.dated_table;
begin
    perform pg_advisory_xact_lock(leadrail.lock_number('history_partition'));
    select leadrail.now() - r.history_for into v_edge from leadrail.retention r;
    select p.* into v_day
    from leadrail.history_partition p
    where p.to_at <= v_edge
    order by p.from_at
    limit 1;
    if not found then
        return null;
    end if;
    for v_table in select t.* from leadrail.dated_table t order by t.nth desc loop
        perform leadrail.drop_partitions(v_table, (v_day.from_at at time zone 'UTC')::date);
    end loop;
    delete from leadrail.history_partition p where p.name = v_day.name;
    update leadrail.retention r set dropped_until = greatest(r.dropped_until, v_day.to_at);
    return v_day.name;
end
$$;
