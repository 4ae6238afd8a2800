//! The one way into a CRM: a connection's session, opened for a step, a check or a look around.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use leadrail_adapters::{
    Adapters, CrmAdapter, Renewal, RenewalError, SecretVersion, Secrets, Session, SetupError,
    Target,
};
use leadrail_engine::{Access, Sees};
use leadrail_lead::CrmName;
use leadrail_outbound::{Outbound, OutboundUrl};

use crate::links::{LinkMaker, LinkSettings, LinkSource};
use crate::{
    BaseUrl, Connection, ConnectionError, ConnectionId, ConnectionSettings, ConnectionState,
    Connections, NewConnection, OpenConnection, Vault,
};

/// Opens connections. Cheap to clone; workers, checks, the command line and the API all use it.
#[derive(Clone)]
pub struct Doors {
    connections: Connections,
    http: Outbound,
    links: LinkMaker,
    link_source: Option<LinkSource>,
}

/// A connection, open for calls.
pub struct Door {
    /// The connection as it was read.
    pub connection: Connection,
    /// How its CRM is spoken to.
    pub adapter: &'static dyn CrmAdapter,
    /// The way there.
    pub session: Session,
}

/// Why a connection cannot be opened, by what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// It cannot be read or unsealed.
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    /// Its CRM is none that this build knows.
    #[error("there is no adapter for the CRM {crm}")]
    UnsupportedCrm {
        /// The CRM's name.
        crm: String,
    },
    /// No lead may go through it now.
    #[error("{0}")]
    Closed(Closed),
    /// It is set up wrongly: a person has to mend it.
    #[error(transparent)]
    Setup(#[from] SetupError),
}

/// Why no lead may go through a connection now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// Machine-readable, the state's name: `pending`, `needs_reauth`, `paused` or `disabled`.
    pub reason: &'static str,
    /// One sentence for people.
    pub message: String,
}

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl Closed {
    /// Why no lead may go through this connection now, if so. `title` is its CRM's.
    #[must_use]
    pub fn of(connection: &Connection, title: &str) -> Option<Self> {
        let what = match connection.state {
            ConnectionState::Active => return None,
            ConnectionState::Pending => "is not signed in yet; its leads wait for that",
            ConnectionState::NeedsReauth => "must be connected again; its leads wait for that",
            ConnectionState::Paused => "is paused; its leads wait until it goes on",
            ConnectionState::Disabled => "is switched off; its leads wait until it is on again",
        };
        let reason = connection.state.as_str();
        let message = format!("The connection to {title} {what}");
        Some(Self { reason, message })
    }
}

impl Doors {
    /// The doors of these connections.
    #[must_use]
    pub fn new(connections: Connections, http: Outbound) -> Self {
        Self {
            links: LinkMaker::new(connections.access().clone()),
            link_source: None,
            connections,
            http,
        }
    }

    /// The doors of the connections in this database, sealed under `vault`.
    #[must_use]
    pub fn over(database: impl Into<Access>, vault: impl Into<Vault>, http: Outbound) -> Self {
        Self::new(Connections::new(database, vault), http)
    }

    /// The doors that these see.
    #[must_use]
    pub fn seeing(&self, sees: Sees) -> Self {
        Self {
            connections: self.connections.seeing(sees.clone()),
            links: self.links.seeing(sees),
            ..self.clone()
        }
    }

    /// With links of ours in what CRMs are told, at this address, and fresh ones behind them.
    #[must_use]
    pub fn with_links(self, at: LinkSettings) -> Self {
        let LinkSettings {
            public_url,
            refresh_url,
            refresh_secret,
        } = at;
        let http = self.http.clone();
        Self {
            links: self.links.at(public_url),
            link_source: refresh_url.map(|url| LinkSource::new(http, url, refresh_secret)),
            ..self
        }
    }

    /// The links that CRMs are told of.
    #[must_use]
    pub fn links(&self) -> &LinkMaker {
        &self.links
    }

    /// Where links that open now come from, if anywhere.
    #[must_use]
    pub fn link_source(&self) -> Option<&LinkSource> {
        self.link_source.as_ref()
    }

    /// Whether somebody may be sent to this address.
    #[must_use]
    pub fn may_lead_to(&self, url: &OutboundUrl) -> bool {
        self.http.guard().admits(url.as_url()).is_ok()
    }

    /// The connections behind them.
    #[must_use]
    pub fn connections(&self) -> &Connections {
        &self.connections
    }

    /// The CRMs that can be spoken to.
    #[must_use]
    pub fn adapters(&self) -> &Adapters {
        self.connections.adapters()
    }

    /// The adapter of a CRM.
    ///
    /// # Errors
    /// [`DoorError::UnsupportedCrm`]: a CRM without one will never take a lead.
    pub fn adapter(&self, crm: &str) -> Result<&'static dyn CrmAdapter, DoorError> {
        let known = CrmName::new(crm)
            .ok()
            .and_then(|crm| self.adapters().get(&crm));
        known.ok_or_else(|| DoorError::UnsupportedCrm {
            crm: crm.to_owned(),
        })
    }

    /// Opens a connection for leads. No call lasts longer than `left`.
    ///
    /// # Errors
    /// All of [`DoorError`].
    pub async fn open(&self, id: ConnectionId, left: Duration) -> Result<Door, DoorError> {
        let open = self.connections.open(id).await?;
        let adapter = self.adapter(&open.connection.crm)?;
        if let Some(closed) = Closed::of(&open.connection, adapter.crm().title) {
            return Err(DoorError::Closed(closed));
        }
        let door = self.behind(open, adapter)?;
        Ok(Door {
            session: door.session.ending_in(left),
            ..door
        })
    }

    /// Opens a connection for a check, also one that no lead may go through.
    ///
    /// # Errors
    /// All of [`DoorError`]; `Closed` only where nobody has signed in yet.
    pub async fn open_whatever_its_state(&self, id: ConnectionId) -> Result<Door, DoorError> {
        let open = self.connections.open(id).await?;
        let adapter = self.adapter(&open.connection.crm)?;
        match Closed::of(&open.connection, adapter.crm().title) {
            Some(closed) if open.connection.secret_version == 0 => Err(DoorError::Closed(closed)),
            _ => self.behind(open, adapter),
        }
    }

    fn behind(
        &self,
        open: OpenConnection,
        adapter: &'static dyn CrmAdapter,
    ) -> Result<Door, DoorError> {
        let (connection, secrets) = (open.connection, open.secrets);
        let session = self.session(
            adapter,
            connection.base_url.as_ref(),
            &connection.settings,
            secrets,
        )?;
        let renewal = Arc::new(Reconnected {
            connections: self.connections.clone(),
            id: connection.id,
        });
        Ok(Door {
            connection,
            adapter,
            session: session.renewing(renewal),
        })
    }

    /// Opens a connection that is not stored yet, so that it can be tried before it is.
    ///
    /// # Errors
    /// Everything that [`Connections::add`] would refuse.
    pub fn open_new(
        &self,
        new: NewConnection,
    ) -> Result<(&'static dyn CrmAdapter, Session), DoorError> {
        let new = new.check(self.adapters())?;
        let session = self.session(
            new.adapter,
            new.base_url.as_ref(),
            &new.settings,
            new.secrets,
        )?;
        Ok((new.adapter, session))
    }

    /// Whether calls could go where a new connection says; what a name resolves to is judged at each
    /// call.
    ///
    /// # Errors
    /// [`ConnectionError::BaseUrl`] for what is no base URL at all, `ForbiddenAddress` for one that no
    /// call may go to.
    pub fn admits(&self, new: &NewConnection) -> Result<(), ConnectionError> {
        let Some(text) = new.base_url.as_deref() else {
            return Ok(());
        };
        let url = BaseUrl::parse(text.trim());
        let url = url.map_err(|source| ConnectionError::BaseUrl { source })?;
        let admitted = self.http.guard().admits(&url.into());
        admitted.map_err(|source| ConnectionError::ForbiddenAddress { source })
    }

    fn session(
        &self,
        adapter: &'static dyn CrmAdapter,
        base_url: Option<&BaseUrl>,
        settings: &ConnectionSettings,
        secrets: Secrets,
    ) -> Result<Session, SetupError> {
        let mut target = Target::new(adapter.crm())?.with_settings(settings.crm.clone());
        if let Some(url) = base_url {
            target = target.with_base_url(url.as_str())?;
        }
        if let Some(ms) = settings.delivery.call_timeout_ms {
            target = target.with_call_timeout(Duration::from_millis(ms.into()));
        }
        adapter.open(&self.http, target, secrets)
    }
}

/// Newer secrets are there if somebody connected the account again during the call.
struct Reconnected {
    connections: Connections,
    id: ConnectionId,
}

#[async_trait]
impl Renewal for Reconnected {
    async fn renew(&self, refused: SecretVersion) -> Result<Option<Secrets>, RenewalError> {
        let now = self.connections.open_now(self.id).await;
        let now = now.map_err(|error| RenewalError(error.to_string()))?;
        Ok(Some(now.secrets).filter(|secrets| secrets.version() > refused))
    }
}
