-- Leads $1 up to $2 of $3, spread evenly over the last $4 days: as their doors and their runs' ends left
-- them, but for one in a thousand that is dead and one that waits.
with made as materialized (
    select n, born,
           (
               lpad(to_hex((extract(epoch from born) * 1000)::bigint), 12, '0') || '7'
               || lpad(to_hex(n % 4096), 3, '0') || '8' || lpad(to_hex(n), 15, '0')
           )::uuid as id,
           (lpad(to_hex(n), 8, '0') || '-0000-4000-8000-000000000000')::uuid as event_id,
           case
               when n % greatest($3 / 60, 1) = 0 then 'small'
               when n % 10 < 3 then 'big'
               else 'account-' || n * 7919 % 10000
           end as account,
           case when n % 5 = 0 then 'jobber' else 'housecall_pro' end as crm
    from (
        select n, leadrail.now() - $4 * interval '1 day' * (1 - n::float8 / $3) as born
        from generate_series($1, $2 - 1) n
    ) s
), keyed as (
    insert into leadrail.run_key (key, scope, run_id, fingerprint, created_at)
    select event_id::text, account, id, '', born
    from made
), rows as (
    insert into leadrail.lead
        (run_id, account, crm, crm_account_id, connection_id, event, event_id, phone_hash, received_at)
    select m.id, m.account, m.crm, null,
           -- One in ten came before its connection.
           case when n % 10 < 9 then md5(m.account)::uuid end, 'qualified', m.event_id,
           leadrail.keyed_phone_hash(k.key, '+1305' || lpad((n * 7919 % 2000000)::text, 7, '0')), m.born
    from made m
    cross join leadrail.phone_key k
), letters as (
    insert into leadrail.dead_letter (run_id, priority, workflow, scope, lane, reason, died_at)
    select id, 3, 'push_lead', account, account || '/' || crm, 'http_400', born
    from made
    where n % 1000 = 500
), gates as (
    insert into leadrail.run_gate (run_id, gate)
    select id, 'connection:' || md5(account)::uuid
    from made
    where n % 1000 = 501
), live as (
    insert into leadrail.workflow_run
        (id, state, starts, changed_at, priority, workflow, scope, key, lane, created_at, input)
    select id, (case n % 1000 when 500 then 'dead' else 'waiting' end)::leadrail.run_state, 1, born, 3,
           'push_lead', account, event_id::text, account || '/' || crm, born, '{}'
    from made
    where n % 1000 in (500, 501)
)
insert into leadrail.ended_run
    (id, state, starts, changed_at, priority, workflow, scope, key, lane, created_at, input)
select id, 'completed', 1, born, 3, 'push_lead', account, event_id::text, account || '/' || crm, born, '{}'
from made
where n % 1000 not in (500, 501)
