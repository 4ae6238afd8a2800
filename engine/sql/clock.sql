-- The one clock of the engine, and the ids that carry its time.
--
-- Every time in the engine is the database's: workers' clocks never enter SQL. Tests move time by
-- changing the shift in leadrail.clock, so that a wait of six hours is tested without waiting.
--
-- The one file that is applied before the tables: their defaults name leadrail.now().

-- Stable, so that one statement compares against one time and may use an index with it. Asked so often
-- that it has no path of its own (its names are written out) and is in PL/pgSQL: a function in SQL that
-- reads a table is planned anew by every statement that calls it.
create or replace function leadrail.now() returns timestamptz
language plpgsql stable parallel safe
as $$
begin
    return pg_catalog.clock_timestamp() operator(pg_catalog.+) (select c.shift from leadrail.clock c);
end
$$;

-- A time-ordered id (RFC 9562, version 7): the first 48 bits are milliseconds since 1970.
create or replace function leadrail.uuid_v7(at timestamptz default leadrail.now()) returns uuid
language sql volatile parallel safe
return
    encode(
        set_byte(
            overlay(
                uuid_send(gen_random_uuid())
                placing substring(int8send((extract(epoch from at) * 1000)::bigint) from 3)
                from 1 for 6
            ),
            6,
            112 + (get_byte(uuid_send(gen_random_uuid()), 6) & 15)
        ),
        'hex'
    )::uuid;

-- The smallest version 7 id of a millisecond: the bound of a partition.
create or replace function leadrail.uuid_v7_floor(at timestamptz) returns uuid
language sql immutable parallel safe
return
    encode(
        substring(int8send((extract(epoch from at) * 1000)::bigint) from 3)
            || '\x70008000000000000000'::bytea,
        'hex'
    )::uuid;
