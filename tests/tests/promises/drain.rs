//! A shutdown in order: nothing is left for anyone to wait for.

use crate::PROGRAM;
use leadrail_tests::{Stage, sample_lead, wait_for};
use serde_json::json;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_drained_worker_leaves_nothing_to_wait_for() {
    let stage = Stage::new(PROGRAM).await;
    stage.sim_post("latency", json!({ "ms": 200 })).await;
    let leads: Vec<_> = (0..60).map(sample_lead).collect();
    stage.push(&leads);
    let first = stage.worker("first", &[]);
    wait_for("some progress", Duration::from_secs(20), || async {
        (stage.count(&["completed"]).await >= 5).then_some(())
    })
    .await;
    first.terminate();
    let ended = first.wait().await.expect("it ends");
    assert!(ended.success(), "it drains and ends well");
    assert_eq!(
        stage.count(&["running"]).await,
        0,
        "nothing waits for a lease to end"
    );
    let _second = stage.worker("second", &[]);
    stage.until_completed(60, Duration::from_secs(60)).await;
    let books = stage.books().await;
    assert_eq!((books.leads(), books.surplus()), (60, 0));
}
