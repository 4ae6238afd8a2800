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
//! | no answer, or its worker died | a token that lasts is used again; one of one use is not: the access token serves until it ends, then a person is asked |

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use leadrail_adapters::oauth::{Flow, Provider};
use leadrail_adapters::{ACCESS_TOKEN, SecretVersion};
use leadrail_engine::{Sees, failpoint};
use leadrail_outbound::Outbound;
use tokio::time::sleep;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::asking::ANSWERS_WITHIN;
use super::call::CallFault;
use super::exchange::TokenFault;
use super::grants::{self, Standing};
use super::tokens::Tokens;
use super::unrenewed::{Unrenewed, Wait, failing, later, token_of, wait_of};
use crate::{ConnectionError, ConnectionId, ConnectionResult, Connections, OpenConnection};

/// A claim outlives its call by so much: for our own database, before and after.
const AROUND_THE_CALL: Duration = Duration::from_secs(5);

/// How often it is looked whether another's renewal has ended.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// After a renewal could not be begun, another is not looked for by this process for so long.
const QUIET: Duration = Duration::from_secs(1);

/// How long a provider is left alone that refuses for a reason which passes, or which an operator mends.
const A_WHILE: Duration = Duration::from_secs(60);

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
    claim: Uuid,
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
    /// Waits for at most `left` for a renewal.
    pub(crate) async fn usable(
        &self,
        mut open: OpenConnection,
        refused: Option<SecretVersion>,
        left: Duration,
    ) -> Result<OpenConnection, Unrenewed> {
        let Some(provider) = self.provider(&open) else {
            return Ok(open);
        };
        if provider.flow == Flow::Code && open.secrets.iter().next().is_none() {
            return Err(Unrenewed::Gone("nobody has signed in yet".to_owned()));
        }
        let end = Instant::now() + left;
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

    /// Who issues the tokens of this connection, where somebody does.
    fn provider(&self, open: &OpenConnection) -> Option<&'static Provider> {
        let crm = leadrail_lead::CrmName::new(&open.connection.crm).ok()?;
        let adapter = self.0.connections.adapters().get(&crm)?;
        let method = adapter.crm().auth_method(&open.connection.auth_method)?;
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
        let begun = self.begin(open, provider).await;
        if let Err(error) = &begun {
            let id = open.connection.id;
            tracing::warn!(connection.id = %id, "The tokens of connection {id} could not be renewed early: {error}");
        }
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
        let left = |end: Instant| end.saturating_duration_since(Instant::now());
        match self.begin(open, provider).await? {
            Begun::Moved => Ok(()),
            Begun::Ours(renewal) => match tokio::time::timeout(left(end), renewal).await {
                Ok(Ok(ended)) => ended,
                Ok(Err(_)) | Err(_) => Err(later(provider, LOOK_EVERY)),
            },
            Begun::Theirs(standing) => match wait_of(&standing, token_of(open, provider)) {
                Wait::Look if left(end) > LOOK_EVERY => {
                    sleep(LOOK_EVERY).await;
                    Ok(())
                }
                Wait::Look => Err(later(provider, LOOK_EVERY)),
                Wait::For(after) => Err(failing(provider, after)),
                Wait::Person => self.answer_lost(open, provider, &standing).await,
            },
        }
    }

    async fn begin(
        &self,
        open: &OpenConnection,
        provider: &'static Provider,
    ) -> Result<Begun, Unrenewed> {
        let pool = self.0.connections.access();
        let (id, version) = (open.connection.id, open.secrets.version());
        let claim = Uuid::new_v4();
        let lasts = ANSWERS_WITHIN + AROUND_THE_CALL;
        let token = token_of(open, provider);
        let claimed = grants::claim(pool, (id, version), claim, lasts, token).await;
        let claimed = claimed.map_err(ConnectionError::from)?;
        if !claimed.current {
            return Ok(Begun::Moved);
        }
        if !claimed.claimed {
            let standing = grants::standing(pool, id).await;
            let standing = standing.map_err(ConnectionError::from)?;
            return Ok(match standing.filter(|now| now.version == version) {
                Some(standing) => Begun::Theirs(standing),
                None => Begun::Moved,
            });
        }
        let renewing = Renewing {
            open: open.clone(),
            provider,
            claim,
        };
        let inner = self.clone();
        let renewal = async move { inner.renew(renewing).await };
        Ok(Begun::Ours(self.0.under_way.spawn(renewal)))
    }

    /// Asks the provider, and does what its answer asks for.
    async fn renew(&self, renewing: Renewing) -> Result<(), Unrenewed> {
        match self.ask(&renewing).await {
            Ok(Ok(tokens)) => {
                failpoint!("oauth.after_answer");
                self.store(&renewing, &tokens).await
            }
            Ok(Err(TokenFault::Refused(code))) => self.refused(&renewing, &code).await,
            Ok(Err(TokenFault::Call(fault))) => self.unanswered(&renewing, fault).await,
            Err(unasked) => {
                self.give_back(&renewing, None).await?;
                Err(unasked)
            }
        }
    }

    async fn refused(&self, renewing: &Renewing, code: &str) -> Result<(), Unrenewed> {
        let (provider, id) = (renewing.provider, renewing.open.connection.id);
        let (name, title) = (provider.name, provider.title);
        if provider.says_gone(code) {
            return self.gone(renewing, code).await;
        }
        self.give_back(renewing, Some(A_WHILE)).await?;
        if matches!(code, "invalid_client" | "unauthorized_client") {
            tracing::error!(connection.id = %id, "{title} refuses our own client ({code}); `leadrail provider set {name}` gives another");
            return Err(Unrenewed::Setup(format!(
                "{title} refuses our own client ({code}): the operator has to give it anew with `leadrail \
                 provider set {name}`"
            )));
        }
        tracing::warn!(connection.id = %id, "{title} did not renew the tokens of connection {id} ({code})");
        Err(failing(provider, A_WHILE))
    }

    async fn unanswered(&self, renewing: &Renewing, fault: CallFault) -> Result<(), Unrenewed> {
        let (provider, id) = (renewing.provider, renewing.open.connection.id);
        let token = token_of(&renewing.open, provider);
        if fault == CallFault::Lost && !token.may_be_used_again(Duration::ZERO) {
            let lost = grants::lose(self.0.connections.access(), id, renewing.claim).await;
            lost.map_err(ConnectionError::from)?;
            tracing::warn!(connection.id = %id, "{}'s answer to a renewal of connection {id} was lost", provider.title);
            return Ok(());
        }
        let asked = match fault {
            CallFault::Failed { retry_after, .. } => retry_after,
            CallFault::NotSent | CallFault::Lost => None,
        };
        self.give_back(renewing, asked).await?;
        Err(failing(provider, asked.unwrap_or(QUIET)))
    }

    async fn store(&self, renewing: &Renewing, tokens: &Tokens) -> Result<(), Unrenewed> {
        let open = &renewing.open;
        let (id, version) = (open.connection.id, open.secrets.version());
        let secrets = (version, open.secrets.clone());
        let kept = self.0.connections.keep(&open.connection, secrets, tokens);
        match kept.await? {
            true => {
                tracing::debug!(connection.id = %id, "The tokens of connection {id} were renewed")
            }
            false => {
                tracing::info!(connection.id = %id, "Connection {id} was connected again while its tokens were renewed");
            }
        }
        Ok(())
    }

    async fn give_back(
        &self,
        renewing: &Renewing,
        asked: Option<Duration>,
    ) -> ConnectionResult<()> {
        let (pool, id) = (self.0.connections.access(), renewing.open.connection.id);
        Ok(grants::give_back(pool, id, renewing.claim, asked).await?)
    }

    /// The provider knows the grant no more. Somebody may have signed in again meanwhile.
    async fn gone(&self, renewing: &Renewing, code: &str) -> Result<(), Unrenewed> {
        let open = &renewing.open;
        let (id, version) = (open.connection.id, open.secrets.version());
        let now = self.0.connections.get(id).await?;
        if now.secret_version != version {
            return Ok(());
        }
        let title = renewing.provider.title;
        let why = match renewing.provider.flow {
            Flow::Code => format!("{title} no longer accepts our sign-in ({code}): sign in again"),
            Flow::ClientCredentials => {
                format!("{title} does not accept the account's client ({code}): give it anew")
            }
        };
        self.condemn(id, version, why).await
    }

    /// A refresh token of one use was sent and nobody knows what came of it; the access token has ended.
    async fn answer_lost(
        &self,
        open: &OpenConnection,
        provider: &Provider,
        standing: &Standing,
    ) -> Result<(), Unrenewed> {
        let title = provider.title;
        let when = standing.claimed_at.map_or_else(String::new, |at| {
            format!(" of {} UTC", at.format("%Y-%m-%d %H:%M:%S"))
        });
        let id = open.connection.id;
        let why = format!(
            "{title}'s answer to the renewal{when} was lost, so its refresh token may be used up: sign in \
             again, or let `leadrail connection test {id} --once-more` try it"
        );
        self.condemn(id, open.secrets.version(), why).await
    }

    async fn condemn(
        &self,
        id: ConnectionId,
        version: SecretVersion,
        why: String,
    ) -> Result<(), Unrenewed> {
        let connections = &self.0.connections;
        if connections.mark_needs_reauth(id, version, &why).await? {
            tracing::warn!(connection.id = %id, "Connection {id} needs a sign-in: {why}");
        }
        match connections.get(id).await?.secret_version == version {
            true => Err(Unrenewed::Gone(why)),
            false => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ConnectionId, Known>> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
