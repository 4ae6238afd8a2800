//! The HTTP door, used as a call pipeline would.

use super::cast::Role;
use super::stage::Stage;
use crate::rig::Answer;
use leadrail_engine::RunId;
use serde::Deserialize as _;
use serde_json::Value;

/// Leads a request.
const BATCH: usize = 100;

/// What the API said to a lead that came again.
pub(super) struct Repeats {
    /// To the same lead: 200, and the run that is there.
    pub(super) same: u16,
    /// To another lead under the same id: 409.
    pub(super) other: u16,
}

/// Posts leads in batches; every one of them must be accepted. Their runs.
pub(super) async fn push(stage: &Stage, roles: &[Role]) -> anyhow::Result<Vec<RunId>> {
    let mut runs = Vec::with_capacity(roles.len());
    for batch in roles.chunks(BATCH) {
        let body: Value = batch.iter().map(|role| role.payload.clone()).collect();
        let Answer {
            status,
            body: answer,
        } = stage.rig.post(&body).await?;
        anyhow::ensure!(status == 200, "the API answered a batch with {status}");
        let accepted = answer["accepted"].as_u64();
        anyhow::ensure!(
            accepted == Some(batch.len() as u64),
            "the API accepted {} of {} leads",
            accepted.unwrap_or_default(),
            batch.len()
        );
        for result in answer["results"].as_array().into_iter().flatten() {
            runs.push(RunId::deserialize(&result["run_id"])?);
        }
    }
    Ok(runs)
}

/// Posts a lead that is there once more, and another one under its id.
pub(super) async fn push_again(stage: &Stage, role: &Role) -> anyhow::Result<Repeats> {
    let same = stage.rig.post(&role.payload).await?.status;
    let mut changed = role.payload.clone();
    changed["call"]["transcript_summary"] = "another call".into();
    let other = stage.rig.post(&changed).await?.status;
    Ok(Repeats { same, other })
}
