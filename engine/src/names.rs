//! Names that the engine, its workers and its SQL agree on: channels, what a notification says, gates.

use crate::ids::{RunId, WorkerId};

/// The channel on which workers are told that there may be work.
pub(crate) const NOTIFY_CHANNEL: &str = "leadrail_run";

/// What a notification says when a run was asked to stop.
pub(crate) const CANCEL: &str = "cancel";

/// What a notification says when a worker has come: whoever was alone watches from now on.
pub(crate) const WORKER: &str = "worker";

/// What a notification says when a schedule changed.
pub(crate) const CRON: &str = "cron";

/// Where a worker hears itself, as `leadrail.renew_worker` names it.
pub(crate) fn own_channel(worker: WorkerId) -> String {
    format!("leadrail_{worker}")
}

/// The gate at which runs of a workflow wait for other code.
pub(crate) fn code_gate(workflow: &str) -> String {
    format!("code:{workflow}")
}

/// The gate at which a parent waits for its child's end.
pub(crate) fn end_gate(run: RunId) -> String {
    format!("run:{run}")
}

/// The gate at which a run waits for a signal.
pub(crate) fn signal_gate(run: RunId, signal: &str) -> String {
    format!("signal:{run}:{signal}")
}

/// Under which label values of this name are published, apart from the number of their use.
pub(crate) fn published_label(name: &str) -> String {
    format!("state:{name}")
}
