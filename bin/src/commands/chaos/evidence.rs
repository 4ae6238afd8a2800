//! What is read when all is calm: the CRM's own books, the runs, their histories, the logs.

use super::chronicle::{Chronicle, Outage};
use super::clocks;
use super::figures;
use super::member;
use super::outages::refused_writes;
use super::sender::Sender;
use super::stage::Stage;
use super::takeover::Loss;
use crate::commands::rig::books::Entries;
use chrono::{DateTime, Utc};
use leadrail_adapters::activity;
use leadrail_engine::Check;
use leadrail_lead::{EventId, Marker};
use sqlx::{PgPool, Row as _};
use std::collections::{BTreeMap, HashMap};

/// More examples than this help nobody.
const EXAMPLES: usize = 5;

/// What a person may want to look at.
pub(super) struct Evidence {
    /// Leads by state, and dead ones by reason.
    pub(super) states: BTreeMap<String, u64>,
    pub(super) dead: BTreeMap<String, u64>,
    /// Accepted leads without a run, and runs that nobody sent.
    pub(super) without_run: u64,
    pub(super) unsent: u64,
    /// Completed, and not in the CRM.
    pub(super) not_filed: u64,
    /// Beyond the first of each, in the CRM.
    pub(super) doubled: u64,
    /// Leads in the CRM that nobody sent.
    pub(super) strangers: u64,
    /// Runs of which something is in the CRM twice, or missing there, or that died of what nobody did to
    /// them.
    pub(super) examples: Vec<String>,
    pub(super) stale: StaleWrites,
    pub(super) losses: Vec<Loss>,
    pub(super) fenced_workers: u64,
    pub(super) fenced_writes: u64,
    /// Workers with a wrong clock, and by how many hours it was off.
    pub(super) wrong_clocks: BTreeMap<String, i64>,
    /// Leads that completed while no notification arrived.
    pub(super) completed_while_deaf: u64,
    /// Leads that completed while one worker after another was started anew.
    pub(super) completed_while_rolling: u64,
    /// Leads that completed with a step which a deploy has brought, and times that a build put a lead
    /// down whose history a later one had written.
    pub(super) later_builds: u64,
    pub(super) put_down: u64,
    /// Steps whose lost answer was found again in the CRM.
    pub(super) reconciled: u64,
    /// Times that a run was executed alone, because its workers had died before it got on.
    pub(super) isolated: u64,
    /// Second looks that were planned for later.
    pub(super) audits: u64,
    /// Invariants that do not hold.
    pub(super) broken: Vec<Check>,
}

/// Writes that only a worker without the run can have made, and that were applied.
#[derive(Default)]
pub(super) struct StaleWrites {
    /// Results of a step beyond the first.
    pub(super) second_results: u64,
    /// Ends of a run beyond the first.
    pub(super) second_ends: u64,
    /// Lines after a run's end.
    pub(super) after_end: u64,
    /// Lines between a takeover and the next claim.
    pub(super) by_nobody: u64,
}

/// Where a lead's run stands.
struct Standing {
    run: String,
    state: String,
    reason: Option<String>,
    /// What was said when it died.
    last_words: Option<String>,
}

impl Evidence {
    pub(super) async fn gather(
        stage: &Stage,
        sender: &Sender<'_>,
        chronicle: &Chronicle,
    ) -> anyhow::Result<Self> {
        let pool = stage.rig.engine.pool();
        // A crash takes the statistics along, and without them large questions take minutes.
        sqlx::raw_sql("analyze leadrail.workflow_run, leadrail.run_key, leadrail.history")
            .execute(pool)
            .await?;
        let checks = stage.rig.engine.check_invariants().await?;
        let fenced_writes = chronicle.events().fenced_writes + refused_writes(stage);
        let (deaf, rounds) = {
            let events = chronicle.events();
            (events.deaf, events.rounds.clone())
        };
        let mut evidence = Self {
            states: BTreeMap::new(),
            dead: BTreeMap::new(),
            without_run: 0,
            unsent: 0,
            not_filed: 0,
            doubled: 0,
            strangers: 0,
            examples: Vec::new(),
            stale: stale_writes(pool).await?,
            losses: losses(pool).await?,
            fenced_workers: fenced_workers(stage),
            fenced_writes,
            wrong_clocks: wrong_clocks(stage, chronicle.now()),
            completed_while_deaf: completed_in(pool, deaf.as_slice()).await?,
            completed_while_rolling: completed_in(pool, &rounds).await?,
            later_builds: count(pool, LATER_BUILDS).await?,
            put_down: count(pool, PUT_DOWN).await?,
            reconciled: count(pool, RECONCILED).await?,
            isolated: count(pool, ISOLATED).await?,
            audits: count(pool, AUDITS).await?,
            broken: checks.into_iter().filter(|check| !check.ok).collect(),
        };
        // The books last: what has completed by then must stand in them.
        let standings = standings(pool).await?;
        evidence.compare(sender, standings, Entries::of(&stage.rig.books()));
        Ok(evidence)
    }

    /// Every accepted lead against its run and against the CRM's books.
    fn compare(
        &mut self,
        sender: &Sender<'_>,
        mut standings: HashMap<String, Standing>,
        mut entries: Entries,
    ) {
        self.doubled = entries.surplus();
        for lead in sender.leads() {
            let event_id = lead["event_id"].as_str().unwrap_or_default();
            let filed = event_id.parse::<EventId>().ok().and_then(|id| {
                let marker = Marker::new(id, activity::LEAD_CREATE).to_string();
                entries.leads.remove(&marker)
            });
            let Some(standing) = standings.remove(event_id) else {
                self.without_run += 1;
                continue;
            };
            *self.states.entry(standing.state.clone()).or_default() += 1;
            if standing.state == "dead" {
                let reason = standing.reason.clone().unwrap_or_default();
                if !figures::is_expected_death(&reason) {
                    let words = standing.last_words.as_deref().unwrap_or("no word");
                    self.example(|| format!("run {} died: {reason}: {words}", standing.run));
                }
                *self.dead.entry(reason).or_default() += 1;
            }
            let missing = standing.state == "completed" && filed.is_none();
            self.not_filed += u64::from(missing);
            let twice = filed.is_some_and(|times| times > 1);
            if missing || twice {
                let what = if missing {
                    "is not in the CRM"
                } else {
                    "is in the CRM twice"
                };
                let Standing { run, state, .. } = standing;
                self.example(|| format!("run {run} ({state}) {what}"));
            }
        }
        self.unsent = standings.len() as u64;
        self.strangers = entries.leads.len() as u64;
    }

    fn example(&mut self, tell: impl FnOnce() -> String) {
        if self.examples.len() < EXAMPLES {
            self.examples.push(tell());
        }
    }
}

impl StaleWrites {
    pub(super) fn all(&self) -> u64 {
        self.second_results + self.second_ends + self.after_end + self.by_nobody
    }
}

const RECONCILED: &str = "select count(*) from leadrail.history
    where kind = 'activity_completed' and payload ->> 'source' = 'reconciled'";
const LATER_BUILDS: &str = "select count(distinct h.run_id) from leadrail.history h
    join leadrail.run r on r.id = h.run_id and r.state = 'completed'
    where h.kind = 'side_value' and starts_with(h.activity, 'version:')";
const PUT_DOWN: &str = "select count(*) from leadrail.history
    where kind = 'run_waiting' and payload ->> 'reason' = 'nondeterminism'";
const ISOLATED: &str = "select count(*) from leadrail.history where kind = 'run_isolated'";
const AUDITS: &str = "select count(*) from leadrail.run where workflow = 'audit_lead'";

async fn count(pool: &PgPool, query: &'static str) -> sqlx::Result<u64> {
    let counted: i64 = sqlx::query_scalar(query).fetch_one(pool).await?;
    Ok(u64::try_from(counted).unwrap_or_default())
}

/// How many leads completed in these times.
async fn completed_in(pool: &PgPool, times: &[Outage]) -> sqlx::Result<u64> {
    let mut completed = 0;
    for Outage { from, until } in times {
        let counted: i64 = sqlx::query_scalar(
            "select count(*) from leadrail.history
             where kind = 'run_completed' and at between $1 and $2",
        )
        .bind(from)
        .bind(until)
        .fetch_one(pool)
        .await?;
        completed += u64::try_from(counted).unwrap_or_default();
    }
    Ok(completed)
}

async fn standings(pool: &PgPool) -> sqlx::Result<HashMap<String, Standing>> {
    let rows = sqlx::query(
        "select key, id::text as run, state::text as state, reason, (
             select h.payload ->> 'message' from leadrail.history h
             where h.run_id = run.id and run.state = 'dead' and h.kind = 'run_dead'
             order by h.seq desc limit 1
         ) as last_words
         from leadrail.run where workflow = 'push_lead'",
    )
    .fetch_all(pool)
    .await?;
    let each = rows.into_iter().map(|row| {
        let standing = Standing {
            run: row.get("run"),
            state: row.get("state"),
            reason: row.get("reason"),
            last_words: row.get("last_words"),
        };
        (row.get("key"), standing)
    });
    Ok(each.collect())
}

/// Runs that were taken from a worker: by when, and when they were claimed again.
async fn losses(pool: &PgPool) -> sqlx::Result<Vec<Loss>> {
    let rows = sqlx::query(
        "select worker, at, again
         from (
             select h.kind, h.at, (h.payload ->> 'worker')::uuid as worker,
                    min(h.at) filter (where h.kind = 'run_started') over (
                        partition by h.run_id order by h.seq
                        rows between 1 following and unbounded following
                    ) as again
             from leadrail.history h
             where h.kind in ('run_lost', 'run_started')
         ) line
         where kind = 'run_lost'",
    )
    .fetch_all(pool)
    .await?;
    let each = rows.into_iter().map(|row| Loss {
        worker: row.get("worker"),
        taken: row.get("at"),
        again: row.get("again"),
    });
    Ok(each.collect())
}

/// A run belongs to nobody from the moment it was taken from its worker until it is claimed again.
async fn stale_writes(pool: &PgPool) -> sqlx::Result<StaleWrites> {
    let row = sqlx::query(
        "with line as (
             select run_id, seq, kind, activity,
                    count(*) filter (where kind in ('run_started', 'run_lost', 'run_released'))
                        over earlier as turn,
                    count(*) filter (where kind in ('run_completed', 'run_dead', 'run_cancelled'))
                        over earlier as ends
             from leadrail.history
             window earlier as (partition by run_id order by seq)
         ), held as (
             select line.*, first_value(kind) over (partition by run_id, turn order by seq) as since
             from line
         )
         select count(*) filter (where ends > 1 and kind in ('run_completed', 'run_dead', 'run_cancelled'))
                    as second_ends,
                count(*) filter (where ends > 0 and kind not in ('run_completed', 'run_dead', 'run_cancelled'))
                    as after_end,
                count(*) filter (where since = 'run_lost' and kind not in ('run_lost', 'run_released'))
                    as by_nobody,
                (
                    select coalesce(sum(results - 1), 0)::bigint
                    from (
                        select count(*) as results from line
                        where kind = 'activity_completed' group by run_id, activity
                    ) step
                ) as second_results
         from held",
    )
    .fetch_one(pool)
    .await?;
    let figure = |name: &str| u64::try_from(row.get::<i64, _>(name)).unwrap_or_default();
    Ok(StaleWrites {
        second_results: figure("second_results"),
        second_ends: figure("second_ends"),
        after_end: figure("after_end"),
        by_nobody: figure("by_nobody"),
    })
}

/// Workers that found out that they were taken over, by their own logs.
fn fenced_workers(stage: &Stage) -> u64 {
    let logs = member::logs(&stage.rig.folder);
    let found_out = logs.map(|(_, log)| log.matches("This worker was taken over").count() as u64);
    found_out.sum()
}

/// Workers whose clock was wrong, by their own logs, and by how many hours.
fn wrong_clocks(stage: &Stage, now: DateTime<Utc>) -> BTreeMap<String, i64> {
    let logs = member::logs(&stage.rig.folder);
    let off = logs.map(|(name, log)| (name, clocks::hours_off(&log, now)));
    off.filter(|(_, hours)| *hours != 0).collect()
}
