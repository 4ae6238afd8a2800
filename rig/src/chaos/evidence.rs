//! What is read when all is calm: the CRM's own books, the runs, what their histories show, the logs.

use super::chronicle::Chronicle;
use super::clocks;
use super::figures;
use super::member;
use super::outages::refused_writes;
use super::sender::Sender;
use super::stage::Stage;
use super::takeover::Loss;
use super::traces::{self, Marks, StaleWrites, Standing};
use crate::Books;
use chrono::{DateTime, Utc};
use leadrail_adapters::StepKey;
use leadrail_engine::{Check, RunState};
use leadrail_lead::{EventId, Marker};
use std::collections::{BTreeMap, HashMap};

/// More examples than this help nobody.
const EXAMPLES: usize = 5;

/// What a person may want to look at.
#[derive(Default)]
pub(super) struct Evidence {
    /// Leads by state, and dead ones by reason.
    pub(super) states: HashMap<RunState, u64>,
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
    pub(super) marks: Marks,
    /// Invariants that do not hold.
    pub(super) broken: Vec<Check>,
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
            stale: traces::stale_writes(pool).await?,
            losses: traces::losses(pool).await?,
            fenced_workers: fenced_workers(stage),
            fenced_writes,
            wrong_clocks: wrong_clocks(stage, chronicle.now()),
            completed_while_deaf: traces::completed_in(pool, deaf.as_slice()).await?,
            completed_while_rolling: traces::completed_in(pool, &rounds).await?,
            marks: Marks::read(pool).await?,
            broken: checks.into_iter().filter(|check| !check.ok).collect(),
            ..Self::default()
        };
        // The books last: what has completed by then must stand in them.
        let standings = traces::standings(pool).await?;
        evidence.compare(sender, standings, Books::of(&stage.rig.records()));
        Ok(evidence)
    }

    /// Every accepted lead against its run and against the CRM's books.
    fn compare(
        &mut self,
        sender: &Sender<'_>,
        mut standings: HashMap<String, Standing>,
        mut books: Books,
    ) {
        self.doubled = books.surplus();
        for lead in sender.leads() {
            let event_id = lead["event_id"].as_str().unwrap_or_default();
            let filed = event_id.parse::<EventId>().ok().and_then(|id| {
                let marker = Marker::new(id, StepKey::LEAD_CREATE.label()).to_string();
                books.leads.remove(&marker)
            });
            let Some(standing) = standings.remove(event_id) else {
                self.without_run += 1;
                continue;
            };
            self.judge(&standing, filed.unwrap_or_default());
        }
        self.unsent = standings.len() as u64;
        self.strangers = books.leads.len() as u64;
    }

    /// One lead that has a run, and how often it is in the CRM.
    fn judge(&mut self, standing: &Standing, filed: u64) {
        let Standing { run, state, .. } = standing;
        *self.states.entry(*state).or_default() += 1;
        if *state == RunState::Dead {
            self.note_death(standing);
        }
        if *state == RunState::Completed && filed == 0 {
            self.not_filed += 1;
            self.example(|| format!("run {run} ({state}) is not in the CRM"));
        }
        if filed > 1 {
            self.example(|| format!("run {run} ({state}) is in the CRM twice"));
        }
    }

    fn note_death(&mut self, standing: &Standing) {
        let reason = standing.reason.clone().unwrap_or_default();
        if !figures::is_expected_death(&reason) {
            let words = standing.last_words.as_deref().unwrap_or("no word");
            self.example(|| format!("run {} died: {reason}: {words}", standing.run));
        }
        *self.dead.entry(reason).or_default() += 1;
    }

    fn example(&mut self, tell: impl FnOnce() -> String) {
        if self.examples.len() < EXAMPLES {
            self.examples.push(tell());
        }
    }
}

/// Workers that found out that they were taken over, by their own logs.
fn fenced_workers(stage: &Stage) -> u64 {
    let logs = member::logs(&stage.rig);
    let found_out = logs.map(|(_, log)| log.matches("This worker was taken over").count() as u64);
    found_out.sum()
}

/// Workers whose clock was wrong, by their own logs, and by how many hours.
fn wrong_clocks(stage: &Stage, now: DateTime<Utc>) -> BTreeMap<String, i64> {
    let logs = member::logs(&stage.rig);
    let off = logs.map(|(name, log)| (name, clocks::hours_off(&log, now)));
    off.filter(|(_, hours)| *hours != 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn judged(state: RunState, reason: Option<&str>, filed: u64) -> Evidence {
        let mut evidence = Evidence::default();
        let standing = Standing {
            run: Uuid::nil(),
            state,
            reason: reason.map(str::to_owned),
            last_words: Some("words".to_owned()),
        };
        evidence.judge(&standing, filed);
        evidence
    }

    #[test]
    fn a_completed_lead_must_be_in_the_crm() {
        let filed = judged(RunState::Completed, None, 1);
        assert_eq!((filed.not_filed, filed.examples.len()), (0, 0));
        let missing = judged(RunState::Completed, None, 0);
        assert_eq!((missing.not_filed, missing.examples.len()), (1, 1));
        let under_way = judged(RunState::Retrying, None, 0);
        assert_eq!((under_way.not_filed, under_way.examples.len()), (0, 0));
    }

    #[test]
    fn a_lead_that_is_in_the_crm_twice_is_an_example_however_it_ended() {
        for state in [RunState::Completed, RunState::Dead, RunState::Retrying] {
            let twice = judged(state, Some("http_422"), 2);
            assert!(twice.examples[0].ends_with("is in the CRM twice"));
        }
    }

    #[test]
    fn a_death_that_nobody_caused_is_an_example_and_a_planned_one_is_none() {
        let planned = judged(RunState::Dead, Some("http_422"), 0);
        assert!(planned.examples.is_empty());
        assert_eq!(planned.dead["http_422"], 1);
        let strange = judged(RunState::Dead, Some("poison"), 0);
        assert!(strange.examples[0].ends_with("died: poison: words"));
        assert_eq!(strange.states[&RunState::Dead], 1);
    }
}
