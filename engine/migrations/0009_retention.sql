-- Retention by class: what a run was given, dead letters and keys end at times of their own, and whoever
-- builds on the engine adds clean-ups to its hourly ones.
--
-- Safe beside the previous release: new columns are null, which keeps everything as it was kept, and no old
-- query names them. The index is a few pages; building it reads run_key once, a second for some
-- millions of keys, in which nothing is enqueued.
-- Undo by dropping the columns, the index and the table: everything is kept again.
alter table leadrail.retention
    add column input_for interval check (input_for between interval '1 day' and interval '3660 days'),
    add column letters_for interval check (letters_for between interval '1 day' and interval '3660 days'),
    add column keys_for interval check (keys_for between interval '1 day' and interval '3660 days');
comment on column leadrail.retention.input_for is 'How long after its birth what an ended run was given is kept, and what was said about it; null: as long as the run.';
comment on column leadrail.retention.letters_for is 'How long after its death a dead letter is kept; then its run is cancelled and what it was given is gone. Null: until somebody sees to it.';
comment on column leadrail.retention.keys_for is 'How long after its birth a run''s key is remembered, at least as long as the run; null: for ever.';

create index run_key_created on leadrail.run_key using brin (created_at);

create table leadrail.house_task (
    name text primary key,
    function text not null
);
comment on table leadrail.house_task is 'Clean-ups of whoever builds on the engine: functions of this schema without arguments that workers call every hour, with the engine''s own.';

insert into leadrail.housekeeping (task, tried_at) values ('inputs', leadrail.now());
