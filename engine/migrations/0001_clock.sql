-- The one clock of the engine.
--
-- Every time in the engine is the database's: workers' clocks never enter SQL. Tests move time by
-- changing the shift, so that a wait of six hours is tested without waiting.
-- Safe beside any previous release: there is none. Undo by dropping the schema.
create schema if not exists leadrail;

create table leadrail.clock (
    one boolean primary key default true check (one),
    shift interval not null default interval '0'
);
comment on table leadrail.clock is 'One row: how far leadrail.now() runs ahead of the server clock. Zero outside tests.';
insert into leadrail.clock (shift) values (interval '0');

-- Stable, so that one statement compares against one time and may use an index with it.
create or replace function leadrail.now() returns timestamptz
language sql stable parallel safe
as $$ select clock_timestamp() + (select c.shift from leadrail.clock c) $$;

-- A time-ordered id (RFC 9562, version 7): the first 48 bits are milliseconds since 1970.
create function leadrail.uuid_v7(at timestamptz default leadrail.now()) returns uuid
language sql volatile parallel safe
as $$
    select encode(
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
    )::uuid
$$;

-- The smallest version 7 id of a millisecond: the bound of a partition.
create function leadrail.uuid_v7_floor(at timestamptz) returns uuid
language sql immutable parallel safe
as $$
    select encode(
        substring(int8send((extract(epoch from at) * 1000)::bigint) from 3)
            || '\x70008000000000000000'::bytea,
        'hex'
    )::uuid
$$;
