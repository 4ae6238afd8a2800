-- Schedules: runs that start by the calendar.
--
-- One row a schedule, and `next_at` is its whole state: whoever moves it forward, guarded by its old
-- value and the revision, enqueues the runs in the same transaction. So any number of workers may
-- fire at once, no one leads, and a worker that dies between has done nothing. The next times are
-- computed by workers from the database's clock.
-- Safe beside the previous release: its workers do not know the table and fire nothing.
-- Undo by dropping the table; the runs that were started stay.
create table leadrail.cron (
    name text primary key check (length(name) between 1 and 200),
    revision uuid not null default gen_random_uuid(),
    expression text not null check (length(expression) <= 200),
    zone text not null check (length(zone) <= 64),
    workflow text not null,
    scope text not null,
    lane text not null,
    priority smallint not null check (priority between 0 and 9),
    input json not null check (octet_length(input::text) <= 1048576),
    skips_overlap boolean not null,
    catch_up text not null check (catch_up in ('skip', 'latest', 'all')),
    catch_up_most integer not null check (catch_up_most between 1 and 1000),
    window_seconds bigint not null check (window_seconds between 1 and 2678400),
    next_at timestamptz,
    paused_at timestamptz,
    last_at timestamptz,
    last_key text,
    created_at timestamptz not null default leadrail.now(),
    changed_at timestamptz not null default leadrail.now(),
    constraint paused_has_no_next check (paused_at is null or next_at is null)
) with (fillfactor = 70);
comment on table leadrail.cron is 'Schedules: which workflow starts when, over and over.';
comment on column leadrail.cron.revision is 'Another one after every change of the definition: who fires an old one fires nothing.';
comment on column leadrail.cron.next_at is 'The next time that has not been fired; null while paused.';
comment on column leadrail.cron.last_at is 'The last time that was fired or passed over.';
comment on column leadrail.cron.last_key is 'The key of the last run it started; the run that continues it has the same.';

create index cron_next on leadrail.cron (next_at) where next_at is not null;
