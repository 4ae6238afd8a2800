//! Takes the fence down, for the control that must notice: writes of workers that were taken over
//! are applied.
//!
//! The fence has layers, and each would hide that another is gone: the worker's row, the run's
//! holder, the number of the line in the history, and the renewal that tells a worker of its fate.

use anyhow::Context as _;
use sqlx::{AssertSqlSafe, PgPool};

/// What is looked for in a function, and what stands there instead.
type Change = (&'static str, &'static str);

const JOURNAL: &[Change] = &[
    ("if not found then", "if false then"),
    ("and r.worker_id is not distinct from t.holder", ""),
    ("if v_count <> cardinality(t_run) then", "if false then"),
    (
        "select h.run_id, h.seq, v_now",
        "select h.run_id, leadrail.next_seq(h.run_id) - 1
             + (row_number() over (partition by h.run_id order by h.seq))::integer, v_now",
    ),
];

const RENEWAL: &[Change] = &[("return false;", "return true;")];

/// Rewrites the functions in this database only.
pub(super) async fn take_down(pool: &PgPool) -> anyhow::Result<()> {
    rewrite(pool, "journal", JOURNAL).await?;
    rewrite(pool, "renew_worker", RENEWAL).await
}

/// Of two functions of one name it is the one with more arguments that workers call.
async fn rewrite(pool: &PgPool, function: &str, changes: &[Change]) -> anyhow::Result<()> {
    let mut definition = sqlx::query_scalar!(
        r#"
        select pg_get_functiondef(p.oid) as "definition!" from pg_proc p
        where p.proname = $1 and p.pronamespace = 'leadrail'::regnamespace
        order by p.pronargs desc limit 1
        "#,
        function as _
    )
    .fetch_one(pool)
    .await?;
    for (part, instead) in changes {
        anyhow::ensure!(
            definition.contains(part),
            "leadrail.{function} has no `{part}` any more, so the fence cannot be taken down"
        );
        definition = definition.replace(part, instead);
    }
    let rewritten = sqlx::raw_sql(AssertSqlSafe(definition)).execute(pool);
    rewritten
        .await
        .with_context(|| format!("leadrail.{function} cannot be rewritten"))?;
    Ok(())
}
