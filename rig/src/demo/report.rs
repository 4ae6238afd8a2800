//! What came of the demo.

use super::cast::{Cast, End, Role};
use super::comparison::Comparison;
use super::door::Repeats;
use super::follow::{Followed, Standing};
use super::stage::{Stage, schedule};
use leadrail_engine::{RunId, RunState};
use leadrail_lead::EventId;
use leadrail_workflows::{LeadTimeline, timeline};
use serde::Serialize;
use std::collections::HashMap;
use std::time::Instant;
use uuid::Uuid;

/// The sums, as `--json` prints them.
#[derive(Clone, Debug, Serialize)]
pub struct Sums {
    /// Leads that the API accepted.
    pub accepted: u64,
    /// Delivered, or recorded.
    pub completed: u64,
    /// In the dead-letter list.
    pub dead: u64,
    /// Not ended.
    pub waiting: u64,
    /// Leads of which a step was tried again.
    pub retried: u64,
    /// Leads whose worker died and that went on elsewhere.
    pub resumed: u64,
    /// Leads of which a lost answer was found again in the CRM.
    pub reconciled: u64,
    /// By the CRM's books: should be there and are not.
    pub lost: u64,
    /// By the CRM's books: leads and customers that are there more than once.
    pub duplicates_in_crm: u64,
    /// From the start to the end, in seconds.
    pub wall_s: f64,
}

/// A lead that met something, or did not go straight.
#[derive(Clone, Debug)]
pub struct TroubledLead {
    /// What it met, in a few words.
    pub story: &'static str,
    /// The id under which it was sent.
    pub event_id: EventId,
    /// Whose lead it is.
    pub account: String,
    /// Its way; `None` if its run is gone.
    pub way: Option<LeadTimeline>,
    /// Its state in the end and, unless it completed, the reason.
    pub end: String,
}

/// What came of the leads.
#[derive(Clone, Debug)]
pub struct DemoReport {
    /// How many had which fate.
    pub sums: Sums,
    /// Leads that did not go straight, in the order in which they were sent.
    pub troubled: Vec<TroubledLead>,
    /// What is not as it should be, a sentence each.
    pub faults: Vec<String>,
}

/// What kinds of things happened to a run.
#[derive(Clone, Copy, Default)]
struct Turns {
    eventful: bool,
    retried: bool,
    resumed: bool,
    reconciled: bool,
}

impl DemoReport {
    pub(super) async fn new(
        stage: &Stage,
        cast: &Cast,
        followed: &Followed,
        books: Comparison,
        repeats: Repeats,
        began: Instant,
    ) -> anyhow::Result<Self> {
        let turns = turns(stage, &followed.runs()).await?;
        let count =
            |which: fn(&Turns) -> bool| turns.values().filter(|&turn| which(turn)).count() as u64;
        let sums = Sums {
            accepted: followed.count(|_| true),
            completed: followed.count(|state| state == RunState::Completed),
            dead: followed.count(|state| state == RunState::Dead),
            waiting: followed.count(|state| !state.is_terminal()),
            retried: count(|turn| turn.retried),
            resumed: count(|turn| turn.resumed),
            reconciled: count(|turn| turn.reconciled),
            lost: books.lost,
            duplicates_in_crm: books.duplicates,
            wall_s: (began.elapsed().as_secs_f64() * 10.0).round() / 10.0,
        };
        Ok(Self {
            troubled: troubled(stage, cast, followed, &turns).await?,
            faults: faults(cast, followed, &sums, &books, &repeats),
            sums,
        })
    }

    /// Whether every lead ended where it should.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.faults.is_empty()
    }
}

async fn troubled(
    stage: &Stage,
    cast: &Cast,
    followed: &Followed,
    turns: &HashMap<Uuid, Turns>,
) -> anyhow::Result<Vec<TroubledLead>> {
    let mut troubled = Vec::new();
    for role in cast.roles() {
        let Some(standing) = followed.of(role) else {
            continue;
        };
        let turn = turns.get(&standing.run.0).copied().unwrap_or_default();
        let Some(story) = role.story.or_else(|| turn.story()) else {
            continue;
        };
        troubled.push(TroubledLead {
            story,
            event_id: role.event_id,
            account: role.account.clone(),
            way: way_of(stage, standing.run).await?,
            end: end(standing),
        });
    }
    Ok(troubled)
}

impl Turns {
    /// What to say of a lead that was to meet nothing; `None` if it went straight.
    fn story(self) -> Option<&'static str> {
        match self {
            Self {
                eventful: false, ..
            } => None,
            Self { resumed: true, .. } => Some("under way when the worker was killed"),
            _ => Some("did not go straight"),
        }
    }
}

async fn way_of(stage: &Stage, run: RunId) -> anyhow::Result<Option<LeadTimeline>> {
    let Some(head) = stage.rig.engine.run(run).await? else {
        return Ok(None);
    };
    let history = stage.rig.engine.history(run).await?;
    Ok(Some(timeline(&head, &history, &schedule())))
}

fn end(standing: &Standing) -> String {
    match (standing.state, &standing.reason) {
        (RunState::Completed, _) | (_, None) => standing.state.to_string(),
        (state, Some(reason)) => format!("{state}: {reason}"),
    }
}

async fn turns(stage: &Stage, runs: &[Uuid]) -> sqlx::Result<HashMap<Uuid, Turns>> {
    let rows = sqlx::query!(
        r#"
        select run_id,
               bool_or(kind in ('run_lost', 'run_waiting', 'run_dead', 'activity_failed', 'activity_throttled')) as "eventful!",
               bool_or(kind = 'activity_failed' and payload ->> 'next_in_ms' is not null) as "retried!",
               bool_or(kind = 'run_lost') as "resumed!",
               bool_or(kind = 'activity_completed' and coalesce(payload ->> 'source' = 'reconciled', false)) as "reconciled!"
        from leadrail.history
        where run_id = any ($1)
        group by run_id
        "#,
        runs
    )
    .fetch_all(stage.rig.engine.pool())
    .await?;
    let each = rows.into_iter().map(|row| {
        let turns = Turns {
            eventful: row.eventful,
            retried: row.retried,
            resumed: row.resumed,
            reconciled: row.reconciled,
        };
        (row.run_id, turns)
    });
    Ok(each.collect())
}

/// Everything that is not as it should be.
fn faults(
    cast: &Cast,
    followed: &Followed,
    sums: &Sums,
    books: &Comparison,
    repeats: &Repeats,
) -> Vec<String> {
    let mut faults: Vec<_> = cast
        .roles()
        .filter_map(|role| wrong_end(role, followed.of(role)))
        .collect();
    let mut must = |holds: bool, text: String| {
        if !holds {
            faults.push(text);
        }
    };
    let refused: Vec<_> = cast
        .roles()
        .filter(|role| role.end == End::DeliveredOrFirstRefused)
        .collect();
    let dead = refused.iter().filter(|role| is_dead(followed.of(role)));
    let dead = dead.count();
    must(
        dead == usize::from(!refused.is_empty()),
        format!("{dead} leads died of the revoked key instead of one"),
    );
    must(
        sums.accepted == cast.len(),
        format!("{} of {} leads have a run", sums.accepted, cast.len()),
    );
    must(
        books.lost == 0,
        format!("{} leads are not in the CRM", books.lost),
    );
    must(
        books.duplicates == 0,
        format!("{} records are double in the CRM", books.duplicates),
    );
    must(
        books.unexpected == 0,
        format!("{} leads in the CRM do not belong there", books.unexpected),
    );
    must(
        repeats.same == 200,
        format!("a repeated lead was answered with {}", repeats.same),
    );
    must(
        repeats.other == 409,
        format!(
            "another lead under the same id was answered with {}",
            repeats.other
        ),
    );
    must(
        sums.resumed > 0,
        "no lead was under way when the worker was killed".to_owned(),
    );
    faults
}

fn wrong_end(role: &Role, standing: Option<&Standing>) -> Option<String> {
    let state = standing.map(|standing| standing.state);
    let reason = standing.and_then(|standing| standing.reason.as_deref());
    let right = match role.end {
        End::Delivered | End::Recorded => state == Some(RunState::Completed),
        End::Dead(why) => state == Some(RunState::Dead) && reason == Some(why),
        End::DeliveredOrFirstRefused => {
            state == Some(RunState::Completed) || (is_dead(standing) && reason == Some("auth"))
        }
    };
    (!right).then(|| {
        let story = role.story.unwrap_or("nothing special");
        format!(
            "lead {} ({story}) is {} {}",
            role.event_id,
            state.map_or("without a run", RunState::as_str),
            reason.unwrap_or_default()
        )
    })
}

fn is_dead(standing: Option<&Standing>) -> bool {
    standing.is_some_and(|standing| standing.state == RunState::Dead)
}
