//! Tokens that providers issue: signing in, renewing, and our own clients there.
//!
//! What a provider is like is data (`adapters/src/oauth/`). Tokens lie with the connection's other
//! secrets, sealed together; `leadrail.oauth_grant` says when they end and who renews them now. One
//! renewal is under way at a time for a connection, over all processes, and what it brings is written
//! before it is used ([`renewing`]). Why: `docs/decisions/0023-sign-ins-and-renewals.md`.

mod asking;
mod authorize;
mod call;
mod clients;
mod exchange;
mod grants;
mod outcome;
mod renewing;
mod sign_in;
mod sign_in_error;
mod sign_in_rows;
mod stored;
mod tokens;
mod unrenewed;

pub(crate) use asking::with_own_token;
pub use clients::{NewProviderClient, ProviderClient, provider_clients};
pub(crate) use clients::{move_clients, sealed_clients, sealed_otherwise};
pub(crate) use renewing::Renewals;
pub use sign_in::{BegunSignIn, Departure, Return, SignedIn, WantedSignIn};
pub use sign_in_error::SignInError;
pub(crate) use unrenewed::Unrenewed;
