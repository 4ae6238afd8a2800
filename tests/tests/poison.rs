//! A run that kills every worker is quarantined; those that were with it are not.

use leadrail_tests::{Process, Stage, sample_lead, wait_for};
use std::time::Duration;

const PROGRAM: &str = env!("CARGO_BIN_EXE_leadrail-under-test");
const INNOCENTS: u32 = 100;
/// Deaths that a killer may cost: three times in company, twice alone.
const DEATHS: u32 = 5;

#[tokio::test(flavor = "multi_thread")]
async fn a_killer_is_quarantined_after_five_deaths_and_no_bystander_with_it() {
    let stage = Stage::new(PROGRAM).await;
    let mut leads = vec![sample_lead(0)];
    leads.extend((1..=INNOCENTS).map(sample_lead));
    let killer = leads[0]["event_id"].as_str().expect("an id").to_owned();
    stage.push(&leads);

    let failpoint = format!("activity.before_run=kill:{killer}");
    let armed = [("LEADRAIL_FAILPOINT", failpoint.as_str())];
    let mut workers: Vec<Process> = (0..2)
        .map(|n| stage.worker(&format!("w{n}"), &armed))
        .collect();
    let mut deaths = 0;
    wait_for(
        "the quarantine and all innocents",
        Duration::from_secs(120),
        || {
            for (n, worker) in workers.iter_mut().enumerate() {
                if worker.has_ended() {
                    deaths += 1;
                    *worker = stage.worker(&format!("w{n}"), &armed);
                }
            }
            let stage = &stage;
            async move {
                let done = stage.count(&["completed"]).await == i64::from(INNOCENTS);
                (done && stage.count(&["dead"]).await == 1).then_some(())
            }
        },
    )
    .await;
    assert_eq!(deaths, DEATHS);
    let (key, reason): (String, String) =
        sqlx::query_as("select key, reason from leadrail.workflow_run where state = 'dead'")
            .fetch_one(&stage.pool)
            .await
            .expect("the dead letter");
    assert_eq!((key, reason.as_str()), (killer, "poison"));
    let books = stage.books().await;
    assert_eq!(books.leads(), u64::from(INNOCENTS));
}
