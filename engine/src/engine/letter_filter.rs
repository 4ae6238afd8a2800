//! Which dead letters are meant.

use super::letters::LettersError;
use crate::ids::RunId;
use chrono::{DateTime, Utc};
use std::fmt::Display;
use uuid::Uuid;

/// The most bytes of one text.
const LONGEST_TEXT: usize = 1_000;
/// The most runs or lanes that are listed one by one.
const LONGEST_LIST: usize = 10_000;

/// Where a dead letter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It waits: neither discarded nor in a replay.
    Open,
    /// A replay has it and has not come to it.
    Enlisted,
    /// A person does not want it any more.
    Discarded,
}

impl Standing {
    fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Enlisted => "enlisted",
            Self::Discarded => "discarded",
        }
    }
}

/// Which dead letters are meant: those that match everything that is given. With nothing given, all.
///
/// A text has at most 1,000 bytes, a list at most 10,000 items; an empty list means no letter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LetterFilter {
    /// Only the letters of these runs.
    pub runs: Option<Vec<RunId>>,
    /// Only this tenant's.
    pub scope: Option<String>,
    /// Only of these lanes.
    pub lanes: Option<Vec<String>>,
    /// Only of this workflow.
    pub workflow: Option<String>,
    /// Only those that died at this activity, by its label, such as `charge#2`.
    pub activity: Option<String>,
    /// Only those that died for this reason.
    pub reason: Option<String>,
    /// Only those that were sorted into this incident.
    pub incident: Option<i64>,
    /// Only those that this replay has.
    pub replay: Option<RunId>,
    /// Only those that stand there.
    pub standing: Option<Standing>,
    /// Only those that died then or later.
    pub died_from: Option<DateTime<Utc>>,
    /// Only those that died before this.
    pub died_before: Option<DateTime<Utc>>,
}

/// The same as the composite type of the database.
#[derive(sqlx::Type)]
#[sqlx(type_name = "leadrail.letter_filter")]
pub(super) struct FilterRow {
    runs: Option<Vec<Uuid>>,
    scope: Option<String>,
    lanes: Option<Vec<String>>,
    workflow: Option<String>,
    activity: Option<String>,
    reason: Option<String>,
    incident_id: Option<i64>,
    replay_id: Option<Uuid>,
    standing: Option<String>,
    died_from: Option<DateTime<Utc>>,
    died_before: Option<DateTime<Utc>>,
}

impl LetterFilter {
    /// The letters of these runs.
    #[must_use]
    pub fn of_runs(runs: impl IntoIterator<Item = RunId>) -> Self {
        Self {
            runs: Some(runs.into_iter().collect()),
            ..Self::default()
        }
    }

    /// Refuses what no letter can match and no database should be asked for.
    fn check(&self) -> Result<(), LettersError> {
        check_list("runs list", self.runs.as_deref())?;
        check_list("lanes list", self.lanes.as_deref())?;
        for lane in self.lanes.iter().flatten() {
            check_text("lane", lane, LONGEST_TEXT)?;
        }
        let texts = [
            ("scope", &self.scope),
            ("workflow", &self.workflow),
            ("activity", &self.activity),
            ("reason", &self.reason),
        ];
        for (field, text) in texts {
            check_text(field, text.as_deref().unwrap_or_default(), LONGEST_TEXT)?;
        }
        Ok(())
    }

    pub(super) fn row(&self) -> Result<FilterRow, LettersError> {
        self.check()?;
        let ids = |runs: &Vec<RunId>| runs.iter().map(|run| run.0).collect();
        Ok(FilterRow {
            runs: self.runs.as_ref().map(ids),
            scope: self.scope.clone(),
            lanes: self.lanes.clone(),
            workflow: self.workflow.clone(),
            activity: self.activity.clone(),
            reason: self.reason.clone(),
            incident_id: self.incident,
            replay_id: self.replay.map(|run| run.0),
            standing: self.standing.map(|standing| standing.as_str().to_owned()),
            died_from: self.died_from,
            died_before: self.died_before,
        })
    }
}

/// Refuses a text that the database cannot hold or that is far too long. The text itself is not told:
/// nobody knows what is in it.
pub(super) fn check_text(field: &'static str, text: &str, most: usize) -> Result<(), LettersError> {
    if text.contains('\0') {
        return Err(invalid(field, "contains a NUL character"));
    }
    let bytes = text.len();
    match bytes > most {
        true => Err(invalid(
            field,
            format_args!("has {bytes} bytes and the limit is {most}"),
        )),
        false => Ok(()),
    }
}

fn check_list<T>(field: &'static str, list: Option<&[T]>) -> Result<(), LettersError> {
    let items = list.unwrap_or_default().len();
    match items > LONGEST_LIST {
        true => Err(invalid(
            field,
            format_args!("has {items} items and the limit is {LONGEST_LIST}"),
        )),
        false => Ok(()),
    }
}

pub(super) fn invalid(field: &'static str, why: impl Display) -> LettersError {
    LettersError::Invalid {
        field,
        why: why.to_string(),
    }
}
