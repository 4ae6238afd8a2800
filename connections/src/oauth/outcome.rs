//! What a provider's answer to a renewal asks for: to store, to wait, or to ask a person.

use chrono::{DateTime, Utc};
use leadrail_adapters::SecretVersion;
use leadrail_adapters::oauth::{Flow, Provider, is_of_client};
use leadrail_engine::failpoint;
use std::time::Duration;

use super::call::CallFault;
use super::exchange::TokenFault;
use super::grants;
use super::renewing::{Renewals, Renewing};
use super::tokens::Tokens;
use super::unrenewed::{A_WHILE, QUIET, Unrenewed, failing, own_refused, token_of};
use crate::{ConnectionError, ConnectionId, ConnectionResult, OpenConnection};

impl Renewals {
    /// Asks the provider, and does what its answer asks for.
    pub(super) async fn renew(&self, renewing: Renewing) -> Result<(), Unrenewed> {
        match self.ask(&renewing).await {
            Ok(Ok(tokens)) => {
                failpoint!("oauth.after_answer");
                self.store(&renewing, &tokens).await
            }
            Ok(Err(TokenFault::Refused(code))) => self.refused(&renewing, &code).await,
            Ok(Err(TokenFault::Call(fault))) => self.unanswered(&renewing, fault).await,
            Err(unasked) => {
                let (pool, id) = (self.connections().access(), renewing.open.connection.id);
                let ended = grants::unclaim(pool, id, renewing.claim, renewing.again).await;
                ended.map_err(ConnectionError::from)?;
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
        self.give_back(renewing, Some(A_WHILE), false).await?;
        if is_of_client(code) {
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
        let (is_lost, asked) = (fault == CallFault::Lost, fault.asks_for());
        self.give_back(renewing, asked, is_lost).await?;
        if is_lost {
            tracing::warn!(connection.id = %id, "{}'s answer to a renewal of connection {id} was lost", provider.title);
        }
        let token = token_of(&renewing.open, provider);
        match is_lost && !token.may_be_used_again(Duration::ZERO) {
            // Whoever waits finds it marked so, and asks a person.
            true => Ok(()),
            false => Err(failing(provider, asked.unwrap_or(QUIET))),
        }
    }

    async fn store(&self, renewing: &Renewing, tokens: &Tokens) -> Result<(), Unrenewed> {
        let open = &renewing.open;
        let (id, version) = (open.connection.id, open.secrets.version());
        let secrets = (version, open.secrets.clone());
        let kept = self.connections().keep(&open.connection, secrets, tokens);
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

    /// Ends our claim. An answer to this use, whatever it says, is none to an earlier one.
    async fn give_back(
        &self,
        renewing: &Renewing,
        asked: Option<Duration>,
        is_lost: bool,
    ) -> ConnectionResult<()> {
        let (pool, id) = (self.connections().access(), renewing.open.connection.id);
        let next = (asked, is_lost || renewing.again);
        Ok(grants::give_back(pool, id, renewing.claim, next).await?)
    }

    /// The provider knows the grant no more. Somebody may have signed in again meanwhile.
    async fn gone(&self, renewing: &Renewing, code: &str) -> Result<(), Unrenewed> {
        let (open, provider) = (&renewing.open, renewing.provider);
        let title = provider.title;
        let why = match provider.flow {
            Flow::Code => format!("{title} no longer accepts our sign-in ({code}): sign in again"),
            Flow::ClientCredentials => own_refused(provider, code),
        };
        self.condemn(open.connection.id, open.secrets.version(), why)
            .await
    }

    /// A refresh token was sent that may be used up, and nobody knows what came of it; the access token has
    /// ended.
    pub(super) async fn answer_lost(
        &self,
        open: &OpenConnection,
        provider: &Provider,
        used: DateTime<Utc>,
    ) -> Result<(), Unrenewed> {
        let (id, title) = (open.connection.id, provider.title);
        let why = format!(
            "{title}'s answer to the renewal of {} UTC was lost, so its refresh token may be used up: sign in \
             again, or let `leadrail connection test {id} --once-more` try it",
            used.format("%Y-%m-%d %H:%M:%S")
        );
        self.condemn(id, open.secrets.version(), why).await
    }

    /// Notes that a person must bring other secrets than this version; nothing where somebody just has.
    async fn condemn(
        &self,
        id: ConnectionId,
        version: SecretVersion,
        why: String,
    ) -> Result<(), Unrenewed> {
        let connections = self.connections();
        if connections.mark_needs_reauth(id, version, &why).await? {
            tracing::warn!(connection.id = %id, "Connection {id} needs a sign-in: {why}");
        }
        match connections.get(id).await?.secret_version == version {
            true => Err(Unrenewed::Gone(why)),
            false => Ok(()),
        }
    }
}
