//! What a worker can run.

use leadrail_activities::CrmAccess;
use leadrail_adapters::Adapters;
use leadrail_connections::Connections;
use leadrail_engine::{Engine, Registry};
use leadrail_outbound::Outbound;

use crate::{AuditLead, PushLead};

/// All workflows, ready for [`run_worker`](leadrail_engine::run_worker).
#[must_use]
pub fn registry(
    engine: &Engine,
    connections: Connections,
    adapters: Adapters,
    http: Outbound,
) -> Registry {
    let access = CrmAccess {
        connections,
        adapters,
        http,
    };
    Registry::new()
        .with(PushLead::new(engine.clone(), access.clone()))
        .with(AuditLead::new(engine.clone(), access))
}
