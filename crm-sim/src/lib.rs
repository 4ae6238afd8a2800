//! Stand-ins for the HTTP APIs of CRMs. They behave as documented and misbehave on demand.
//!
//! A simulated CRM is an independent witness: it is built from the CRM's documentation, shares no
//! code with the adapter that talks to it, and is never told what a test expects. It keeps its own
//! books of what took effect, so a test compares what was sent with what truly arrived.
//!
//! Everything is held in memory. A process that ends takes its books with it, by design.
//!
//! # The CRM side
//! Each CRM lives under its name: a connection's base URL is `http://HOST:PORT/housecall_pro`.
//! By default the key `sim-acme` opens the company `acme`; companies come into being when first
//! used and never see each other's records. See [`GOHIGHLEVEL`], [`HOUSECALL_PRO`], [`HUBSPOT`], [`JOBBER`],
//! [`PIPEDRIVE`], [`SERVICETITAN`] and [`WORKIZ`] for what is implemented, and for what a call must carry
//! beside the key.
//!
//! # The control side
//! Under `/_sim/{crm}`, JSON in and out, without a credential: listen on a loopback address. There the
//! `Host` header must name this machine, so that no web page gets in.
//!
//! | call | does |
//! |---|---|
//! | `POST /faults` | adds a [`FaultRule`]; the answer holds its `id` |
//! | `GET /faults` | the rules in order, each with `seen` and `fired` |
//! | `DELETE /faults`, `DELETE /faults/{id}` | removes all rules, or one |
//! | `POST /down` `{"for_ms": 5000}` | puts a `down` rule before all others; `for_ms` is optional |
//! | `POST /up` | removes every `down` rule |
//! | `POST /latency` `{"ms": 250}` | every answer is sent that much later; its effect is not later |
//! | `POST /index_lag` `{"ms": 5000}` | lists and searches do not show younger records |
//! | `POST /tokens` `{"revoke": {"key": "sim-acme"}}` | the key or token is refused from now on, with all that the client of that id was issued |
//! | `POST /tokens` `{"revoke": {"company": "acme"}}` | every issued token and code of the company is refused from now on |
//! | `POST /tokens` `{"allow": {"key": "k2", "company": "acme"}}` | the key opens that company |
//! | `POST /tokens` `{"expire": {"company": "acme"}}` | access tokens issued so far have expired, refresh tokens have not; all companies without `company` |
//! | `POST /tokens` `{"life_ms": 5000}` | access tokens issued from now on live so long |
//! | `POST /tokens` `{"secrets": {"client": "sim-acme", "secrets": ["a", "b"]}}` | the client's only secrets from now on |
//! | `POST /tokens` `{"code": {"company": "acme", "redirect_uri": "https://..."}}` | 201 `{"code": ".."}`: the company's consent, where codes are taken |
//! | `POST /tokens` `{"grant": {"company": "acme"}}` | 201 with a token answer, as if a code had been redeemed |
//! | `GET /tokens` | `{"issued": 2, "refreshed": 1, "refused": 0, "companies": {"acme": {..}}}` since the books were emptied |
//! | `POST /office` `{"company": "acme", "event": {..}}` | people at the company do something; each CRM says what can happen |
//! | `POST /limits` `{"company": "acme", "available": 0}` | sets [`Limits`] of an account, where the CRM has any |
//! | `GET /records` | the books; `?company=acme` for one company, `?format=ndjson` for large ones |
//! | `DELETE /records` | empties books, counts and log; late effects still to come are dropped |
//! | `GET /requests?last=100` | the last requests: time, method, path template, company, status, fault |
//!
//! The books are `{"customers": [...], "leads": [...], "jobs": [...], "notes": [...],
//! "requests": {"POST /leads": {"201": 3, "no_answer": 1}}, "late_effects_pending": 0}`. Every row
//! names its account in `company`; which collections there are is each CRM's own. As NDJSON each
//! line is a row with its collection in `record`. A GraphQL call counts under its first root field:
//! `POST /api/graphql#requestCreate()`. Jobber's own requests are the collection `work_requests`.
//! Books hold what the CRM was given, personal data too; the request log holds none.
//!
//! # Tokens
//! Where a CRM has a token endpoint, a client id is a key (`sim-acme` asks for the company `acme`)
//! and its secret is the id with `-secret` behind it; where the app has one client for all
//! companies, its id is `sim-app`. A key given by hand opens its company as an access token too,
//! so a test needs no token request that it does not mean. Where a CRM has a page of consent,
//! `?company=acme` consents for that company at once.
//!
//! # Faults
//! A rule says which requests it meets and what happens to them. The first rule that fires wins.
//! Half of all lead creations answer 503 although the lead is there, the same ones for one seed:
//! ```json
//! {"match": {"method": "POST", "path_prefix": "/leads", "probability": 0.5, "seed": 7},
//!  "fault": {"kind": "status_after", "status": 503}}
//! ```
//! The second request that names this phone number hangs once, after taking effect:
//! ```json
//! {"match": {"contains": "6025551234", "skip": 1, "times": 1},
//!  "fault": {"kind": "timeout_after", "hang_ms": 60000}}
//! ```
//! The company `acme` is throttled for half a minute:
//! ```json
//! {"match": {"company": "acme", "for_ms": 30000},
//!  "fault": {"kind": "throttle", "retry_after": 2}}
//! ```
//! Jobber's mutation `requestCreate` fails once; its path is that of all other calls, its template
//! is not:
//! ```json
//! {"match": {"path_prefix": "/api/graphql#requestCreate()", "times": 1},
//!  "fault": {"kind": "status_before", "status": 500}}
//! ```
//! A path prefix may be the start of a path or of its template, where `{...}` stands for any id. With
//! the method `POST` these meet what files a lead, and what else begins so:
//!
//! | CRM | a customer | a lead | a note |
//! |---|---|---|---|
//! | `gohighlevel` | `/contacts/#create` | `/opportunities/` | `/contacts/{contactId}/notes` |
//! | `housecall_pro` | `/customers`, and addresses | `/leads`, and conversions | `/jobs/{job_id}/notes`, of jobs only |
//! | `hubspot` | `/crm/objects/2026-03/contacts#create` | `/crm/objects/2026-03/deals#create`, `/crm/objects/2026-03/leads#create` | `/crm/objects/2026-03/notes#create` |
//! | `jobber` | `/api/graphql#clientCreate()` | `/api/graphql#requestCreate()` | `/api/graphql#requestCreateNote()`, `/api/graphql#clientCreateNote()` |
//! | `pipedrive` | `/api/v2/persons` | `/api/v1/leads`; as a deal `/api/v2/deals` | `/api/v1/notes` |
//! | `servicetitan` | `/crm/v2/tenant/{tenant}/customers`, and their notes and contacts | `/crm/v2/tenant/{tenant}/leads`, and their notes; by booking `/crm/v2/tenant/{tenant}/booking-provider/`, and contacts; as a job `/jpm/v2/tenant/{tenant}/jobs`, and their notes | `/crm/v2/tenant/{tenant}/leads/{id}/notes`, `/crm/v2/tenant/{tenant}/customers/{id}/notes`, `/crm/v2/tenant/{tenant}/locations/{id}/notes`, `/jpm/v2/tenant/{tenant}/jobs/{id}/notes` |
//! | `workiz` | comes with the lead | `/{token}/lead/create/` | stands in the lead |
//!
//! The place of the work is made by `/api/graphql#propertyCreate()` in `jobber` and by
//! `/crm/v2/tenant/{tenant}/locations` in `servicetitan`.
//!
//! [`Fault`] lists all kinds. A `down` CRM accepts a connection and closes it without an answer;
//! a refused connection is had by ending [`serve`] and serving the same [`CrmSim`] again later,
//! its books intact.

mod call;
mod clock;
mod control;
mod crm;
mod delivery;
mod desk;
mod fault;
mod form;
mod gohighlevel;
mod graphql;
mod host;
mod housecall_pro;
mod hubspot;
mod jobber;
mod limits;
mod names;
mod office;
mod page;
mod pipedrive;
mod plan;
mod reply;
mod routes;
mod serve;
mod servicetitan;
mod shelves;
mod sim;
mod text_index;
mod token_office;
mod traffic;
mod workiz;

pub use fault::{Fault, FaultMatch, FaultRule, InvalidRule, RetryAfter};
pub use gohighlevel::NAME as GOHIGHLEVEL;
pub use housecall_pro::NAME as HOUSECALL_PRO;
pub use hubspot::NAME as HUBSPOT;
pub use jobber::NAME as JOBBER;
pub use limits::Limits;
pub use pipedrive::NAME as PIPEDRIVE;
pub use serve::serve;
pub use servicetitan::NAME as SERVICETITAN;
pub use sim::{CrmSim, FaultError};
pub use workiz::NAME as WORKIZ;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks for a short, synchronous piece of work.
///
/// A panic elsewhere must not turn a whole test run into lock errors, so poison is ignored.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
