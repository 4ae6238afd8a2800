//! Renews tokens: one renewal at a time for a connection, over all processes.
//!
//! From 80 % of a token's life on whoever opens the connection renews it beside its work; once it has ended
//! or was refused, everybody waits for the one who does. The call is made outside any transaction, in a
//! task of its own: an attempt that is cut off takes no answer along. What comes is written before it is
//! used.
//!
//! | what came | what follows |
//! |---|---|
//! | tokens | are stored, if the secrets are still those that they were renewed from |
//! | the grant is gone (`invalid_grant`) | the row is read again; with the same secrets there, `needs_reauth` |
//! | another refusal, 429, 5xx, nothing was sent | is tried again later; no connection is condemned for it |
//! | no answer, or its worker died | a token that lasts is used again, one that brings the same answer for a while within that; one of one use is not: the access token serves until it ends, then a person is asked |
//!
//! What is done with an answer is in [`outcome`](super::outcome).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use leadrail_adapters::oauth::{Provider, RefreshToken};
use leadrail_adapters::{ACCESS_TOKEN, CrmInfo, SecretVersion};
use leadrail_engine::Sees;
use leadrail_lead::CrmName;
use leadrail_outbound::Outbound;
use tokio::time::{sleep, timeout_at};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::asking::answers_within;
use super::grants::{self, Standing};
use super::unrenewed::{QUIET, Unrenewed, Wait, failing, later, token_of, wait_of};
use crate::{ConnectionError, ConnectionId, ConnectionResult, Connections, OpenConnection};

/// A claim outlives its call by so much: for our own database, before and after.
const AROUND_THE_CALL: Duration = Duration::from_secs(5);

/// How often it is looked whether another's renewal has ended.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// More connections than a worker uses within a token's life; beyond it all are read anew.
const MAX_KNOWN: usize = 20_000;

/// Who renews. Clones share what is known and what is under way.
#[derive(Clone)]
pub(crate) struct Renewals(Arc<Inner>);

struct Inner {
    connections: Connections,
    http: Outbound,
    known: Mutex<HashMap<ConnectionId, Known>>,
    under_way: TaskTracker,
}

/// When the tokens of one version are due and end.
#[derive(Clone, Copy)]
struct Known {
    version: SecretVersion,
    due: Option<Instant>,
    ends: Option<Instant>,
}

/// Whether tokens can be used.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    None,
    /// They can, and are to be renewed meanwhile.
    Soon,
    /// They cannot.
    Now,
}

/// What a renewal is made of: the connection as it was read, and who issues its tokens.
pub(super) struct Renewing {
    pub(super) open: OpenConnection,
    pub(super) provider: &'static Provider,
    pub(super) claim: Uuid,
    /// No answer came to an earlier use of the token.
    pub(super) again: bool,
}

/// What became of a try to begin one.
enum Begun {
    /// It is under way in this process.
    Ours(tokio::task::JoinHandle<Result<(), Unrenewed>>),
    /// Others have the turn, or nobody: this is how it stands.
    Theirs(Standing),
    /// There are newer secrets.
    Moved,
}

impl Renewals {
    /// Renews for whoever finds that it is due: the tokens are the connection's, so it sees all.
    pub(crate) fn new(connections: &Connections, http: Outbound) -> Self {
        Self(Arc::new(Inner {
            connections: connections.seeing(Sees::All),
            http,
            known: Mutex::default(),
            under_way: TaskTracker::new(),
        }))
    }

    /// The connection with an access token that should open its CRM, newer than `refused` if one was.
    /// Waits for a renewal until `end` at most; one that was begun goes on.
    pub(crate) async fn usable(
        &self,
        mut open: OpenConnection,
        refused: Option<SecretVersion>,
        end: Instant,
    ) -> Result<OpenConnection, Unrenewed> {
        let Some(provider) = self.provider(&open) else {
            return Ok(open);
        };
        loop {
            let need = match refused.is_some_and(|refused| refused >= open.secrets.version()) {
                true => Need::Now,
                false => self.need(&open).await?,
            };
            match need {
                Need::None => return Ok(open),
                Need::Soon => {
                    self.begin_beside(&open, provider).await;
                    return Ok(open);
                }
                Need::Now => self.until_renewed(&open, provider, end).await?,
            }
            open = self.0.connections.open_uncached(open.connection.id).await?;
        }
    }

    /// Returns when no renewal of this process is under way.
    pub(crate) async fn settled(&self) {
        self.0.under_way.close();
        self.0.under_way.wait().await;
    }

    /// Lets a token be used again of whose last use no answer came, because a person asks for it.
    pub(crate) async fn forgive(&self, id: ConnectionId) -> ConnectionResult<()> {
        Ok(grants::forgive(self.0.connections.access(), id).await?)
    }

    pub(super) fn connections(&self) -> &Connections {
        &self.0.connections
    }

    pub(super) fn http(&self) -> &Outbound {
        &self.0.http
    }

    pub(super) fn crm(&self, open: &OpenConnection) -> Option<&'static CrmInfo> {
        let name = CrmName::new(&open.connection.crm).ok()?;
        let adapter = self.0.connections.adapters().get(&name)?;
        Some(adapter.crm())
    }

    /// Who issues the tokens of this connection, where somebody does.
    fn provider(&self, open: &OpenConnection) -> Option<&'static Provider> {
        let method = self.crm(open)?.auth_method(&open.connection.auth_method)?;
        method.provider()
    }

    async fn need(&self, open: &OpenConnection) -> ConnectionResult<Need> {
        if open.secrets.get(ACCESS_TOKEN).is_none() {
            return Ok(Need::Now);
        }
        let known = self.known(open).await?;
        let now = Instant::now();
        let past = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        Ok(match (past(known.ends), past(known.due)) {
            (true, _) => Need::Now,
            (false, true) => Need::Soon,
            (false, false) => Need::None,
        })
    }

    /// When these tokens are due and end: asked once, for it never changes.
    async fn known(&self, open: &OpenConnection) -> ConnectionResult<Known> {
        let (id, version) = (open.connection.id, open.secrets.version());
        let found = self.lock().get(&id).copied();
        if let Some(known) = found.filter(|known| known.version == version) {
            return Ok(known);
        }
        let read = Instant::now();
        let times = grants::times(self.0.connections.access(), id, version).await?;
        let at = |seconds: Option<f64>| {
            let seconds = seconds?.max(0.0);
            Some(read + Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX / 4))
        };
        let known = Known {
            version,
            due: at(times.as_ref().and_then(|times| times.refresh_in)),
            ends: at(times.as_ref().and_then(|times| times.expires_in)),
        };
        self.note(id, known);
        Ok(known)
    }

    fn note(&self, id: ConnectionId, known: Known) {
        let mut all = self.lock();
        if all.len() >= MAX_KNOWN {
            all.clear();
        }
        all.insert(id, known);
    }

    /// Begins a renewal if it is our turn. Whatever stands against it, the present token serves.
    async fn begin_beside(&self, open: &OpenConnection, provider: &'static Provider) {
        // Before it begins: whoever else of this process opens the connection meanwhile leaves it to us.
        self.put_off(open);
        if let Err(error) = self.begin(open, provider).await {
            let id = open.connection.id;
            tracing::warn!(connection.id = %id, "The tokens of connection {id} could not be renewed early: {error}");
        }
    }

    /// Lets this process look for no early renewal for a moment.
    fn put_off(&self, open: &OpenConnection) {
        let quiet = Instant::now() + QUIET;
        let version = open.secrets.version();
        if let Some(known) = self.lock().get_mut(&open.connection.id)
            && known.version == version
        {
            known.due = known.due.map(|due| due.max(quiet));
        }
    }

    /// Returns once there may be newer secrets.
    async fn until_renewed(
        &self,
        open: &OpenConnection,
        provider: &'static Provider,
        end: Instant,
    ) -> Result<(), Unrenewed> {
        match self.begin(open, provider).await? {
            Begun::Moved => Ok(()),
            Begun::Ours(renewal) => match timeout_at(end.into(), renewal).await {
                Ok(Ok(ended)) => ended,
                Ok(Err(_)) | Err(_) => Err(later(provider, LOOK_EVERY)),
            },
            Begun::Theirs(standing) => self.until_ended(open, provider, standing, end).await,
        }
    }

    /// Looks how it stands with another's renewal, and at nothing else, until that has ended.
    async fn until_ended(
        &self,
        open: &OpenConnection,
        provider: &'static Provider,
        mut standing: Standing,
        end: Instant,
    ) -> Result<(), Unrenewed> {
        loop {
            match wait_of(&standing, token_of(open, provider)) {
                Wait::For(after) => return Err(failing(provider, after)),
                Wait::Person(used) => return self.answer_lost(open, provider, used).await,
                Wait::Look if Instant::now() + LOOK_EVERY >= end => {
                    return Err(later(provider, LOOK_EVERY));
                }
                Wait::Look => sleep(LOOK_EVERY).await,
            }
            match self.standing(open).await? {
                Some(now) if now.is_under_way() => standing = now,
                _ => return Ok(()),
            }
        }
    }

    /// How it stands with a renewal of these secrets; `None` once there are newer ones.
    async fn standing(&self, open: &OpenConnection) -> ConnectionResult<Option<Standing>> {
        let standing = grants::standing(self.0.connections.access(), open.connection.id).await?;
        Ok(standing.filter(|now| now.version == open.secrets.version()))
    }

    async fn begin(
        &self,
        open: &OpenConnection,
        provider: &'static Provider,
    ) -> Result<Begun, Unrenewed> {
        let pool = self.0.connections.access();
        let (id, version) = (open.connection.id, open.secrets.version());
        let claim = Uuid::new_v4();
        let token = token_of(open, provider);
        let lasts = lasts(token);
        let claimed = grants::claim(pool, (id, version), claim, lasts, token).await;
        let claimed = claimed.map_err(ConnectionError::from)?;
        if !claimed.current {
            return Ok(Begun::Moved);
        }
        if !claimed.claimed {
            let standing = self.standing(open).await?;
            return Ok(standing.map_or(Begun::Moved, Begun::Theirs));
        }
        let renewing = Renewing {
            open: open.clone(),
            provider,
            claim,
            again: claimed.again,
        };
        let inner = self.clone();
        let renewal = async move { inner.renew(renewing).await };
        Ok(Begun::Ours(self.0.under_way.spawn(renewal)))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ConnectionId, Known>> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long a claim lasts: as long as the provider may take, and a little.
pub(super) fn lasts(token: RefreshToken) -> Duration {
    answers_within(token) + AROUND_THE_CALL
}
