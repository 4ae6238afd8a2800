-- The second wall between tenants: what a session sees and may do that works for one of them.
--
-- A session says for whom it works, for each transaction: `set local leadrail.sees = 'scope:NAME'`, or
-- 'all'. A role that could write the heads of runs by itself needs no wall and says nothing: workers, the
-- command line, whoever owns the tables. Every other role that says nothing sees nothing.
--
-- The engine's tables have no policies: they are hot, and a policy costs each statement of the owner, too.
-- Who is behind the wall is not granted the tables. It reads views that have the wall in them, and changes by
-- functions that look whether it may. Such functions run as their owner, so they go by what the session
-- said, whoever it is.

-- Whether a session sees everybody's rows: it said so, or said nothing and may do as it likes.
create or replace function leadrail.sees_all() returns boolean
language sql stable parallel safe
return coalesce(
    nullif(current_setting('leadrail.sees', true), '') = 'all',
    has_table_privilege('leadrail.workflow_run'::regclass, 'update')
);

-- The one tenant that a session works for; null if it works for all or said nothing.
create or replace function leadrail.seen_scope() returns text
language sql stable parallel safe
return case
    when starts_with(current_setting('leadrail.sees', true), 'scope:')
        then substr(current_setting('leadrail.sees', true), 7)
end;

-- Whether a session said that it works for all, or for the tenant of this run. A function of its own, so
-- that its plan names one partition.
create or replace function leadrail.sees_run(p_run uuid) returns boolean language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(current_setting('leadrail.sees', true) = 'all', false)
        or exists (
            select from leadrail.workflow_run r where r.id = p_run and r.scope = leadrail.seen_scope()
        )
        or exists (
            select from leadrail.ended_run e where e.id = p_run and e.scope = leadrail.seen_scope()
        );
end
$$;

-- Every run that is kept, live or ended.
create or replace view leadrail.seen_run as
    select r.id, r.state, r.due_at, r.worker_id, r.starts, r.attempt, r.changed_at, r.activity, r.reason,
           r.priority, r.workflow, r.scope, r.key, r.lane, r.created_at, r.input, r.parent_id
    from leadrail.run r
    where (select leadrail.sees_all()) or r.scope = (select leadrail.seen_scope());
comment on view leadrail.seen_run is 'leadrail.run, as far as this session sees it.';

-- Those of the hot table.
create or replace view leadrail.seen_live_run as
    select r.id, r.state, r.due_at, r.asleep, r.starts, r.priority, r.workflow, r.scope, r.lane
    from leadrail.workflow_run r
    where (select leadrail.sees_all()) or r.scope = (select leadrail.seen_scope());
comment on view leadrail.seen_live_run is 'leadrail.workflow_run, as far as this session sees it, without what is large.';

create or replace view leadrail.seen_run_key as
    select k.key, k.scope, k.run_id
    from leadrail.run_key k
    where (select leadrail.sees_all()) or k.scope = (select leadrail.seen_scope());
comment on view leadrail.seen_run_key is 'leadrail.run_key, as far as this session sees it.';

create or replace view leadrail.seen_history as
    select h.run_id, h.seq, h.at, h.kind, h.attempt, h.activity, h.payload
    from leadrail.history h
    where (select leadrail.sees_all()) or leadrail.sees_run(h.run_id);
comment on view leadrail.seen_history is 'leadrail.history, as far as this session sees its runs.';

create or replace view leadrail.seen_dead_letter as
    select d.run_id, d.scope, d.discarded_at
    from leadrail.dead_letter d
    where (select leadrail.sees_all()) or d.scope = (select leadrail.seen_scope());
comment on view leadrail.seen_dead_letter is 'leadrail.dead_letter, as far as this session sees it.';

-- Whoever stands at a gate lives, so the hot table has it.
create or replace view leadrail.seen_run_gate as
    select g.run_id, g.gate
    from leadrail.run_gate g
    where (select leadrail.sees_all()) or exists (
        select from leadrail.workflow_run r where r.id = g.run_id and r.scope = (select leadrail.seen_scope())
    );
comment on view leadrail.seen_run_gate is 'leadrail.run_gate, as far as this session sees its runs.';

create or replace view leadrail.seen_signal as
    select s.run_id, s.key, s.payload, s.taken_at
    from leadrail.signal s
    where (select leadrail.sees_all()) or leadrail.sees_run(s.run_id);
comment on view leadrail.seen_signal is 'leadrail.signal, as far as this session sees its runs.';

-- A lane has no tenant, but a name that begins with one. Where tenants' names hold slashes, the lanes of
-- `a/b` are also seen by `a`: a name, and whether it is stopped or limited.
create or replace view leadrail.seen_lane as
    select l.name, l.paused_at, l.held_until, l.budget_left, l.budget_until,
           l.max_running is not null or l.gap is not null as is_limited
    from leadrail.lane l
    where (select leadrail.sees_all()) or starts_with(l.name, (select leadrail.seen_scope()) || '/');
comment on view leadrail.seen_lane is 'leadrail.lane, as far as this session sees it.';

-- Where runs stand in time, whoever's they are, so that whoever pages through a few of his own among many
-- stops after so many of all: a bound behind the wall would be counted in his own. Of others there is
-- the id, and that is a time; what they are is told only to who sees them.
create or replace view leadrail.live_run_place as
    select r.id, s.seen, case when s.seen then r.state end as state, case when s.seen then r.workflow end as workflow,
           case when s.seen then r.scope end as scope
    from leadrail.workflow_run r
    cross join lateral (
        select (select leadrail.sees_all()) or coalesce(r.scope = (select leadrail.seen_scope()), false) as seen
    ) s;
comment on view leadrail.live_run_place is 'The ids of leadrail.workflow_run, and where this session sees the run what it is.';

create or replace view leadrail.dead_letter_place as
    select d.run_id, s.seen, case when s.seen then d.scope end as scope
    from leadrail.dead_letter d
    cross join lateral (
        select (select leadrail.sees_all()) or coalesce(d.scope = (select leadrail.seen_scope()), false) as seen
    ) s;
comment on view leadrail.dead_letter_place is 'The run ids of leadrail.dead_letter, and where this session sees it whose it is.';

create or replace view leadrail.run_gate_place as
    select g.run_id from leadrail.run_gate g;
comment on view leadrail.run_gate_place is 'The run ids of leadrail.run_gate.';

-- What the queue is counted by. There is nobody in it, so there is no wall in it.
create or replace view leadrail.queue_line as
    select r.priority, r.due_at, r.asleep from leadrail.workflow_run r;
comment on view leadrail.queue_line is 'When which priority of leadrail.workflow_run is due: to be counted, without whose.';

-- leadrail.cancel_run for who sees the run; to others there is none.
create or replace function leadrail.cancel_seen_run(p_run uuid, p_why text) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return case when leadrail.sees_run(p_run) then leadrail.cancel_run(p_run, p_why) else 'unknown' end;
end
$$;

-- leadrail.signal_run for who sees the run; to others there is none.
create or replace function leadrail.signal_seen_run(p_run uuid, p_name text, p_payload jsonb, p_key text) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return case
        when leadrail.sees_run(p_run) then leadrail.signal_run(p_run, p_name, p_payload, p_key) else 'unknown'
    end;
end
$$;

-- leadrail.open_gates for who sees every run that waits there; refused where somebody else's does.
create or replace function leadrail.open_seen_gates(p_gates text[], p_spacing_ms bigint) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    v_sees text := nullif(current_setting('leadrail.sees', true), '');
begin
    if v_sees is null or (v_sees <> 'all' and exists (
        select from leadrail.run_gate g
        join leadrail.workflow_run r on r.id = g.run_id
        where g.gate = any (p_gates) and r.scope is distinct from leadrail.seen_scope()
    )) then
        raise exception 'another tenant''s runs wait at this gate' using errcode = '42501';
    end if;
    return leadrail.open_gates(p_gates, p_spacing_ms);
end
$$;

-- Lets a role look from behind the wall, and do what is done from there.
create or replace function leadrail.grant_behind_wall(p_role text) returns void language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    execute format('grant usage on schema leadrail to %I', p_role);
    execute format(
        'grant select on leadrail.seen_run, leadrail.seen_live_run, leadrail.seen_run_key, leadrail.seen_history,
             leadrail.seen_dead_letter, leadrail.seen_run_gate, leadrail.seen_signal, leadrail.seen_lane,
             leadrail.live_run_place, leadrail.dead_letter_place, leadrail.run_gate_place, leadrail.queue_line, leadrail.clock, leadrail.worker, leadrail.function_file, leadrail.engine_migration
         to %I',
        p_role
    );
    execute format(
        'grant execute on function leadrail.sees_run(uuid), leadrail.cancel_seen_run(uuid, text),
             leadrail.signal_seen_run(uuid, text, jsonb, text), leadrail.open_seen_gates(text[], bigint)
         to %I',
        p_role
    );
end
$$;

-- Why the wall does not stand before this session's role; null if it does.
create or replace function leadrail.beyond_wall(p_role text default current_user) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return case
        when (select r.rolsuper from pg_roles r where r.rolname = p_role) then 'it is a superuser'
        when (select r.rolbypassrls from pg_roles r where r.rolname = p_role) then 'it may bypass row-level security'
        when pg_has_role(p_role, (select c.relowner from pg_class c where c.oid = 'leadrail.workflow_run'::regclass), 'member')
            then 'it owns the tables, or may take on the role that does'
        when has_table_privilege(p_role, 'leadrail.workflow_run', 'select, insert, update, delete, truncate')
            then 'it was granted the engine''s tables'
    end;
end
$$;

revoke execute on function leadrail.sees_run(uuid), leadrail.cancel_seen_run(uuid, text),
    leadrail.signal_seen_run(uuid, text, jsonb, text), leadrail.open_seen_gates(text[], bigint),
    leadrail.grant_behind_wall(text) from public;

comment on function leadrail.sees_all() is 'Whether this session sees every tenant''s rows.';
comment on function leadrail.seen_scope() is 'The one tenant that this session works for; null if it works for all, or did not say.';
comment on function leadrail.sees_run(uuid) is 'Whether this session said that it works for all, or for the tenant of this run.';
comment on function leadrail.cancel_seen_run(uuid, text) is 'leadrail.cancel_run from behind the wall.';
comment on function leadrail.signal_seen_run(uuid, text, jsonb, text) is 'leadrail.signal_run from behind the wall.';
comment on function leadrail.open_seen_gates(text[], bigint) is 'leadrail.open_gates from behind the wall.';
comment on function leadrail.grant_behind_wall(text) is 'Lets a role look from behind the wall, and do what is done from there.';
comment on function leadrail.beyond_wall(text) is 'Why the wall does not stand before a role; null if it does.';
