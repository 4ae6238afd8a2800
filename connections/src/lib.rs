//! Accounts and their CRM connections.
//!
//! A connection says where an account's leads go: which CRM, which account there, and the
//! credential that opens it. [`Connections`] keeps them in `leadrail.connection`; the credential is
//! sealed by the [`vault`] before it reaches the database and opened only for the call that needs
//! it. A connection that the CRM no longer accepts becomes [`ConnectionState::NeedsReauth`] and its
//! leads wait until someone connects again, under the same id.

pub mod base_url;
mod cache;
mod connection;
mod error;
mod lookup;
mod migrate;
mod new_connection;
mod rows;
mod settings;
mod store;
pub mod vault;

pub use base_url::{BaseUrl, BaseUrlError};
pub use connection::{Connection, ConnectionId, ConnectionState, Credential, OpenConnection};
pub use error::{ConnectionError, ConnectionResult};
pub use leadrail_engine::migrate::MigrateError;
pub use lookup::Lookup;
pub use migrate::{PRODUCT, migrate, pending};
pub use new_connection::NewConnection;
pub use settings::{ConnectionSettings, OnUnknownOutcome, SettingsError};
pub use store::{ConnectionFilter, Connections};
pub use vault::{VaultError, VaultKey};
