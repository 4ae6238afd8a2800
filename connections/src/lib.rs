//! Accounts and their CRM connections: everything that opens a door.
//!
//! A connection says where an account's leads go: which CRM, which account there, and the secrets
//! that open it. [`Connections`] keeps them in `leadrail.connection`; the secrets are sealed by the
//! [`vault`] before they reach the database and opened only for the call that needs them. [`Doors`]
//! is the only way from a connection to a session with its CRM. A connection that the CRM no longer
//! accepts becomes [`ConnectionState::NeedsReauth`] and its leads wait until someone connects again,
//! under the same id. Secrets that a provider issues are renewed by [`Doors`] before they end (`oauth/`).

mod cache;
mod connection;
mod door;
mod error;
pub mod links;
mod lookup;
mod migrate;
mod new_connection;
mod oauth;
mod rotate;
mod rows;
mod sealed;
mod settings;
mod store;
pub mod vault;

pub use connection::{Connection, ConnectionId, ConnectionState, OpenConnection};
pub use door::{Closed, Door, DoorError, Doors};
pub use error::{ConnectionError, ConnectionResult};
pub use leadrail_engine::migrate::MigrateError;
pub use leadrail_outbound::{BaseUrl, UrlError};
pub use lookup::Lookup;
pub use migrate::{PRODUCT, grant_api, grant_doors, migrate, newer, pending};
pub use new_connection::{NewConnection, crm_account_id};
pub use oauth::{
    BegunSignIn, Departure, NewProviderClient, ProviderClient, Return, SignInError, SignedIn,
    WantedSignIn, provider_clients,
};
pub use rotate::{Rotated, SealedWith, sealed_with};
pub use rows::{ConnectionCount, ProbeDue};
pub use settings::{
    ConnectionSettings, DELIVERY, DeliverySetting, DeliverySettings, OnUnknownOutcome,
    SettingsError,
};
pub use store::{ConnectionFilter, Connections, counts, find, get, list};
pub use vault::{Vault, VaultError, VaultKey};
