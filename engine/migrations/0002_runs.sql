-- Runs: one mutable row each, the head.
--
-- Hot by design: `due_at` and `worker_id` are the only indexed columns that ever change, so a run's
-- end is a HOT update. Nothing else may be indexed here: no predicate may name `state`.
-- Safe beside any previous release: there is none. Undo by dropping the objects.
create type leadrail.run_state as enum (
    'queued', 'running', 'retrying', 'waiting', 'replaying', 'completed', 'dead', 'cancelled'
);

-- The legal moves, the same table as `RunState::may_become` in Rust; a test compares the two.
create function leadrail.may_become(was leadrail.run_state, becomes leadrail.run_state)
returns boolean language sql immutable parallel safe
as $$
    select case was
        when 'queued' then becomes in ('running', 'cancelled')
        when 'running' then becomes in ('queued', 'retrying', 'waiting', 'completed', 'dead', 'cancelled')
        when 'retrying' then becomes in ('running', 'queued', 'cancelled')
        when 'waiting' then becomes in ('running', 'queued', 'cancelled')
        when 'replaying' then becomes in ('running', 'queued', 'dead', 'cancelled')
        when 'dead' then becomes in ('replaying', 'cancelled')
        else false
    end
$$;

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
    -- Claimable exactly while it has a due time; a running or ended run has none.
    constraint due_only_while_claimable check (
        (state in ('queued', 'retrying', 'replaying') and due_at is not null)
        or state = 'waiting'
        or (state in ('running', 'completed', 'dead', 'cancelled') and due_at is null)
    )
) with (
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_insert_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.05
);
comment on table leadrail.workflow_run is 'The head of every run; what happened to it is in leadrail.history.';
comment on column leadrail.workflow_run.due_at is 'When the run may be claimed; null while it runs, after it ended, or while it waits for a signal only.';
comment on column leadrail.workflow_run.worker_id is 'The worker incarnation that holds the run, or the last one that did.';
comment on column leadrail.workflow_run.starts is 'How often the run was claimed; zero means it has no history yet.';
comment on column leadrail.workflow_run.activity is 'The activity where the run last stopped; its attempts are in the history.';
comment on column leadrail.workflow_run.reason is 'Machine-readable: why the run retries, waits or is dead.';
comment on column leadrail.workflow_run.scope is 'The tenant: keys are unique inside it.';
comment on column leadrail.workflow_run.lane is 'What runs queue behind together.';

create index workflow_run_due on leadrail.workflow_run (priority, due_at) where due_at is not null;
create index workflow_run_worker on leadrail.workflow_run (worker_id) where worker_id is not null;

create function leadrail.refuse_transition() returns trigger language plpgsql
as $$
begin
    raise exception 'run % may not go from % to %', old.id, old.state, new.state
        using errcode = 'LR001';
end
$$;
create trigger legal_transition before update of state on leadrail.workflow_run
    for each row when (old.state <> new.state and not leadrail.may_become(old.state, new.state))
    execute function leadrail.refuse_transition();

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

create table leadrail.dead_letter (
    run_id uuid primary key,
    scope text not null,
    lane text not null,
    reason text not null,
    activity text,
    died_at timestamptz not null
);
create index dead_letter_lane on leadrail.dead_letter (lane, died_at);
comment on table leadrail.dead_letter is 'Which runs are dead; a row here and state dead always go together.';

create table leadrail.run_gate (
    run_id uuid primary key,
    gate text not null
);
create index run_gate_gate on leadrail.run_gate (gate);
comment on table leadrail.run_gate is 'Which runs wait for what: opening the gate makes them due.';

create table leadrail.run_lock (
    name text primary key,
    run_id uuid not null,
    taken_at timestamptz not null
);
comment on table leadrail.run_lock is 'Named locks that belong to runs, not to workers or sessions: a takeover keeps them.';
