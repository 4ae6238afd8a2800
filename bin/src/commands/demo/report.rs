//! What the demo says in the end.

use super::books::Comparison;
use super::cast::{Cast, End, Role};
use super::door::Repeats;
use super::follow::{Followed, Standing};
use super::stage::{Stage, schedule};
use crate::commands::lead::way;
use crate::output::{self, or_dash};
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use leadrail_engine::{RunId, RunState};
use leadrail_workflows::timeline;
use serde::Serialize;
use std::collections::HashMap;
use std::time::Instant;
use uuid::Uuid;

/// More rows than this help nobody.
const MOST_ROWS: usize = 100;

/// The sums, as `--json` prints them.
#[derive(Serialize)]
struct Sums {
    /// Leads that the API accepted.
    accepted: u64,
    /// Delivered, or recorded.
    completed: u64,
    /// In the dead-letter list.
    dead: u64,
    /// Not ended.
    waiting: u64,
    /// Leads of which a step was tried again.
    retried: u64,
    /// Leads whose worker died and that went on elsewhere.
    resumed: u64,
    /// Leads of which a lost answer was found again in the CRM.
    reconciled: u64,
    /// By the CRM's books: should be there and are not.
    lost: u64,
    /// By the CRM's books: leads and customers that are there more than once.
    duplicates_in_crm: u64,
    /// From the start to the end, in seconds.
    wall_s: f64,
}

pub(super) struct Report {
    sums: Sums,
    rows: Vec<[String; 4]>,
    faults: Vec<String>,
}

/// What kinds of things happened to a run.
#[derive(Clone, Copy, Default)]
struct Turns {
    eventful: bool,
    retried: bool,
    resumed: bool,
    reconciled: bool,
}

impl Report {
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
            rows: rows(stage, cast, followed, &turns).await?,
            faults: faults(cast, followed, &sums, &books, &repeats),
            sums,
        })
    }

    /// Whether every lead ended where it should.
    pub(super) fn is_right(&self) -> bool {
        self.faults.is_empty()
    }

    pub(super) fn print(&self, json: bool) -> anyhow::Result<()> {
        let mut text = self.ways() + "\n" + &self.summary();
        for fault in &self.faults {
            text += &format!("\nWRONG: {fault}");
        }
        if self.is_right() {
            text += "\nevery lead ended where it should";
        }
        if json {
            eprintln!("{text}");
            return output::json(&self.sums);
        }
        output::line(text)
    }

    fn ways(&self) -> String {
        let mut table = output::table(&["what happened", "lead", "its way (UTC)", "end"]);
        table.load_style(UTF8_HORIZONTAL_ONLY);
        table.add_rows(self.rows.iter().take(MOST_ROWS).cloned());
        let more = self.rows.len().saturating_sub(MOST_ROWS);
        match more {
            0 => table.trim_fmt(),
            more => format!(
                "{}\nand {more} more that did not go straight",
                table.trim_fmt()
            ),
        }
    }

    fn summary(&self) -> String {
        let mut table = output::table(&["", "leads"]);
        let sums = &self.sums;
        for (what, leads) in [
            ("accepted", sums.accepted),
            ("completed", sums.completed),
            ("dead letters, as they should be", sums.dead),
            ("not ended", sums.waiting),
            ("retried", sums.retried),
            ("resumed after their worker was killed", sums.resumed),
            ("found in the CRM after a lost answer", sums.reconciled),
            ("lost, by the CRM's own books", sums.lost),
            ("double, by the CRM's own books", sums.duplicates_in_crm),
        ] {
            table.add_row([what.to_owned(), leads.to_string()]);
        }
        format!("{}\nin {} s", table.trim_fmt(), sums.wall_s)
    }
}

/// One row for every lead that met something, or did not go straight.
async fn rows(
    stage: &Stage,
    cast: &Cast,
    followed: &Followed,
    turns: &HashMap<Uuid, Turns>,
) -> anyhow::Result<Vec<[String; 4]>> {
    let mut rows = Vec::new();
    for role in cast.roles() {
        let Some(standing) = followed.of(role) else {
            continue;
        };
        let turn = turns.get(&standing.run.0).copied().unwrap_or_default();
        let story = match (role.story, turn.eventful) {
            (Some(story), _) => story,
            (None, false) => continue,
            (None, true) if turn.resumed => "under way when the worker was killed",
            (None, true) => "did not go straight",
        };
        let id = role.event_id.to_string();
        let lead = format!("{}\n{}", &id[..8], role.account);
        let end = end(standing);
        rows.push([
            story.to_owned(),
            lead,
            way_of(stage, standing.run).await?,
            end,
        ]);
    }
    Ok(rows)
}

async fn way_of(stage: &Stage, run: RunId) -> anyhow::Result<String> {
    let Some(head) = stage.rig.engine.run(run).await? else {
        return Ok("its run is gone".to_owned());
    };
    let history = stage.rig.engine.history(run).await?;
    Ok(way(&timeline(&head, &history, &schedule())))
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
            or_dash(state),
            or_dash(reason)
        )
    })
}

fn is_dead(standing: Option<&Standing>) -> bool {
    standing.is_some_and(|standing| standing.state == RunState::Dead)
}
