//! The HTTP API.
//!
//! [`bind`] an address and [`serve`]: `POST /v1/leads` takes leads in, `GET /v1/leads` and
//! `GET /v1/leads/{event_id}` show where they are, `/v1/runs` carries signals to runs,
//! `/v1/connections` makes, changes and tests the ways into the CRMs, `/v1/keys` makes API keys, `/v1/me`
//! says what the caller's may do, `/v1/audit` who changed what, and `/healthz`, `/readyz`, `/metrics`,
//! `/openapi.json` and `/docs` are for whoever runs it.
//!
//! A lead that was answered with 2xx is committed. Single leads that come at the same time share a
//! commit. Every error is a problem (RFC 9457), a database that is away is a 503 within two seconds,
//! and nothing a caller sent is ever logged.
//!
//! It only translates: what is done and every rule of it is `leadrail-desk`'s.
//!
//! Callers on this machine need no key ([`bind`]). Others are let in by name ([`Admission`]), with an API
//! key, and by [`bind_with`] only: over TLS ([`Tls`]), or through a proxy that is named. What a key may do
//! is the desk's to say (`audience`), how often it may call [`Rates`].

mod admission;
mod arrival;
mod audience;
mod audit;
mod bind;
mod body;
mod changes;
mod connection;
mod connections;
mod docs;
mod edge;
mod erasures;
mod extract;
mod guard;
mod health;
mod keys;
mod leads;
mod links;
mod listen;
mod metrics;
mod openapi;
mod pages;
mod params;
mod patience;
mod places;
mod problem;
mod problems;
mod providers;
mod queue;
mod rates;
mod router;
mod runs;
mod sign_ins;
mod state;
mod tls;

pub use admission::Admission;
pub use bind::{BindError, Listener, bind, bind_with, is_for_others};
pub use listen::{serve, serve_within, serve_worker};
pub use openapi::openapi;
pub use places::Limits;
pub use rates::{Rate, Rates};
pub use router::router;
pub use tls::{Tls, TlsError};
