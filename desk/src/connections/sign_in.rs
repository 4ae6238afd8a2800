//! Signing in: a link for whoever administers the account, the way to the provider, and the way back.

use super::difference::difference;
use super::propose::place;
use crate::actor::{Action, Actor};
use crate::connections::{Connected, Given};
use crate::crm::adapter;
use crate::desk::Desk;
use crate::error::{DeskError, DeskResult};
use chrono::{DateTime, Utc};
use leadrail_adapters::{CrmAdapter, Grant};
use leadrail_connections::{Connection, Departure, Return, SignInError, WantedSignIn};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

/// Who signs in: nobody that we know by name.
const SIGNED_IN: Actor = Actor::System { part: "sign_in" };

/// A sign-in that was begun.
pub struct BegunSignIn {
    /// The connection: `pending` if it is new, else as it was until somebody has signed in.
    pub connection: Connection,
    /// To be opened by whoever administers the account. Whoever has it may sign in for this connection.
    pub url: SecretString,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

impl Desk {
    /// Begins a sign-in, for a new connection or one that is there: the link works for a day, until
    /// somebody has signed in. Settings that are given hold from now on, a budget among them.
    ///
    /// # Errors
    /// [`DeskError`], with `is_wrong_use` for what was given, for a CRM that nobody signs in to, and
    /// without a `public_url` or a client of ours; or when the database cannot be written.
    pub async fn begin_sign_in(
        &self,
        who: &Actor,
        mut given: Given,
        environment: Option<String>,
    ) -> DeskResult<BegunSignIn> {
        let way = sign_in_way(adapter(&given.crm)?)?;
        given.auth_method = Some(way.to_owned());
        // Nothing is begun that could not be ended.
        let public_url = self.public_url()?.clone();
        self.check_vault_key().await?;
        let (before, begun) = self.begun(who, &given, environment.as_deref()).await?;
        let connection = begun.connection;
        let (provider, ticket) = (begun.provider, begun.ticket.expose_secret());
        let url = format!("{}/oauth/{provider}/start/{ticket}", public_url.as_str());
        let what = difference(before.as_ref(), &connection);
        self.note(who, Action::SignInBegin, &connection.id, &what)
            .await;
        self.set_budget(before.as_ref(), &connection).await?;
        Ok(BegunSignIn {
            connection,
            url: SecretString::from(url),
            expires_at: begun.expires_at,
        })
    }

    /// Begins it for the connection as it is now, and anew where somebody changes that in between; what
    /// stood there before, and what was begun.
    async fn begun(
        &self,
        who: &Actor,
        given: &Given,
        environment: Option<&str>,
    ) -> DeskResult<(Option<Connection>, leadrail_connections::BegunSignIn)> {
        loop {
            let proposed = self.propose(given.clone()).await?;
            let before = self.in_place_of(place(&proposed.connection)).await?;
            let wanted = WantedSignIn {
                connection: proposed.connection,
                revision: proposed.revision,
                environment: environment.map(str::to_owned),
                by: who.to_string(),
            };
            if let Some(begun) = self.doors()?.begin_sign_in(wanted).await? {
                return Ok((before, begun));
            }
        }
    }

    /// Sends a browser that opened a link to the provider.
    ///
    /// # Errors
    /// [`SignInError`]: what to tell the person.
    pub async fn depart(
        &self,
        provider: &str,
        ticket: &SecretString,
    ) -> Result<Departure, SignInError> {
        let (Ok(doors), Ok(callback)) = (self.doors(), self.callback(provider)) else {
            return Err(SignInError::NoLink);
        };
        doors.depart(provider, ticket, &callback).await
    }

    /// Takes in who came back, and lets the leads go that waited for that.
    ///
    /// # Errors
    /// [`SignInError`]: what to tell the person.
    pub async fn arrive(&self, provider: &str, back: &Return) -> Result<Arrived, SignInError> {
        let (Ok(doors), Ok(callback)) = (self.doors(), self.callback(provider)) else {
            return Err(SignInError::Again);
        };
        let signed_in = doors.arrive(provider, back, &callback).await?;
        let connection = signed_in.connection;
        let id = connection.id;
        self.note(&SIGNED_IN, Action::SignInEnd, &id, &connection.state)
            .await;
        let budgeted = self.set_budget(Some(&signed_in.before), &connection).await;
        if let Err(error) = &budgeted {
            tracing::warn!(connection.id = %id, "The lanes of connection {id} could not be limited: {error}");
        }
        // The connection works already; leads that could not be let go now look again by themselves.
        let released = self.release(&SIGNED_IN, &connection).await;
        if let Err(error) = &released {
            tracing::warn!(connection.id = %id, "Leads that waited for connection {id} could not be let go yet: {error}");
        }
        Ok(Arrived {
            connected: Connected {
                released: released.unwrap_or_default(),
                connection,
            },
            name: signed_in.name,
        })
    }

    /// Where browsers come back to from this provider: the exact address that is registered there.
    pub(crate) fn callback(&self, provider: &str) -> DeskResult<Url> {
        let url = format!("{}/oauth/{provider}/callback", self.public_url()?.as_str());
        Url::parse(&url).map_err(|_| DeskError::refused("provider", "there is no such provider"))
    }
}

/// Somebody has signed in.
pub struct Arrived {
    /// The connection, and how many leads it let go.
    pub connected: Connected,
    /// What the CRM calls the account.
    pub name: String,
}

/// The way in of a CRM by which somebody signs in.
fn sign_in_way(adapter: &dyn CrmAdapter) -> DeskResult<&'static str> {
    let crm = adapter.crm();
    let mut ways = crm.auth.iter();
    let way = ways.find(|method| matches!(method.grant, Grant::Code(_)));
    way.map(|method| method.id).ok_or_else(|| {
        let known: Vec<_> = crm.auth.iter().map(|method| method.id).collect();
        let reason = format!(
            "nobody signs in to {}: connect it with its secrets; ways in: {}",
            crm.title,
            known.join(", ")
        );
        DeskError::refused("crm", reason)
    })
}
