//! Throughput with several worker processes.
//!
//! The processes are children of this one and run the same program. Each gets the database's address
//! in its first line of input, where no list of processes shows it, and works until its input ends.

use crate::jobs::{Job, Tally, registry};
use crate::ours::{self, Worker};
use crate::round::settle;
use crate::{meter, verify};
use anyhow::Context as _;
use leadrail_engine::{Engine, NewRun};
use serde::Serialize;
use sqlx::PgPool;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};

/// How long processes may take to come up on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const LANE: &str = "bench";

/// How a worker process is started.
#[derive(Clone, Debug)]
pub struct WorkerProgram {
    /// The executable.
    pub path: PathBuf,
    /// What makes it call [`one_worker`].
    pub arguments: Vec<String>,
}

/// What so many processes did.
#[derive(Clone, Debug, Serialize)]
pub struct Workers {
    /// Worker processes.
    pub processes: usize,
    /// Workflows a second of all together.
    pub wf_s: f64,
    /// Memory of each worker process at the end.
    pub rss_mib: Vec<f64>,
}

/// Takes `workflows` runs to their end with so many worker processes, for each of these numbers;
/// `inflight` is of all of them together.
///
/// # Errors
/// When the database cannot be used, a process does not come up, or a run did not end as it should.
pub async fn workers(
    url: &str,
    program: &WorkerProgram,
    processes: &[usize],
    workflows: u64,
    inflight: usize,
    progress: impl Fn(&str),
) -> anyhow::Result<Vec<Workers>> {
    let engine = Engine::connect(url).await?;
    engine.migrate().await?;
    progress("warming up");
    ours::warm_up(&engine, workflows, inflight).await?;
    let mut measured = Vec::new();
    for &count in processes {
        progress(&format!("{count} processes"));
        prepare(&engine, workflows).await?;
        let share = (inflight / count.max(1)).max(1);
        let mut children = Vec::new();
        for _ in 0..count {
            children.push(start(program, url, share).await?);
        }
        until_registered(engine.pool(), count).await?;
        let took = release(&engine).await?;
        let pids = children.iter().filter_map(Child::id);
        let rss_mib = pids.map(meter::rss_mib_of).collect();
        for child in children {
            end(child).await?;
        }
        verify::all_whole(engine.pool(), Job::FourSteps, workflows).await?;
        measured.push(Workers {
            processes: count,
            wf_s: workflows as f64 / took.as_secs_f64(),
            rss_mib,
        });
    }
    Ok(measured)
}

/// Fills a lane that is paused, so that the workers can come up before there is anything to do.
async fn prepare(engine: &Engine, workflows: u64) -> anyhow::Result<()> {
    meter::empty(engine).await?;
    engine.pause_lane(LANE).await?;
    let run = NewRun {
        lane: LANE.to_owned(),
        ..Job::FourSteps.new_run()?
    };
    ours::enqueue_many(engine, &run, workflows).await?;
    Ok(settle(engine).await?)
}

async fn start(program: &WorkerProgram, url: &str, inflight: usize) -> anyhow::Result<Child> {
    let mut child = Command::new(&program.path)
        .args(&program.arguments)
        .args(["--inflight", &inflight.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("a worker process cannot be started")?;
    let input = child.stdin.as_mut().context("the process has no input")?;
    input.write_all(format!("{url}\n").as_bytes()).await?;
    Ok(child)
}

async fn until_registered(pool: &PgPool, count: usize) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let there: i64 = sqlx::query_scalar("select count(*) from leadrail.worker")
            .fetch_one(pool)
            .await?;
        if there >= i64::try_from(count)? {
            return Ok(());
        }
        anyhow::ensure!(
            Instant::now() < deadline,
            "{there} of {count} worker processes came up"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Frees the lane of any setting and waits until all its runs have ended. How long they took.
async fn release(engine: &Engine) -> anyhow::Result<Duration> {
    let start = Instant::now();
    sqlx::query("delete from leadrail.lane")
        .execute(engine.pool())
        .await?;
    engine.hint();
    // An index probe a time while runs are queued; the table is read only for the rest of them.
    while is_queued(engine.pool()).await? {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    ours::until_none_runs(engine.pool()).await?;
    Ok(start.elapsed())
}

async fn is_queued(pool: &PgPool) -> sqlx::Result<bool> {
    sqlx::query_scalar("select exists (select from leadrail.workflow_run where due_at is not null)")
        .fetch_one(pool)
        .await
}

/// Ends a process by the end of its input.
async fn end(mut child: Child) -> anyhow::Result<()> {
    drop(child.stdin.take());
    let ended = tokio::time::timeout(PATIENCE, child.wait()).await;
    let status = ended.context("a worker process did not drain")??;
    anyhow::ensure!(status.success(), "a worker process ended with {status}");
    Ok(())
}

/// Is such a process: works on the database whose address is the first line of input, until the
/// input ends.
///
/// # Errors
/// When there is no address, or no such database.
pub async fn one_worker(inflight: usize) -> anyhow::Result<()> {
    let mut input = BufReader::new(tokio::io::stdin());
    let mut url = String::new();
    input.read_line(&mut url).await?;
    let engine = Engine::connect(url.trim()).await?;
    // Counts down from a number that it never reaches.
    let worker = Worker::start(&engine, registry(Tally::of(u64::MAX)), inflight);
    input.read_to_end(&mut Vec::new()).await?;
    worker.stop().await
}
