-- The engine's types, tables and indexes. What works on them is in engine/sql/, one file a topic.
--
-- Safe beside any previous release: there is none. Undo by dropping the schema.
create table leadrail.clock (
    one boolean primary key default true check (one),
    shift interval not null default interval '0'
);
comment on table leadrail.clock is 'One row: how far leadrail.now() runs ahead of the server clock. Zero outside tests.';
insert into leadrail.clock (shift) values (interval '0');

create table leadrail.function_file (
    nth bigint generated always as identity primary key,
    set_name text not null,
    file text not null,
    checksum bytea not null,
    applied_at timestamptz not null default leadrail.now(),
    unique (set_name, file, checksum)
);
comment on table leadrail.function_file is 'Append-only: each text of each file of functions that was applied, in order.';
comment on column leadrail.function_file.set_name is 'Whose file it is, such as engine.';
comment on column leadrail.function_file.checksum is 'SHA-384 of the text; the last one of a file is what the database has now.';

-- Runs: one mutable row each, the head.
--
-- Hot by design: `due_at`, `worker_id` and `asleep` are the only indexed columns that ever change, and
-- `asleep` only of a run that has a due time, so a run's end is a HOT update. Nothing else may be indexed
-- here: no predicate may name `state`.
create type leadrail.run_state as enum (
    'queued', 'running', 'retrying', 'waiting', 'replaying', 'completed', 'dead', 'cancelled'
);

create table leadrail.workflow_run (
    id uuid primary key,
    state leadrail.run_state not null default 'queued',
    due_at timestamptz,
    worker_id uuid,
    starts integer not null default 0,
    attempt smallint,
    changed_at timestamptz not null default leadrail.now(),
    activity text,
    reason text,
    priority smallint not null default 2 check (priority between 0 and 9),
    workflow text not null,
    scope text not null default '',
    key text,
    lane text not null default '',
    created_at timestamptz not null default leadrail.now(),
    input json not null,
    parent_id uuid,
    asleep boolean not null default false,
    -- Claimable exactly while it has a due time; a running or ended run has none.
    constraint due_only_while_claimable check (
        (state in ('queued', 'retrying', 'replaying') and due_at is not null)
        or state = 'waiting'
        or (state in ('running', 'completed', 'dead', 'cancelled') and due_at is null)
    ),
    -- What is refused at the edge with the limit named is refused here too.
    constraint input_fits check (octet_length(input::text) <= 1048576)
) with (
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_insert_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.05,
    -- Without rests. PostgreSQL lets a vacuum rest after every few pages so that it does not disturb
    -- others. At half of what two cores can do, 8,500 workflows a second, one vacuum of this table took
    -- more than three minutes, and twice as many rows were dead by then as it had found: the table grew
    -- to 3.3 GB in ten minutes. Without rests it stays below half of that, and level.
    autovacuum_vacuum_cost_delay = 0
);
comment on table leadrail.workflow_run is 'The head of every run; what happened to it is in leadrail.history.';
comment on column leadrail.workflow_run.due_at is 'When the run may be claimed; null while it runs, after it ended, or while it waits for a signal only.';
comment on column leadrail.workflow_run.worker_id is 'The worker incarnation that holds the run, or the last one that did.';
comment on column leadrail.workflow_run.starts is 'How often the run was claimed; zero means it has no history yet.';
comment on column leadrail.workflow_run.activity is 'The activity where the run last stopped; its attempts are in the history.';
comment on column leadrail.workflow_run.reason is 'Machine-readable: why the run retries, waits or is dead.';
comment on column leadrail.workflow_run.scope is 'The tenant: keys are unique inside it.';
comment on column leadrail.workflow_run.lane is 'What runs queue behind together.';
comment on column leadrail.workflow_run.parent_id is 'The run that started this one and is cancelled together with it; null for a run of its own.';

comment on column leadrail.workflow_run.asleep is 'Put away until due_at, which was far off: no claim passes it by. The first claim after that wakes it.';

create index workflow_run_line on leadrail.workflow_run (priority, lane, due_at) where due_at is not null and not asleep;
create index workflow_run_asleep on leadrail.workflow_run (priority, due_at) where due_at is not null and asleep;
create index workflow_run_worker on leadrail.workflow_run (worker_id) where worker_id is not null;
create index workflow_run_parent on leadrail.workflow_run (parent_id) where parent_id is not null;

create type leadrail.claimed as (
    run_id uuid,
    workflow text,
    scope text,
    key text,
    lane text,
    priority smallint,
    starts integer,
    created_at timestamptz,
    claimed_at timestamptz,
    input text,
    wait_ms bigint,
    parent_id uuid,
    cancel_why text,
    locked text
);
comment on type leadrail.claimed is 'What a claim brings: its runs and, when it brought fewer than wanted, a last row without run_id that says when to ask again. Before them a row for each lock that could not be taken.';
comment on column leadrail.claimed.run_id is 'The run that the worker holds now; null in the last row.';
comment on column leadrail.claimed.wait_ms is 'In the last row how long until the next run is due, zero or less when one is; null when nothing is queued. Beside a lock when to ask again.';
comment on column leadrail.claimed.locked is 'A lock that this run asked for and another has; the run is not claimed by this row.';
comment on column leadrail.claimed.cancel_why is 'Why the run was asked to stop before this claim; null when it was not.';

create table leadrail.run_key (
    key text not null,
    scope text not null,
    run_id uuid not null,
    fingerprint text not null,
    created_at timestamptz not null default leadrail.now(),
    primary key (key, scope)
);
comment on table leadrail.run_key is 'One run per (scope, key), for ever: outlives the run so that a late repeat is still recognised.';
comment on column leadrail.run_key.fingerprint is 'Tells a repeat from a different body under the same key.';

-- Dead letters: the queue of the runs that wait for a person.
--
-- What a queue is filtered and ordered by is copied here, so that nobody who looks at it reads the hot
-- table. A death costs three index entries: the run, the page, the sorter's. The others are of marks that
-- come later.
create table leadrail.dead_letter (
    run_id uuid primary key,
    seq bigint generated always as identity,
    priority smallint not null,
    workflow text not null,
    scope text not null,
    lane text not null,
    activity text,
    reason text not null,
    died_at timestamptz not null,
    incident_id bigint,
    replay_id uuid,
    discarded_at timestamptz,
    discarded_by text check (length(discarded_by) between 1 and 200),
    discarded_why text check (length(discarded_why) between 1 and 2000),
    constraint discard_is_signed check (
        (discarded_at is null) = (discarded_by is null) and (discarded_at is null) = (discarded_why is null)
    ),
    constraint discarded_is_in_no_replay check (discarded_at is null or replay_id is null)
);
create unique index dead_letter_seq on leadrail.dead_letter (seq);
create index dead_letter_unsorted on leadrail.dead_letter (seq) where incident_id is null and discarded_at is null;
create index dead_letter_enlisted on leadrail.dead_letter (replay_id, lane, priority, seq) where replay_id is not null;
create index dead_letter_discarded on leadrail.dead_letter (discarded_at) where discarded_at is not null;
comment on table leadrail.dead_letter is 'Which runs are dead; a row here and state dead always go together.';
comment on column leadrail.dead_letter.seq is 'The order to page by. A run that dies again is a new letter with a new number.';
comment on column leadrail.dead_letter.incident_id is 'Where it was sorted; null until somebody did.';
comment on column leadrail.dead_letter.replay_id is 'The run of the replay that will send it through again; a letter is in one at most.';
comment on column leadrail.dead_letter.discarded_at is 'A person does not want it any more. The run stays dead until leadrail.retention.discarded_for is over.';

create type leadrail.letter_filter as (
    runs uuid[],
    scope text,
    lanes text[],
    workflow text,
    activity text,
    reason text,
    incident_id bigint,
    replay_id uuid,
    standing text,
    died_from timestamptz,
    died_before timestamptz
);
comment on type leadrail.letter_filter is 'Which dead letters are meant: those that match every field that is not null.';
comment on column leadrail.letter_filter.standing is 'open (neither discarded nor in a replay), enlisted (in a replay) or discarded.';

create table leadrail.replay_lane (
    replay_id uuid not null,
    lane text not null,
    enlisted bigint not null,
    revived bigint not null default 0,
    round integer not null default 0,
    primary key (replay_id, lane)
);
comment on table leadrail.replay_lane is 'What a replay took on and has sent through, by lane; what is left of it are the letters that have its id.';
comment on column leadrail.replay_lane.round is 'The last round that was sent: the same round again sends nothing more.';

create table leadrail.run_gate (
    run_id uuid not null,
    gate text not null,
    primary key (run_id, gate)
);
create index run_gate_gate on leadrail.run_gate (gate);
comment on table leadrail.run_gate is 'Which runs wait for what: opening the gate makes them due.';

create table leadrail.lock_salt (
    one boolean primary key default true check (one),
    salt bigint not null
);
comment on table leadrail.lock_salt is 'One row: what makes the names of our advisory locks ours. Any session of the database may take such a lock; which one it would have to be is not for everyone to know.';
insert into leadrail.lock_salt (salt)
values (('x' || encode(substring(uuid_send(gen_random_uuid()) from 1 for 8), 'hex'))::bit(64)::bigint);

create table leadrail.gate_opening (
    gate text primary key,
    opened_at timestamptz not null
);
comment on table leadrail.gate_opening is 'When each gate was last opened: a run that parks there with older knowledge goes on at once.';

create table leadrail.signal (
    id bigint generated always as identity primary key,
    run_id uuid not null,
    name text not null check (length(name) between 1 and 200),
    key text,
    payload json not null check (octet_length(payload::text) <= 1048576),
    sent_at timestamptz not null default leadrail.now(),
    taken_at timestamptz,
    unique (run_id, key)
);
create index signal_untaken on leadrail.signal (run_id, name, id) where taken_at is null;
comment on table leadrail.signal is 'What was sent to runs; a run takes the signals of one name in the order they came.';
comment on column leadrail.signal.key is 'The sender''s own key: the same key again is the same signal.';

create table leadrail.cancel_request (
    run_id uuid primary key,
    why text not null,
    asked_at timestamptz not null default leadrail.now()
);
comment on table leadrail.cancel_request is 'Which live runs were asked to stop and have not done so yet.';

create table leadrail.run_lock (
    name text primary key,
    run_id uuid not null,
    taken_at timestamptz not null
);
comment on table leadrail.run_lock is 'Named locks that belong to runs, not to workers or sessions: a takeover keeps them.';

-- History: what happened to each run, append-only, partitioned by the run's birth.
--
-- Run ids are time-ordered, so a range of ids is a span of time: retention drops a partition.
create type leadrail.history_kind as enum (
    'run_started', 'run_lost', 'run_released', 'run_waiting', 'run_dead', 'run_revived', 'run_replayed',
    'run_completed', 'run_cancelled',
    'activity_started', 'activity_completed', 'activity_failed', 'activity_throttled',
    'timer_started', 'side_value',
    'signal_received', 'signal_timed_out', 'child_started', 'child_completed', 'child_failed',
    'cancel_requested', 'state_published', 'run_continued', 'run_tried_now', 'run_restarted',
    'run_isolated'
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

create table leadrail.dated_table (
    nth integer generated always as identity primary key,
    name text not null unique,
    id_column text not null,
    days integer not null default 1 check (days between 1 and 28)
);
comment on table leadrail.dated_table is 'Tables partitioned by the birth of a run, each with a default partition NAME_default. Whoever builds on the engine adds their own; housekeeping makes and drops the partitions.';
comment on column leadrail.dated_table.nth is 'The order they came in. Partitions are made and dropped the other way round, in the order in which readers lock: a table before those it is joined with.';
comment on column leadrail.dated_table.id_column is 'The column with the run''s id, by which it is partitioned.';
comment on column leadrail.dated_table.days is 'How many days are in one partition; it is dropped with the last of them.';
insert into leadrail.dated_table (name, id_column) values ('ended_run', 'id'), ('history', 'run_id');

-- Workers: one row per incarnation, and that row is the fence.
create table leadrail.worker (
    id uuid primary key default gen_random_uuid(),
    name text not null,
    pid integer not null,
    version text not null,
    backend_pid integer not null,
    backend_start timestamptz,
    lease interval not null,
    started_at timestamptz not null default leadrail.now(),
    seen_at timestamptz not null default leadrail.now(),
    renewed_at timestamptz not null default clock_timestamp(),
    quiet boolean not null default false
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
comment on column leadrail.worker.backend_pid is 'The session that the worker keeps open; its end is the hint that the worker died.';
comment on column leadrail.worker.backend_start is 'When that session began, for a process id may be given out again; null where PostgreSQL does not say.';
comment on column leadrail.worker.renewed_at is 'As seen_at, on the server''s own clock: how old this database''s last sign of life is.';
comment on column leadrail.worker.quiet is 'It had nothing to do for a while and asks for work rarely, relying on notifications.';

create table leadrail.worker_deaths (
    only_row boolean primary key default true check (only_row),
    workers bigint not null default 0
);
comment on table leadrail.worker_deaths is 'One row: how many workers were taken over since the beginning.';
insert into leadrail.worker_deaths (workers) values (0);

create table leadrail.doubt (
    nth integer generated always as identity primary key,
    why text not null check (why in ('first', 'failover', 'copy', 'rewind', 'silence', 'declared')),
    at timestamptz not null default leadrail.now(),
    lacks_since timestamptz not null,
    timeline integer,
    system bigint,
    database oid,
    relation oid
);
comment on table leadrail.doubt is 'When it came into doubt whether this database knows all that was done outside, and where it was then; the first row is no doubt.';
comment on column leadrail.doubt.why is 'failover: another timeline. copy: another server, database or table, as after a dump was restored. rewind: another timeline and no recent sign of life. silence: nobody was here and nobody said goodbye. declared: a person said so.';
comment on column leadrail.doubt.at is 'When it was noticed.';
comment on column leadrail.doubt.lacks_since is 'The last sign of life before; what was done outside since is not known here.';
comment on column leadrail.doubt.system is 'The server''s system identifier; null where our role may not read it.';
comment on column leadrail.doubt.relation is 'The number of this table: another one after a restore into the same database.';

create table leadrail.suspect_run (
    run_id uuid primary key,
    since timestamptz not null
);
comment on table leadrail.suspect_run is 'Runs that may have been worked on in commits that a failover lost: they look before they create. After a restore all that are alive do, without a row here.';

create table leadrail.lane (
    name text primary key check (length(name) between 1 and 500),
    paused_at timestamptz,
    held_until timestamptz,
    max_running integer check (max_running between 1 and 1000000),
    gap interval check (gap > interval '0'),
    burst integer not null default 1 check (burst between 1 and 1000000),
    next_free_at timestamptz,
    budget_left integer,
    budget_until timestamptz
);
comment on table leadrail.lane is 'Lanes with a setting; all others run freely.';
comment on column leadrail.lane.paused_at is 'Since when a person has stopped the lane; its runs stay queued.';
comment on column leadrail.lane.held_until is 'Until when the other side wants to be left alone.';
comment on column leadrail.lane.max_running is 'How many of its runs may run at a time, over all workers; null for no limit.';
comment on column leadrail.lane.gap is 'The time between two starts at the limited rate; null for no limit.';
comment on column leadrail.lane.burst is 'How many starts may follow each other at once after a quiet time.';
comment on column leadrail.lane.budget_left is 'How many calls the other side said it still takes, less the starts since.';
comment on column leadrail.lane.budget_until is 'Until when budget_left counts.';
comment on column leadrail.lane.next_free_at is 'When all starts so far are paid for at the limited rate (GCRA).';

create table leadrail.lane_slot (
    run_id uuid primary key,
    lane text not null
);
create index lane_slot_lane on leadrail.lane_slot (lane);
comment on table leadrail.lane_slot is 'Runs that took a place in a lane with max_running; a place whose run does not run any more is free.';

-- Schedules: runs that start by the calendar.
--
-- One row a schedule, and `next_at` is its whole state: whoever moves it forward, guarded by its old
-- value and the revision, enqueues the runs in the same transaction. So any number of workers may
-- fire at once, no one leads, and a worker that dies between has done nothing. The next times are
-- computed by workers from the database's clock.
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

create table leadrail.retention (
    one boolean primary key default true check (one),
    ended_after interval not null default interval '1 hour' check (ended_after >= interval '0'),
    history_for interval default interval '400 days' check (history_for >= interval '1 day'),
    discarded_for interval default interval '30 days' check (discarded_for >= interval '0'),
    dropped_until timestamptz not null default '-infinity'
);
comment on table leadrail.retention is 'One row: how long what is kept. Change it with an update; workers read it every minute.';
comment on column leadrail.retention.ended_after is 'How long a completed or cancelled run stays in the hot table.';
comment on column leadrail.retention.history_for is 'How long the runs of a day and their histories are kept; null keeps them for ever.';
comment on column leadrail.retention.discarded_for is 'How long a discarded run can be called back; then it is cancelled. Null: for ever.';
comment on column leadrail.retention.dropped_until is 'The days before this were dropped; only what waits for a person, or was alive, is left of them.';
insert into leadrail.retention (one) values (true);

create table leadrail.housekeeping (
    task text primary key,
    tried_at timestamptz not null,
    done_at timestamptz,
    error text,
    swept_to uuid not null default '00000000-0000-0000-0000-000000000000'
);
comment on table leadrail.housekeeping is 'When each clean-up was last tried and last done, so that none can fail quietly.';
comment on column leadrail.housekeeping.error is 'Why the last try failed; null when it did not.';
comment on column leadrail.housekeeping.swept_to is 'How far ended_runs has walked through the hot table in this round.';
insert into leadrail.housekeeping (task, tried_at) values ('ended_runs', leadrail.now());

create table leadrail.ended_run (
    id uuid primary key,
    state leadrail.run_state not null check (state in ('completed', 'cancelled')),
    worker_id uuid,
    starts integer not null,
    attempt smallint,
    changed_at timestamptz not null,
    activity text,
    reason text,
    priority smallint not null,
    workflow text not null,
    scope text not null,
    key text,
    lane text not null,
    created_at timestamptz not null,
    input json not null,
    parent_id uuid
) partition by range (id);
comment on table leadrail.ended_run is 'Heads of runs that ended, as they were; append-only, the columns of workflow_run without due_at.';
create table leadrail.ended_run_default partition of leadrail.ended_run default;

create view leadrail.run as
    select r.id, r.state, r.due_at, r.worker_id, r.starts, r.attempt, r.changed_at, r.activity, r.reason,
           r.priority, r.workflow, r.scope, r.key, r.lane, r.created_at, r.input, r.parent_id
    from leadrail.workflow_run r
    union all
    select e.id, e.state, null::timestamptz, e.worker_id, e.starts, e.attempt, e.changed_at, e.activity, e.reason,
           e.priority, e.workflow, e.scope, e.key, e.lane, e.created_at, e.input, e.parent_id
    from leadrail.ended_run e;
comment on view leadrail.run is 'Every run that is kept, live or ended: what to read unless only live runs matter.';
