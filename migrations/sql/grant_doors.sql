-- Who may hand over leads: all that a role needs for it, and nothing else.
--
-- The functions run with the rights of their owner, so the role reads no lead and writes no run past
-- their checks.
create or replace function leadrail.grant_doors(role text) returns void
language plpgsql
as $$
begin
    execute format('grant usage on schema leadrail to %I', role);
    execute format(
        'grant execute on function leadrail.enqueue_lead(jsonb), leadrail.lead_warnings(jsonb), leadrail.hint() to %I',
        role
    );
end
$$;

revoke execute on function leadrail.grant_doors(text) from public;

comment on function leadrail.grant_doors(text) is
    'Lets a role hand over leads by leadrail.enqueue_lead; `leadrail migrate --grant ROLE` calls it.';
