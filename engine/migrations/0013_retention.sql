-- Ended runs leave the hot table, and whole days of the past are dropped.
--
-- `workflow_run` must stay as small as what is alive, or its scans, its vacuum and its caches grow
-- with the past. Heads of completed and cancelled runs move to `ended_run`, which is partitioned by
-- the run's birth as `history` is, so that forgetting is a DROP. Dead letters never move: they wait
-- for a person. `leadrail.run` shows both tables as one.
-- Safe beside the previous release: its workers never move a run, and a run that was moved by a new
-- worker only disappears from the lists of the old release. Undo by inserting the rows of ended_run
-- back into workflow_run, putting keep_house, make_history_partitions and enqueue_runs back as they
-- were, and dropping the rest.
create table leadrail.retention (
    one boolean primary key default true check (one),
    ended_after interval not null default interval '1 hour' check (ended_after >= interval '0'),
    history_for interval default interval '400 days' check (history_for >= interval '1 day'),
    dropped_until timestamptz not null default '-infinity'
);
comment on table leadrail.retention is 'One row: how long what is kept. Change it with an update; workers read it every minute.';
comment on column leadrail.retention.ended_after is 'How long a completed or cancelled run stays in the hot table.';
comment on column leadrail.retention.history_for is 'How long the runs of a day and their histories are kept; null keeps them for ever.';
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

-- One day's partition of `history` or `ended_run`; false when it is there, or when rows that already
-- fell into the default partition would refuse it.
create function leadrail.make_partition(parent text, day date) returns boolean language plpgsql
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

select leadrail.make_partition('ended_run', (p.from_at at time zone 'UTC')::date)
from leadrail.history_partition p;

-- Moves ended runs out of the hot table: looks at the next `p_rows` heads in the order of their ids
-- and takes what ended long enough ago. Answers how many it looked at and how many it moved; fewer
-- looked at than asked for ends the round, and the next one begins at the oldest again.
--
-- Nothing indexes the state of a run, so this walks the primary key and remembers where it is. The
-- row that remembers is the turn: whoever does not get it has nothing to do.
create function leadrail.move_ended_runs(p_rows integer, out looked integer, out moved integer)
language plpgsql
as $$
declare
    v_from uuid;
    v_to uuid;
    v_before timestamptz;
begin
    looked := 0;
    moved := 0;
    select h.swept_to into v_from from leadrail.housekeeping h where h.task = 'ended_runs' for update skip locked;
    if not found then
        return;
    end if;
    select leadrail.now() - r.ended_after into v_before from leadrail.retention r;
    with slice as materialized (
        select r.id, r.state, r.changed_at
        from leadrail.workflow_run r
        -- A run born later cannot have ended before.
        where r.id > v_from and r.id < leadrail.uuid_v7_floor(v_before)
        order by r.id
        limit p_rows
    ), doomed as materialized (
        select r.id
        from leadrail.workflow_run r
        join slice s on s.id = r.id
        where s.state in ('completed', 'cancelled') and s.changed_at <= v_before
          and r.state in ('completed', 'cancelled')
        order by r.id
        for update of r skip locked
    ), gone as (
        delete from leadrail.workflow_run r
        using doomed d
        where r.id = d.id
        returning r.id, r.state, r.worker_id, r.starts, r.attempt, r.changed_at, r.activity, r.reason,
                  r.priority, r.workflow, r.scope, r.key, r.lane, r.created_at, r.input, r.parent_id
    ), kept as (
        insert into leadrail.ended_run
            (id, state, worker_id, starts, attempt, changed_at, activity, reason, priority, workflow,
             scope, key, lane, created_at, input, parent_id)
        select g.id, g.state, g.worker_id, g.starts, g.attempt, g.changed_at, g.activity, g.reason,
               g.priority, g.workflow, g.scope, g.key, g.lane, g.created_at, g.input, g.parent_id
        from gone g
        returning id
    )
    select (select count(*) from slice), (select count(*) from kept),
           (select s.id from slice s order by s.id desc limit 1)
    into looked, moved, v_to;
    update leadrail.housekeeping h
    set swept_to = case when looked < p_rows then '00000000-0000-0000-0000-000000000000' else v_to end,
        tried_at = leadrail.now(), done_at = leadrail.now(), error = null
    where h.task = 'ended_runs';
end
$$;

-- Drops the oldest day that nobody has to keep any more; its name, or null when there is none.
--
-- One day a transaction, because it locks the history for that long. Histories of runs that are not
-- in `ended_run` (dead letters, and whatever still lives) go back through the parent table, into the
-- default partition.
create function leadrail.drop_oldest_day() returns text language plpgsql
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

-- Forgets what was kept beyond its day and has ended since: its end is as long ago as a day may be.
create function leadrail.forget_kept_rows() returns void language plpgsql
as $$
declare
    v_edge timestamptz;
    v_floor uuid;
begin
    select leadrail.now() - r.history_for, leadrail.uuid_v7_floor(r.dropped_until) into v_edge, v_floor
    from leadrail.retention r
    where r.history_for is not null and r.dropped_until > '-infinity';
    if not found then
        return;
    end if;
    delete from leadrail.ended_run_default e where e.id < v_floor and e.changed_at < v_edge;
    delete from leadrail.history_default h
    where h.run_id < v_floor
      and not exists (select from leadrail.run r where r.id = h.run_id);
end
$$;

-- Writes down that a clean-up was done, or why not.
create function leadrail.note_housekeeping(p_task text, p_error text default null) returns void
language sql
as $$
    insert into leadrail.housekeeping as h (task, tried_at, done_at, error)
    values (p_task, leadrail.now(), case when p_error is null then leadrail.now() end, p_error)
    on conflict (task) do update
    set tried_at = excluded.tried_at, done_at = coalesce(excluded.done_at, h.done_at), error = excluded.error
$$;

-- What workers do every hour so that nothing grows for ever. Any number may call it at once: one
-- does it. A task that fails stops no other and says so in leadrail.housekeeping.
create or replace function leadrail.keep_house() returns void language plpgsql
as $$
begin
    if not pg_try_advisory_xact_lock(hashtext('leadrail.keep_house')) then
        return;
    end if;
    begin
        perform leadrail.make_history_partitions((leadrail.now() at time zone 'UTC')::date, 15);
        perform leadrail.note_housekeeping('partitions');
    exception when others then
        perform leadrail.note_housekeeping('partitions', sqlerrm);
    end;
    begin
        delete from leadrail.run_lock l
        where l.taken_at < leadrail.now() - interval '1 hour'
          and not exists (
                select from leadrail.workflow_run r
                where r.id = l.run_id and r.state not in ('completed', 'dead', 'cancelled')
          );
        delete from leadrail.run_gate g
        where not exists (
            select from leadrail.workflow_run r where r.id = g.run_id and r.state in ('running', 'waiting')
        );
        delete from leadrail.signal s
        where s.sent_at < leadrail.now() - interval '1 hour'
          and not exists (select from leadrail.workflow_run r where r.id = s.run_id);
        perform leadrail.note_housekeeping('locks_and_gates');
    exception when others then
        perform leadrail.note_housekeeping('locks_and_gates', sqlerrm);
    end;
    begin
        perform leadrail.forget_kept_rows();
        perform leadrail.note_housekeeping('kept_rows');
    exception when others then
        perform leadrail.note_housekeeping('kept_rows', sqlerrm);
    end;
end
$$;

-- The state of a run that has left the hot table. A function of its own, so that its plan names one
-- partition and enqueueing does not lock them all.
create function leadrail.ended_state(p_run uuid) returns leadrail.run_state language plpgsql stable
as $$
begin
    return (select e.state from leadrail.ended_run e where e.id = p_run);
end
$$;

-- As before, and a repeat of a run that has left the hot table is answered with its true state.
create or replace function leadrail.enqueue_runs(
    p_ids uuid[], p_workflows text[], p_scopes text[], p_keys text[], p_fingerprints text[],
    p_lanes text[], p_priorities smallint[], p_delays_ms bigint[], p_inputs text[]
) returns table (ord bigint, run_id uuid, outcome text, state leadrail.run_state, fingerprint text)
language plpgsql
as $$
#variable_conflict use_column
declare
    v_now timestamptz := leadrail.now();
begin
    -- The unique index decides, not a look before: parallel callers wait for each other here.
    -- In key order, so that two batches with the same keys cannot deadlock.
    insert into leadrail.run_key (key, scope, run_id, fingerprint, created_at)
    select distinct on (i.key, i.scope) i.key, i.scope, i.id, i.fingerprint, v_now
    from unnest(p_ids, p_scopes, p_keys, p_fingerprints) with ordinality
        as i (id, scope, key, fingerprint, ord)
    where i.key is not null
    order by i.key, i.scope, i.ord
    on conflict do nothing;

    insert into leadrail.workflow_run
        (id, due_at, changed_at, created_at, priority, workflow, scope, key, lane, input)
    select i.id, v_now + i.delay_ms * interval '1 millisecond', v_now, v_now,
           i.priority, i.workflow, i.scope, i.key, i.lane, i.input::json
    from unnest(p_ids, p_workflows, p_scopes, p_keys, p_lanes, p_priorities, p_delays_ms, p_inputs)
        as i (id, workflow, scope, key, lane, priority, delay_ms, input)
    left join leadrail.run_key k on k.key = i.key and k.scope = i.scope
    where i.key is null or k.run_id = i.id;

    return query
    select i.ord, coalesce(k.run_id, i.id),
           case
               when i.key is null or k.run_id = i.id then 'created'
               when k.fingerprint = i.fingerprint then 'duplicate'
               else 'conflict'
           end,
           -- A run whose day was dropped had ended.
           coalesce(r.state, leadrail.ended_state(k.run_id), 'completed'::leadrail.run_state),
           k.fingerprint
    from unnest(p_ids, p_scopes, p_keys, p_fingerprints) with ordinality
        as i (id, scope, key, fingerprint, ord)
    left join leadrail.run_key k on k.key = i.key and k.scope = i.scope
    left join leadrail.workflow_run r on r.id = coalesce(k.run_id, i.id)
    order by i.ord;
end
$$;
