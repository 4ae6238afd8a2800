-- What is in the audit log stays as it was written, for as long as it is kept.

create or replace function leadrail.refuse_audit_change() returns trigger language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    raise exception 'the audit log is append-only' using errcode = 'LR403';
end
$$;

-- Lets a row go that is older than the log is kept, and no other.
create or replace function leadrail.refuse_audit_delete() returns trigger language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if old.at < (select leadrail.now() - r.kept_for from leadrail.audit_retention r) then
        return old;
    end if;
    raise exception 'the audit log is append-only' using errcode = 'LR403';
end
$$;

create or replace trigger audit_is_append_only before update or truncate on leadrail.audit
    for each statement execute function leadrail.refuse_audit_change();
create or replace trigger audit_is_kept before delete on leadrail.audit
    for each row execute function leadrail.refuse_audit_delete();

comment on function leadrail.refuse_audit_change() is 'Keeps rows of leadrail.audit as they were written.';
comment on function leadrail.refuse_audit_delete() is 'Keeps rows of leadrail.audit for as long as leadrail.audit_retention says.';
