//! What keeps runs from starting that could otherwise go on: their lane, or their place in a paced line.

use super::Engine;
use crate::state::RunState;
use crate::store::reading::RunView;
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// What keeps a run from starting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Held {
    /// A person has stopped its lane: nothing of it starts until the lane is resumed.
    Pause {
        /// Its lane.
        lane: String,
        /// Since when.
        since: DateTime<Utc>,
    },
    /// The other side wants to be left alone, or takes no more calls.
    Throttle {
        /// Its lane.
        lane: String,
        /// Until when.
        until: DateTime<Utc>,
    },
    /// What it waited for is there, and those that waited go out one after the other.
    Release {
        /// Its place among those of its lane, from 1.
        place: i64,
        /// When its turn comes.
        at: DateTime<Utc>,
    },
}

/// The lanes of some runs and the places of those that are being let go, at one moment.
#[derive(Clone, Debug)]
pub struct Line {
    now: DateTime<Utc>,
    lanes: HashMap<String, Lane>,
    places: HashMap<Uuid, i64>,
}

#[derive(Clone, Copy, Debug)]
struct Lane {
    paused_at: Option<DateTime<Utc>>,
    held_until: Option<DateTime<Utc>>,
}

impl Line {
    /// What keeps this run from starting, if it is one of those that were asked about and waits for
    /// nothing else.
    #[must_use]
    pub fn held(&self, run: &RunView) -> Option<Held> {
        if run.state == RunState::Running || run.state.is_terminal() {
            return None;
        }
        let lane = self.lanes.get(&run.lane);
        if let Some(since) = lane.and_then(|lane| lane.paused_at) {
            let lane = run.lane.clone();
            return Some(Held::Pause { lane, since });
        }
        let turn = run.due_at.filter(|due| *due > self.now);
        let until = lane.and_then(|lane| lane.held_until);
        if let Some(until) = until.filter(|until| turn.is_none_or(|turn| turn < *until)) {
            let lane = run.lane.clone();
            return Some(Held::Throttle { lane, until });
        }
        let (at, place) = (turn?, self.places.get(&run.id.0)?);
        Some(Held::Release { place: *place, at })
    }

    /// Whether a person or a gate let it go to a later time: nothing else gives a run that has begun
    /// and is ready a time in the future.
    fn is_released(&self, run: &RunView) -> bool {
        run.state == RunState::Queued
            && run.starts > 0
            && run.due_at.is_some_and(|due| due > self.now)
    }
}

impl Engine {
    /// What keeps these runs from starting.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn line(&self, runs: &[RunView]) -> sqlx::Result<Line> {
        let lanes: BTreeSet<&str> = runs.iter().map(|run| run.lane.as_str()).collect();
        let lanes: Vec<String> = lanes.into_iter().map(str::to_owned).collect();
        let mut line = self.lanes_of(&lanes).await?;
        let released = runs.iter().filter(|run| line.is_released(run));
        let (ids, lanes): (Vec<_>, BTreeSet<_>) =
            released.map(|run| (run.id.0, run.lane.clone())).unzip();
        if !ids.is_empty() {
            let lanes: Vec<_> = lanes.into_iter().collect();
            line.places = self.places(&ids, &lanes, line.now).await?;
        }
        Ok(line)
    }

    async fn lanes_of(&self, lanes: &[String]) -> sqlx::Result<Line> {
        let rows = sqlx::query!(
            r#"
            select clock.now as "now!", l.name as "name?", l.paused_at as "paused_at?",
                   greatest(
                       case when l.held_until > clock.now then l.held_until end,
                       case when l.budget_left <= 0 and l.budget_until > clock.now then l.budget_until end
                   ) as held_until
            from (select leadrail.now() as now) clock
            left join leadrail.seen_lane l on l.name = any ($1)
            "#,
            lanes
        )
        .fetch_all(self.access())
        .await?;
        let now = rows.first().map(|row| row.now).unwrap_or_default();
        let each = rows.into_iter().filter_map(|row| {
            let (paused_at, held_until) = (row.paused_at, row.held_until);
            Some((
                row.name?,
                Lane {
                    paused_at,
                    held_until,
                },
            ))
        });
        Ok(Line {
            now,
            lanes: each.collect(),
            places: HashMap::new(),
        })
    }

    /// Where these stand among all of their lanes that are being let go and sleep until their turn. Whose
    /// turn is a moment away does not sleep, and has no place any more.
    async fn places(
        &self,
        runs: &[Uuid],
        lanes: &[String],
        now: DateTime<Utc>,
    ) -> sqlx::Result<HashMap<Uuid, i64>> {
        let rows = sqlx::query!(
            r#"
            with line as (
                select s.id, row_number() over (partition by s.lane order by s.due_at, s.id) as place
                from generate_series(0, 9) as p (priority)
                cross join lateral (
                    select r.id, r.lane, r.due_at
                    from leadrail.seen_live_run r
                    where r.priority = p.priority and r.due_at > $3 and r.asleep
                      and r.state = 'queued' and r.starts > 0 and r.lane = any ($2)
                ) s
            )
            select line.id as "id!", line.place as "place!"
            from line
            where line.id = any ($1)
            "#,
            runs,
            lanes,
            now
        )
        .fetch_all(self.access())
        .await?;
        Ok(rows.into_iter().map(|row| (row.id, row.place)).collect())
    }
}
