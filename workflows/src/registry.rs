//! What a worker can run.

use leadrail_connections::Doors;
use leadrail_engine::{Engine, Registry};

use crate::{AuditLead, ProbeConnections, ProbeOneConnection, PushLead};

/// All workflows, ready for [`run_worker`](leadrail_engine::run_worker).
#[must_use]
pub fn registry(engine: &Engine, doors: Doors) -> Registry {
    Registry::new()
        .with(PushLead::new(engine.clone(), doors.clone()))
        .with(AuditLead::new(engine.clone(), doors.clone()))
        .with(ProbeConnections::new(engine.clone(), doors.clone()))
        .with(ProbeOneConnection::new(doors))
}
