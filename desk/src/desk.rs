//! The desk: what every operation needs, built in one place.

use crate::error::{DeskError, DeskResult};
use leadrail_adapters::{Adapters, CrmHttp, SetupError};
use leadrail_connections::{Connections, VaultKey};
use leadrail_engine::{Engine, Registry, RetrySchedule};

/// Everything the product can do. Cheap to clone.
///
/// Leads, runs and lanes need no more than the engine. What opens credentials (connecting, testing,
/// a worker's steps) needs [`Desk::with_vault`]; without it those operations answer
/// [`DeskError::NoVaultKey`].
#[derive(Clone)]
pub struct Desk {
    engine: Engine,
    schedule: RetrySchedule,
    crms: Option<Crms>,
}

/// The way to the CRMs.
#[derive(Clone)]
pub(crate) struct Crms {
    pub(crate) connections: Connections,
    pub(crate) adapters: Adapters,
    pub(crate) http: CrmHttp,
}

impl Desk {
    /// A desk on this engine. `schedule` is the workers' retry schedule, so that a lead's story can say
    /// "try 2 of 6".
    #[must_use]
    pub fn new(engine: Engine, schedule: RetrySchedule) -> Self {
        let crms = None;
        Self {
            engine,
            schedule,
            crms,
        }
    }

    /// Opens the accounts' credentials with this key.
    ///
    /// # Errors
    /// [`SetupError::Http`] when no client can be made to call CRMs with.
    pub fn with_vault(mut self, vault: VaultKey) -> Result<Self, SetupError> {
        self.crms = Some(Crms {
            connections: Connections::new(self.engine.pool().clone(), vault),
            adapters: Adapters::all(),
            http: CrmHttp::new()?,
        });
        Ok(self)
    }

    /// The engine below, for whoever executes runs or commits leads in an order of their own.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The accounts' connections.
    ///
    /// # Errors
    /// [`DeskError::NoVaultKey`].
    pub fn connections(&self) -> DeskResult<&Connections> {
        Ok(&self.crms()?.connections)
    }

    /// Every workflow, with everything its steps need, for a worker.
    ///
    /// # Errors
    /// [`DeskError::NoVaultKey`].
    pub fn registry(&self) -> DeskResult<Registry> {
        let Crms {
            connections,
            adapters,
            http,
        } = self.crms()?.clone();
        Ok(leadrail_workflows::registry(
            &self.engine,
            connections,
            adapters,
            http,
        ))
    }

    pub(crate) fn crms(&self) -> DeskResult<&Crms> {
        self.crms.as_ref().ok_or(DeskError::NoVaultKey)
    }

    pub(crate) fn schedule(&self) -> &RetrySchedule {
        &self.schedule
    }
}
