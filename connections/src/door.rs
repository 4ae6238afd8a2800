//! The one way into a CRM: a connection's session, opened for a step, a check or a look around.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use leadrail_adapters::{
    Adapters, CrmAdapter, Grant, Renewal, RenewalError, SecretVersion, Secrets, Session,
    SetupError, Target,
};
use leadrail_engine::{Access, Sees};
use leadrail_lead::CrmName;
use leadrail_outbound::{Outbound, OutboundUrl};

use crate::links::{LinkMaker, LinkSettings, LinkSource};
use crate::oauth::{Renewals, Unrenewed, with_own_token};
use crate::{
    BaseUrl, Connection, ConnectionError, ConnectionId, ConnectionSettings, ConnectionState,
    Connections, NewConnection, OpenConnection, Vault,
};

/// How long anybody waits for tokens at most, and whoever is under no deadline of a lead's.
const RENEWED_WITHIN: Duration = Duration::from_secs(20);

/// Opens connections. Cheap to clone; workers, checks, the command line and the API all use it.
#[derive(Clone)]
pub struct Doors {
    connections: Connections,
    http: Outbound,
    links: LinkMaker,
    link_source: Option<LinkSource>,
    renewals: Renewals,
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
    /// Its tokens are being renewed, or their provider failed: later, by itself.
    #[error("{message}")]
    Later {
        /// One sentence for people.
        message: String,
        /// How long to wait.
        after: Duration,
    },
    /// Its tokens cannot be renewed until the operator gives our client with the provider.
    #[error("{message}")]
    NoClient {
        /// One sentence for people.
        message: String,
    },
    /// It is set up wrongly: a person has to mend it.
    #[error(transparent)]
    Setup(#[from] SetupError),
}

impl From<Unrenewed> for DoorError {
    fn from(unrenewed: Unrenewed) -> Self {
        match unrenewed {
            Unrenewed::Connection(error) => error.into(),
            Unrenewed::Later { message, after } => Self::Later { message, after },
            Unrenewed::Setup(message) => Self::NoClient { message },
            Unrenewed::Gone(message) => Self::Closed(Closed {
                reason: ConnectionState::NeedsReauth.as_str(),
                message,
            }),
        }
    }
}

impl DoorError {
    /// Machine-readable, such as `renewing`.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Connection(error) => error.reason(),
            Self::UnsupportedCrm { .. } => "unsupported_crm",
            Self::Closed(closed) => closed.reason,
            Self::Later { .. } => "renewing",
            Self::NoClient { .. } => "no_client",
            Self::Setup(_) => "connection_setup",
        }
    }
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
            renewals: Renewals::new(&connections, http.clone()),
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

    /// Opens a connection for leads. No call lasts longer than until `left` from now, and no renewal of its
    /// tokens is waited for any longer, neither here nor during a call.
    ///
    /// # Errors
    /// All of [`DoorError`].
    pub async fn open(&self, id: ConnectionId, left: Duration) -> Result<Door, DoorError> {
        let ends = Instant::now() + left;
        let open = self.connections.open(id).await?;
        let title = self.adapter(&open.connection.crm)?.crm().title;
        if let Some(closed) = Closed::of(&open.connection, title) {
            return Err(DoorError::Closed(closed));
        }
        let door = self.opened(open, Some(ends)).await?;
        let left = ends.saturating_duration_since(Instant::now());
        Ok(Door {
            session: door.session.ending_in(left),
            ..door
        })
    }

    /// Opens a connection for a check, also one that no lead may go through.
    ///
    /// # Errors
    /// All of [`DoorError`]; `Closed` only where nobody has signed in yet, or its tokens have ended and a
    /// person must bring others.
    pub async fn open_whatever_its_state(&self, id: ConnectionId) -> Result<Door, DoorError> {
        let open = self.connections.open(id).await?;
        let title = self.adapter(&open.connection.crm)?.crm().title;
        match Closed::of(&open.connection, title) {
            Some(closed) if open.connection.secret_version == 0 => Err(DoorError::Closed(closed)),
            _ => self.opened(open, None).await,
        }
    }

    /// Lets a connection's refresh token be tried once more of whose last use no answer came: for a person
    /// who asks for that.
    ///
    /// # Errors
    /// [`ConnectionError::Database`].
    pub async fn try_once_more(&self, id: ConnectionId) -> Result<(), ConnectionError> {
        self.renewals.forgive(id).await
    }

    /// Returns when no tokens are on their way to this process any more: whoever ends sooner may lose some.
    pub async fn settled(&self) {
        self.renewals.settled().await;
    }

    pub(crate) fn http(&self) -> &Outbound {
        &self.http
    }

    /// For whoever is under a deadline or under none.
    async fn opened(&self, open: OpenConnection, ends: Option<Instant>) -> Result<Door, DoorError> {
        let adapter = self.adapter(&open.connection.crm)?;
        let (id, title) = (open.connection.id, adapter.crm().title);
        let until = ends.unwrap_or_else(|| Instant::now() + RENEWED_WITHIN);
        let open = match self.renewals.usable(open, None, until).await {
            Ok(open) => open,
            Err(unrenewed) => return Err(self.unopened(id, title, unrenewed).await),
        };
        let (connection, secrets) = (open.connection, open.secrets);
        let session = self.session(
            adapter,
            connection.base_url.as_ref(),
            &connection.settings,
            secrets,
        )?;
        let renewal = Arc::new(Renewed {
            doors: self.clone(),
            id,
            ends,
        });
        Ok(Door {
            connection,
            adapter,
            session: session.renewing(renewal),
        })
    }

    async fn unopened(&self, id: ConnectionId, title: &str, unrenewed: Unrenewed) -> DoorError {
        if let Unrenewed::Gone(_) = unrenewed
            && let Ok(now) = self.connections.get(id).await
            && let Some(closed) = Closed::of(&now, title)
        {
            return DoorError::Closed(closed);
        }
        unrenewed.into()
    }

    /// Opens a connection that is not stored yet, so that it can be tried before it is. Where the account
    /// has a client of its own, a token is asked for first; it is used for this session only.
    ///
    /// # Errors
    /// Everything that [`Connections::add`] would refuse; `Closed` where the account's client is refused,
    /// `Later` where its provider gives no token now.
    pub async fn open_new(
        &self,
        new: NewConnection,
    ) -> Result<(&'static dyn CrmAdapter, Session), DoorError> {
        let new = new.check(self.adapters())?;
        let (crm, base_url) = (new.adapter.crm(), new.base_url.as_ref());
        let method = crm.auth_method(&new.auth_method);
        let secrets = match method.map(|method| method.grant) {
            Some(Grant::ClientCredentials(provider)) => {
                let around = (&self.http, RENEWED_WITHIN);
                let at = (base_url, &new.settings);
                with_own_token((provider, crm), at, new.secrets, around).await?
            }
            _ => new.secrets,
        };
        let session = self.session(new.adapter, base_url, &new.settings, secrets)?;
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
        self.may_call(&url.map_err(|source| ConnectionError::BaseUrl { source })?)
    }

    /// Whether calls could go there; what a name resolves to is judged at each call.
    ///
    /// # Errors
    /// [`ConnectionError::ForbiddenAddress`].
    pub fn may_call(&self, url: &BaseUrl) -> Result<(), ConnectionError> {
        let admitted = self.http.guard().admits(&url.clone().into());
        admitted.map_err(|source| ConnectionError::ForbiddenAddress { source })
    }

    pub(crate) fn session(
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

/// Newer secrets are there if somebody connected the account again during the call, or if the provider
/// renews those that were refused.
struct Renewed {
    doors: Doors,
    id: ConnectionId,
    /// When the attempt ends, if it does.
    ends: Option<Instant>,
}

#[async_trait]
impl Renewal for Renewed {
    async fn renew(&self, refused: SecretVersion) -> Result<Option<Secrets>, RenewalError> {
        let unread = |error: ConnectionError| RenewalError(error.to_string());
        let until = Instant::now() + RENEWED_WITHIN;
        let until = self.ends.map_or(until, |ends| ends.min(until));
        let now = self.doors.connections.open_now(self.id).await;
        let now = now.map_err(unread)?;
        let renewed = self.doors.renewals.usable(now, Some(refused), until);
        match renewed.await {
            Ok(now) => Ok(Some(now.secrets).filter(|secrets| secrets.version() > refused)),
            Err(Unrenewed::Gone(_)) => Ok(None),
            Err(Unrenewed::Connection(error)) => Err(unread(error)),
            Err(later) => Err(RenewalError(later.to_string())),
        }
    }
}
