//! The desk: what every operation needs, built in one place.

use crate::error::{DeskError, DeskResult};
use crate::keys::{Caller, Recognized};
use leadrail_connections::links::LinkSettings;
use leadrail_connections::{BaseUrl, Connections, Doors, Vault};
use leadrail_engine::{Engine, Registry, RetrySchedule, Sees};
use leadrail_outbound::Outbound;
use leadrail_workflows::LeadDoor;
use std::time::Duration;

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
    call_timeout: Option<Duration>,
    public_url: Option<BaseUrl>,
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
            call_timeout: None,
            public_url: None,
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

    /// The deadline of calls for connections that are made from now on and name none.
    #[must_use]
    pub fn with_call_timeout(mut self, call_timeout: Option<Duration>) -> Self {
        self.call_timeout = call_timeout;
        self
    }

    pub(crate) fn call_timeout(&self) -> Option<Duration> {
        self.call_timeout
    }

    /// Where browsers find us: sign-ins start and end there.
    #[must_use]
    pub fn with_public_url(mut self, public_url: Option<BaseUrl>) -> Self {
        self.public_url = public_url;
        self
    }

    /// Where browsers find us.
    ///
    /// # Errors
    /// [`DeskError::Refused`] where nobody said so.
    pub fn public_url(&self) -> DeskResult<&BaseUrl> {
        self.public_url.as_ref().ok_or_else(|| {
            let reason = "people sign in with a browser, and nobody said where it finds us: set public_url, \
                          such as https://leads.example.com";
            DeskError::refused("public_url", reason)
        })
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
