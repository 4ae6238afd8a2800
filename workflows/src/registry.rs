//! What a worker can run.

use leadrail_activities::CrmAccess;
use leadrail_adapters::{Adapters, CrmHttp, SetupError};
use leadrail_connections::{Connections, VaultKey};
use leadrail_engine::{Engine, Registry};

use crate::{AuditLead, PushLead};

/// The way to every CRM that we know, by the connections in the engine's database.
///
/// # Errors
/// When there can be no HTTP client.
pub fn crm_access(engine: &Engine, vault: VaultKey) -> Result<CrmAccess, SetupError> {
    Ok(CrmAccess {
        connections: Connections::new(engine.pool().clone(), vault),
        adapters: Adapters::all(),
        http: CrmHttp::new()?,
    })
}

/// All workflows, ready for [`run_worker`](leadrail_engine::run_worker).
#[must_use]
pub fn registry(engine: &Engine, access: CrmAccess) -> Registry {
    Registry::new()
        .with(PushLead::new(engine.clone(), access.clone()))
        .with(AuditLead::new(engine.clone(), access))
}
