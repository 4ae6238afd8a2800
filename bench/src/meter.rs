//! What a stretch of work cost: time, commits, WAL, processor time of both sides.

use leadrail_engine::Engine;
use sqlx::PgPool;
use std::time::{Duration, Instant};

/// The kernel's unit of processor time in `/proc/PID/stat`: 100 a second on Linux.
const TICKS_A_SECOND: f64 = 100.0;

/// What one stretch of work cost, all of it, not per workflow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) seconds: f64,
    pub(crate) commits: f64,
    pub(crate) wal_bytes: f64,
    pub(crate) client_cpu_us: f64,
    pub(crate) server_cpu_us: f64,
}

/// A running measurement.
pub(crate) struct Meter {
    start: Instant,
    commits: i64,
    wal: i64,
    client: f64,
    server: f64,
}

impl Meter {
    pub(crate) async fn start(pool: &PgPool) -> sqlx::Result<Self> {
        // Statistics of the database lag by up to a second.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        let (commits, wal) = counters(pool).await?;
        Ok(Self {
            start: Instant::now(),
            commits,
            wal,
            client: own_cpu_us(),
            server: postgres_cpu_us(),
        })
    }

    pub(crate) async fn stop(self, pool: &PgPool) -> sqlx::Result<Cost> {
        let seconds = self.start.elapsed().as_secs_f64();
        let (client, server) = (own_cpu_us(), postgres_cpu_us());
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        let (commits, wal) = counters(pool).await?;
        #[allow(clippy::cast_precision_loss)]
        Ok(Cost {
            seconds,
            commits: (commits - self.commits) as f64,
            wal_bytes: (wal - self.wal) as f64,
            client_cpu_us: client - self.client,
            server_cpu_us: server - self.server,
        })
    }
}

async fn counters(pool: &PgPool) -> sqlx::Result<(i64, i64)> {
    sqlx::query_as(
        "select (select sum(xact_commit)::bigint from pg_stat_database where datname = current_database()),
                pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint",
    )
    .fetch_one(pool)
    .await
}

/// Processor time of this process so far.
fn own_cpu_us() -> f64 {
    cpu_us_of("/proc/self/stat").unwrap_or(0.0)
}

/// Processor time of all PostgreSQL processes of this machine so far; those that ended meanwhile
/// have passed theirs on to their parent.
fn postgres_cpu_us() -> f64 {
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return 0.0;
    };
    processes
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            std::fs::read_to_string(path.join("comm")).is_ok_and(|name| name.trim() == "postgres")
        })
        .filter_map(|path| cpu_us_of(&path.join("stat").to_string_lossy()))
        .sum()
}

/// Processor time of a process so far; none for one that is not there.
pub(crate) fn cpu_us_of_process(process: u32) -> f64 {
    cpu_us_of(&format!("/proc/{process}/stat")).unwrap_or(0.0)
}

fn cpu_us_of(stat: &str) -> Option<f64> {
    let text = std::fs::read_to_string(stat).ok()?;
    let fields: Vec<&str> = text.rsplit(") ").next()?.split(' ').collect();
    // proc(5): utime and stime are fields 14 and 15; the text starts at field 3.
    let ticks = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    Some(ticks / TICKS_A_SECOND * 1e6)
}

/// Resident memory of this process in MiB.
pub(crate) fn own_rss_mib() -> f64 {
    rss_mib_of(std::process::id())
}

/// Resident memory of a process in MiB.
pub(crate) fn rss_mib_of(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}

/// Empties the engine's tables.
pub(crate) async fn empty(engine: &Engine) -> sqlx::Result<()> {
    sqlx::query(
        "truncate leadrail.workflow_run, leadrail.history, leadrail.run_key, leadrail.dead_letter,
                  leadrail.run_gate, leadrail.run_lock, leadrail.worker, leadrail.ended_run, leadrail.suspect_run,
                  leadrail.signal, leadrail.lane, leadrail.lane_slot",
    )
    .execute(engine.pool())
    .await
    .map(drop)
}

/// Empties the product's tables, which must be there.
pub(crate) async fn empty_leads(pool: &PgPool) -> sqlx::Result<()> {
    // What hangs on a connection goes with it.
    sqlx::query("truncate leadrail.lead, leadrail.link, leadrail.connection cascade")
        .execute(pool)
        .await
        .map(drop)
}

/// The workflows of these benchmarks.
const OURS: [&str; 4] = ["four_steps", "one_step", "telling", "timed"];

/// Refuses a database that holds runs of anything but these benchmarks, leads or accounts' connections:
/// they would be lost.
///
/// # Errors
/// When it does, or cannot be read.
pub async fn refuse_if_in_use(url: &str) -> anyhow::Result<()> {
    let engine = Engine::connect(url).await?;
    engine.migrate().await?;
    let foreign: bool =
        sqlx::query_scalar("select exists (select from leadrail.run where workflow <> all ($1))")
            .bind(OURS)
            .fetch_one(engine.pool())
            .await?;
    anyhow::ensure!(
        !foreign && !holds_the_products(engine.pool()).await?,
        "this database holds runs, leads or connections that are not the benchmark's, and the benchmark empties its tables; give it a database of its own"
    );
    Ok(())
}

/// Whether there is a lead or a connection. A database of the engine alone has no such tables.
async fn holds_the_products(pool: &PgPool) -> sqlx::Result<bool> {
    let tables = [
        ("leadrail.lead", "select exists (select from leadrail.lead)"),
        (
            "leadrail.connection",
            "select exists (select from leadrail.connection)",
        ),
    ];
    for (table, any) in tables {
        let is_there = sqlx::query_scalar("select to_regclass($1) is not null").bind(table);
        if is_there.fetch_one(pool).await? && sqlx::query_scalar(any).fetch_one(pool).await? {
            return Ok(true);
        }
    }
    Ok(false)
}
