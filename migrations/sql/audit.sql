-- What is in the audit log stays as it was written.

create or replace function leadrail.refuse_audit_change() returns trigger language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    raise exception 'the audit log is append-only' using errcode = 'LR403';
end
$$;

create or replace trigger audit_is_append_only before update or delete or truncate on leadrail.audit
    for each statement execute function leadrail.refuse_audit_change();

comment on function leadrail.refuse_audit_change() is 'Keeps rows of leadrail.audit as they were written.';
