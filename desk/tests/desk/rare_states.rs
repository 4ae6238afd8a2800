//! Leads in a state that few of many are in.

use crate::kit::Room;
use leadrail_desk::LeadFilter;
use leadrail_engine::RunState;

#[tokio::test]
async fn a_rare_state_fills_the_first_page_whatever_stands_before_it() {
    let room = Room::open().await;
    let rare = room.queued(3).await;
    room.sql(
        "update leadrail.workflow_run set state = 'running', due_at = null, starts = 1;
         update leadrail.workflow_run set state = 'retrying', due_at = leadrail.now() + interval '1 hour';
         with made as (
             insert into leadrail.workflow_run
                 (id, state, due_at, workflow, scope, key, lane, priority, input)
             select leadrail.uuid_v7_floor(leadrail.now() + n * interval '1 millisecond'), 'queued',
                    leadrail.now(), 'push_lead', 'acme', gen_random_uuid()::text, 'acme/-', 5, '{}'
             from generate_series(1, 5000) n
             returning id, key
         )
         insert into leadrail.lead (run_id, account, event, event_id, received_at)
         select id, 'acme', 'qualified', key::uuid, leadrail.now() from made",
    )
    .await;
    for account in [None, Some("acme".to_owned())] {
        let filter = LeadFilter {
            state: Some(RunState::Retrying),
            account,
            ..LeadFilter::default()
        };
        let page = room.desk.leads(&filter, None, 10).await.expect("a page");
        let mut found: Vec<_> = page.leads.iter().map(|lead| lead.run_id).collect();
        found.reverse();
        assert_eq!((found, page.next), (rare.clone(), None));
    }
}
