-- Hands one lead over inside your own transaction, in the database that Leadrail is in: the call and its
-- lead are committed together, or neither is.
begin;
insert into finished_call (id, ended_at) values ('call_abc123', now());
select leadrail.enqueue_lead(:'lead'::jsonb) as run_id;
-- What could not be taken as it was given; the lead is filed without it.
select * from leadrail.lead_warnings(:'lead'::jsonb);
commit;
