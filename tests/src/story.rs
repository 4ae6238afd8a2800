//! Histories read from the database, as an auditor would.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgPool, Row};
use std::collections::HashMap;
use uuid::Uuid;

/// One line of a run's history.
pub struct Line {
    /// When it was committed.
    pub at: DateTime<Utc>,
    /// What happened.
    pub kind: String,
    /// In which activity.
    pub activity: Option<String>,
    /// Whatever else was said.
    pub payload: Value,
}

/// One run's history, oldest first.
#[derive(Default)]
pub struct RunStory {
    /// Its lines.
    pub lines: Vec<Line>,
}

impl RunStory {
    /// Activities whose completion is recorded more than once.
    pub fn completed_twice(&self) -> Vec<String> {
        let mut count: HashMap<&str, usize> = HashMap::new();
        for line in self
            .lines
            .iter()
            .filter(|line| line.kind == "activity_completed")
        {
            *count
                .entry(line.activity.as_deref().unwrap_or(""))
                .or_insert(0) += 1;
        }
        let twice = count.into_iter().filter(|(_, times)| *times > 1);
        twice.map(|(activity, _)| activity.to_owned()).collect()
    }

    /// Activities that were begun again after their completion was recorded.
    pub fn begun_after_completion(&self) -> Vec<String> {
        let mut completed: Vec<&str> = Vec::new();
        let mut again = Vec::new();
        for line in &self.lines {
            let activity = line.activity.as_deref().unwrap_or("");
            match line.kind.as_str() {
                "activity_completed" => completed.push(activity),
                "activity_started" if completed.contains(&activity) => {
                    again.push(activity.to_owned())
                }
                _ => {}
            }
        }
        again
    }

    /// The lines of one kind.
    pub fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Line> {
        self.lines.iter().filter(move |line| line.kind == kind)
    }
}

/// Every run's history.
///
/// # Panics
/// When the database cannot be read.
pub async fn stories(pool: &PgPool) -> HashMap<Uuid, RunStory> {
    let rows = sqlx::query(
        "select run_id, at, kind::text as kind, activity, payload from leadrail.history order by run_id, seq",
    )
    .fetch_all(pool)
    .await
    .expect("history");
    let mut stories: HashMap<Uuid, RunStory> = HashMap::new();
    for row in rows {
        stories
            .entry(row.get("run_id"))
            .or_default()
            .lines
            .push(Line {
                at: row.get("at"),
                kind: row.get("kind"),
                activity: row.get("activity"),
                payload: row
                    .get::<Option<Value>, _>("payload")
                    .unwrap_or(Value::Null),
            });
    }
    stories
}
