//! The desk: what every operation needs, built in one place.

use crate::error::{DeskError, DeskResult};
use crate::keys::{Caller, Recognized};
use leadrail_connections::links::LinkSettings;
use leadrail_connections::{Connections, Doors, Vault};
use leadrail_engine::{Engine, Registry, RetrySchedule, Sees};
use leadrail_outbound::Outbound;
use leadrail_workflows::LeadDoor;

/// Everything the product can do. Cheap to clone.
///
/// Leads, runs and lanes need no more than the engine. Everything about connections, and a worker's
/// steps, needs [`Desk::with_vault`]; without it those operations answer [`DeskError::NoVaultKey`].
#[derive(Clone)]
pub struct Desk {
    engine: Engine,
    schedule: RetrySchedule,
    leads: LeadDoor,
    doors: Option<Doors>,
    recognized: Recognized,
}

impl Desk {
    /// A desk on this engine. `schedule` is the workers' retry schedule, so that a lead's story can say
    /// "try 2 of 6".
    #[must_use]
    pub fn new(engine: Engine, schedule: RetrySchedule) -> Self {
        Self {
            leads: LeadDoor::new(&engine),
            engine,
            schedule,
            doors: None,
            recognized: Recognized::default(),
        }
    }

    /// Opens the accounts' credentials with this vault, and calls their CRMs through this client.
    #[must_use]
    pub fn with_vault(mut self, vault: impl Into<Vault>, http: Outbound) -> Self {
        self.doors = Some(Doors::over(self.engine.access().clone(), vault, http));
        self
    }

    /// Tells CRMs of links of ours, and sends on whoever follows one. After [`Desk::with_vault`].
    #[must_use]
    pub fn with_links(mut self, at: LinkSettings) -> Self {
        self.doors = self.doors.map(|doors| doors.with_links(at));
        self
    }

    /// The same desk as far as these see and may change what is there: behind whatever is asked of it stands
    /// the wall in the database (`docs/decisions/0025-walls.md`).
    #[must_use]
    pub fn seeing(&self, sees: Sees) -> Self {
        Self {
            engine: self.engine.seeing(sees.clone()),
            doors: self.doors.as_ref().map(|doors| doors.seeing(sees)),
            ..self.clone()
        }
    }

    /// The desk as whoever calls sees it.
    #[must_use]
    pub fn before(&self, caller: &Caller) -> Self {
        self.seeing(caller.sight())
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
        Ok(self.doors()?.connections())
    }

    /// Every workflow, with everything its steps need, for a worker.
    ///
    /// # Errors
    /// [`DeskError::NoVaultKey`].
    pub fn registry(&self) -> DeskResult<Registry> {
        let doors = self.doors()?.clone();
        Ok(leadrail_workflows::registry(&self.engine, doors))
    }

    /// The ways into the CRMs.
    ///
    /// # Errors
    /// [`DeskError::NoVaultKey`].
    pub fn doors(&self) -> DeskResult<&Doors> {
        self.doors.as_ref().ok_or(DeskError::NoVaultKey)
    }

    /// What is known of API keys.
    pub(crate) fn recognized(&self) -> &Recognized {
        &self.recognized
    }

    /// Where single leads share commits.
    pub(crate) fn lead_door(&self) -> &LeadDoor {
        &self.leads
    }

    pub(crate) fn schedule(&self) -> &RetrySchedule {
        &self.schedule
    }
}
