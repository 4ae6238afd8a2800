//! The HTTP API.
//!
//! [`bind`] a loopback address and [`serve`]: `POST /v1/leads` takes leads in, `GET /v1/leads` and
//! `GET /v1/leads/{event_id}` show where they are, `/v1/runs` carries signals to runs,
//! `/v1/connections` makes, changes and tests the ways into the CRMs, `/v1/keys` makes API keys, `/v1/me`
//! says what the caller's may do, `/v1/audit` who changed what, and `/healthz`, `/readyz`, `/metrics` and
//! `/openapi.json` are for whoever runs it.
//!
//! A lead that was answered with 2xx is committed. Single leads that come at the same time share a
//! commit. Every error is a problem (RFC 9457), a database that is away is a 503 within two seconds,
//! and nothing a caller sent is ever logged.
//!
//! It only translates: what is done and every rule of it is `leadrail-desk`'s.
//!
//! It listens on this machine only: other addresses are refused by [`bind`], for there is no TLS here. A
//! proxy before it is let in by name ([`Admission`]), and whoever comes through it needs an API key;
//! what a key may do is the desk's to say (`audience`).

mod admission;
mod audience;
mod audit;
mod body;
mod changes;
mod connections;
mod edge;
mod extract;
mod guard;
mod health;
mod keys;
mod leads;
mod listen;
mod metrics;
mod openapi;
mod params;
mod patience;
mod places;
mod problem;
mod problems;
mod providers;
mod queue;
mod router;
mod runs;
mod sign_ins;
mod state;

pub use admission::Admission;
pub use listen::{BindError, Listener, bind, serve, serve_within, serve_worker};
pub use openapi::openapi;
pub use places::Limits;
pub use router::router;
