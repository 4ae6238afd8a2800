//! What came of the demo.

use super::cast::{Cast, End, Role};
use super::comparison::{Comparison, CrmSums};
use super::door::Repeats;
use super::follow::{Followed, Standing};
use super::stage::Stage;
use leadrail_desk::{Desk, DeskError};
use leadrail_engine::{RunId, RunState, Turns};
use leadrail_lead::EventId;
use leadrail_workflows::LeadTimeline;
use serde::Serialize;
use std::collections::HashMap;
use std::time::Instant;

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
    /// The same books, CRM by CRM.
    pub by_crm: Vec<CrmSums>,
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

impl DemoReport {
    pub(super) async fn new(
        stage: &Stage,
        cast: &Cast,
        followed: &Followed,
        books: Comparison,
        repeats: Repeats,
        began: Instant,
    ) -> anyhow::Result<Self> {
        let turns = stage.rig.engine.turns(&followed.runs()).await?;
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
            by_crm: books.by_crm.clone(),
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
    turns: &HashMap<RunId, Turns>,
) -> anyhow::Result<Vec<TroubledLead>> {
    let (desk, mut troubled) = (stage.rig.desk()?, Vec::new());
    for role in cast.roles() {
        let Some(standing) = followed.of(role) else {
            continue;
        };
        let turn = turns.get(&standing.run).copied().unwrap_or_default();
        let Some(story) = role.story.or_else(|| story(turn)) else {
            continue;
        };
        troubled.push(TroubledLead {
            story,
            event_id: role.event_id,
            account: role.account.clone(),
            way: way_of(&desk, role).await?,
            end: end(standing),
        });
    }
    Ok(troubled)
}

/// What to say of a lead that was to meet nothing; `None` if it went straight.
fn story(turn: Turns) -> Option<&'static str> {
    match turn {
        Turns {
            eventful: false, ..
        } => None,
        Turns { resumed: true, .. } => Some("under way when the worker was killed"),
        _ => Some("did not go straight"),
    }
}

async fn way_of(desk: &Desk, role: &Role) -> anyhow::Result<Option<LeadTimeline>> {
    match desk.story(role.event_id, Some(&role.account)).await {
        Ok(story) => Ok(Some(story.told)),
        Err(DeskError::NoSuchLead { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn end(standing: &Standing) -> String {
    match (standing.state, &standing.reason) {
        (RunState::Completed, _) | (_, None) => standing.state.to_string(),
        (state, Some(reason)) => format!("{state}: {reason}"),
    }
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
        End::Delivered | End::DeliveredOnceConnected | End::Recorded => {
            state == Some(RunState::Completed)
        }
        End::Dead(why) => state == Some(RunState::Dead) && reason == Some(why),
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
