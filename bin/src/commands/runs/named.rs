//! The run that a person means by an id.

use crate::failure::{told, usage};
use anyhow::anyhow;
use leadrail_desk::{Desk, DeskError};
use leadrail_engine::RunId;

/// The run with this id, or the one that files the lead with this event id.
pub(crate) async fn run_named(
    desk: &Desk,
    id: RunId,
    account: Option<&str>,
) -> anyhow::Result<RunId> {
    desk.run_named(id.0, account).await.map_err(not_found)
}

/// What is said where an id names no run, or more than one.
pub(crate) fn not_found(error: DeskError) -> anyhow::Error {
    match error {
        DeskError::NoSuchRun { run } => anyhow!(
            "there is no run {run}, and no lead with this event_id; `leadrail runs list` and \
             `leadrail lead list` show the newest"
        ),
        DeskError::SeveralLeads => usage(format!(
            "{error}; say whose with --account, or name the run, which `leadrail lead list` shows"
        )),
        error => told(error),
    }
}
