//! The database and the program agree about what a run may do.

use crate::kit::Bench;
use leadrail_engine::RunState;

#[tokio::test(flavor = "multi_thread")]
async fn sql_and_rust_have_the_same_table_of_moves() {
    let bench = Bench::new().await;
    for was in RunState::ALL {
        for becomes in RunState::ALL {
            let legal: bool = sqlx::query_scalar("select leadrail.may_become($1, $2)")
                .bind(was)
                .bind(becomes)
                .fetch_one(bench.engine.pool())
                .await
                .unwrap();
            assert_eq!(legal, was.may_become(becomes), "{was} -> {becomes}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_refuses_an_illegal_move() {
    let bench = Bench::new().await;
    let run = bench.enqueue(&["a"]).await;
    let refused = sqlx::query(
        "update leadrail.workflow_run set state = 'completed', due_at = null where id = $1",
    )
    .bind(run)
    .execute(bench.engine.pool())
    .await
    .unwrap_err();
    let code = refused
        .as_database_error()
        .and_then(|error| error.code().map(std::borrow::Cow::into_owned));
    assert_eq!(code.as_deref(), Some("LR001"));
    bench.until(run, RunState::Queued).await;
}
