-- How long the audit log is kept.

-- Takes away what is older than leadrail.audit_retention says, 10,000 rows at most. Numbers grow with time, so the
-- oldest are looked at and no others.
create or replace function leadrail.forget_old_audit() returns void language sql
set search_path = pg_catalog, pg_temp
as $$
    delete from leadrail.audit a
    where a.id in (select o.id from leadrail.audit o order by o.id limit 10000)
      and a.at < (select leadrail.now() - r.kept_for from leadrail.audit_retention r)
$$;

comment on function leadrail.forget_old_audit() is 'Takes away what is older in the audit log than it is kept; a task of leadrail.house_task.';
