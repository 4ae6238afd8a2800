//! HubSpot, as its developers' pages describe it (API reference 2026-03).
//!
//! Implemented: the sign-in page and the token endpoint, the account's details, owners, pipelines of deals
//! and leads, properties; contacts, deals, leads and notes: creating, reading by id and by a unique
//! property, reading in batches, searching, and what they are associated with. Every other path is 404.
//! Hosts are paths here: `/oauth/authorize` stands for the page of `app.hubspot.com`.
//!
//! # Signing in
//! A token comes from `POST /oauth/2026-03/token`, form-encoded only, for the app `sim-app` with the secret
//! `sim-app-secret`; it lives 1,800 s, and its refresh token lasts. The answer names the account as
//! `hub_id`. `sim-acme` given as a token opens the company `acme`, as a private app's token does. Accounts
//! are numbered from 24000001 in the order in which they come.
//!
//! # Every account
//! has the pipelines `default` and `771` of deals and `lead-pipeline-id` and `882` of leads, the owners 501
//! and 502 (503 has left), and properties of its own: `leadrail_ref` with unique values on contacts, deals
//! and leads, `account_number` with unique values on contacts, `nickname` without.
//!
//! # Where the documents are silent, the stand-in takes the side that is harder on a caller
//! - Values are texts. Properties that there are not, read-only ones and other fields are refused.
//! - A second contact with an address is 409, with the id in the words only; a second value of any other
//!   unique property is 400 without an id.
//! - A deal must name pipeline and stage; a stage belongs to its pipeline, or is refused.
//! - What is associated must be there: 400, in the words of the association endpoints.
//! - Addresses below `.invalid` are refused. The calculated digits are there for American numbers only.
//! - A search shows the age that the index has, compares whole texts without their case, and takes five
//!   groups of six filters; no groups find everybody. Reads by id and by a unique property are up to date.
//! - Associations are listed the newest first, fifty at a time.
//! - How a note is tied to a lead is not documented, so it cannot be.
//! - 190 calls in ten seconds, and five searches in a second; `POST /_sim/hubspot/limits` sets
//!   `requests` in ten seconds, `restore_rate` for searches in a second, `available` for what is left of
//!   the day, and `maximum` for what the day has. No `Retry-After` is told.
//! - Unique values of a record that was deleted are free again.
//!
//! # The office
//! `POST /_sim/hubspot/office`: `{"company": "acme", "event": EVENT}` with
//! `{"delete_contact": {"id": "1"}}`, `{"plan_without_leads": {}}` or
//! `{"remove_property": {"object": "deals", "name": "leadrail_ref"}}`.
//!
//! A creation's path is also that of a search, so its template alone ends in `#create`:
//! `/crm/objects/2026-03/deals#create`.

mod account;
mod associations;
mod books;
mod html;
mod objects;
mod problem;
mod schema;
mod search;
mod throttle;

use std::borrow::Cow;
use std::sync::Mutex;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::crm::{Collection, Crm};
use crate::limits::Limits;
use crate::reply::Reply;
use crate::routes::{self, Answer, Endpoint, Route, Turned, Visit};
use crate::token_office::{Clients, Grant, Refresh, Refusal, TokenOffice, TokenRules};
use crate::{clock, lock, office};
use books::{Books, Company};
use problem::{Fault, bad_request, invalid, missing_scopes, not_found, problem, throttled};
use schema::Kind;

/// The name under which HubSpot is simulated.
pub const NAME: &str = "hubspot";

static ROUTES: &[Route<HubSpot>] = &[
    Route::get("/oauth/authorize", authorize).open(),
    Route::post("/oauth/2026-03/token", token).open(),
    Route::get("/account-info/2026-03/details", account::details),
    Route::get("/crm/owners/2026-03", account::list_owners),
    Route::get("/crm/owners/2026-03/{id}", account::show_owner_of_id),
    Route::get("/crm/pipelines/2026-03/{object}", account::list_pipelines),
    Route::get("/crm/properties/2026-03/{object}", account::list_properties),
    Route::post("/crm/properties/2026-03/{object}", account::create_property),
    Route::get(
        "/crm/properties/2026-03/{object}/{name}",
        account::show_property,
    ),
    Route::post("/crm/objects/2026-03/{object}", objects::create),
    Route::get("/crm/objects/2026-03/{object}/{id}", objects::show),
    Route::post("/crm/objects/2026-03/{object}/search", search::search),
    Route::post(
        "/crm/objects/2026-03/{object}/batch/read",
        objects::read_batch,
    ),
    Route::post(
        "/crm/associations/2026-03/{from}/{to}/batch/read",
        associations::read_batch,
    ),
];

/// The stand-in and its books.
#[derive(Default)]
pub(crate) struct HubSpot {
    books: Mutex<Books>,
}

impl HubSpot {
    /// Works on one account's books; nothing else can come between.
    fn with<T>(&self, company: &str, work: impl FnOnce(&mut Company) -> T) -> T {
        work(lock(&self.books).company(company))
    }

    /// Answers a call of an account that has budget left for it, and tells what is left.
    fn answer_within(&self, company: &str, call: &Call, office: &TokenOffice) -> Reply {
        let is_search = call.path.ends_with("/search");
        let now = clock::now();
        let exceeded = self.with(company, |company| company.throttle.exceeded(is_search, now));
        let reply = match exceeded {
            Some(policy) => throttled(policy),
            None => self.route(call, office),
        };
        if is_search {
            return reply;
        }
        let by_hand = !self
            .credential(call)
            .is_some_and(|token| token.starts_with("at_"));
        self.with(company, |company| company.throttle.told(reply, by_hand))
    }

    fn route(&self, call: &Call, office: &TokenOffice) -> Reply {
        routes::answer(self, ROUTES, (call, office)).unwrap_or_else(|turned| match turned {
            Turned::Unknown => turn_away(self.credential(call).is_some()),
            Turned::Nowhere => Reply::text(StatusCode::NOT_FOUND, "Not Found"),
        })
    }
}

impl Crm for HubSpot {
    fn name(&self) -> &'static str {
        NAME
    }

    fn credential<'a>(&self, call: &'a Call) -> Option<Cow<'a, str>> {
        let value = call.header("authorization")?;
        value.strip_prefix("Bearer ").map(Cow::Borrowed)
    }

    fn token_rules(&self) -> TokenRules {
        TokenRules {
            grants: &[Grant::AuthorizationCode, Grant::RefreshToken],
            life: Duration::from_secs(1_800),
            reads_json: false,
            clients: Clients::App,
            refresh: Refresh::Lasting,
        }
    }

    fn endpoint(&self, call: &Call) -> Option<Endpoint> {
        let endpoint = routes::endpoint(ROUTES, call)?;
        let kind = call
            .path
            .strip_prefix("/crm/objects/2026-03/")
            .and_then(Kind::of);
        Some(match kind.filter(|_| call.method == Method::POST) {
            Some(kind) => Endpoint {
                template: kind.creation(),
                ..endpoint
            },
            None => endpoint,
        })
    }

    fn answer(&self, call: &Call, office: &TokenOffice) -> Reply {
        let is_open = self.endpoint(call).is_some_and(|endpoint| endpoint.is_open);
        match &call.company {
            Some(company) if !is_open => self.answer_within(company, call, office),
            _ => self.route(call, office),
        }
    }

    fn unauthorized(&self) -> Reply {
        turn_away(true)
    }

    fn throttled(&self) -> Reply {
        throttled("TEN_SECONDLY_ROLLING")
    }

    /// A value of the request's that is too long; the token endpoint has its own words.
    fn rejected(&self, call: &Call) -> Reply {
        let kind = call
            .path
            .strip_prefix("/crm/objects/2026-03/")
            .and_then(Kind::of);
        let name = match kind {
            Some(Kind::Contact) => "firstname",
            Some(Kind::Deal) => "dealname",
            Some(Kind::Lead) => "hs_lead_name",
            Some(Kind::Note) => "hs_note_body",
            None if call.path.starts_with("/oauth") => return Refusal::InvalidRequest.into_reply(),
            None => return bad_request("Invalid input JSON"),
        };
        let message = format!("{name} was too long");
        invalid(&[Fault::new(name, "INVALID_STRING_LENGTH", message)])
    }

    fn records(&self, company: Option<&str>) -> Vec<Collection> {
        lock(&self.books).collections(company)
    }

    fn clear(&self) {
        *lock(&self.books) = Books::default();
    }

    fn happen(&self, company: &str, event: &Value) -> Result<(), String> {
        self.with(company, |company| {
            if event.get("plan_without_leads").is_some() {
                company.has_leads = false;
                return Ok(());
            }
            if let Some(removed) = event.get("remove_property") {
                let kind = removed["object"].as_str().and_then(Kind::of);
                let kind = kind.ok_or("the event names no object")?;
                let name = removed["name"].as_str().unwrap_or_default();
                company.remove_property(kind, name);
                return Ok(());
            }
            let id = office::deleted(event, "delete_contact")?;
            let deleted = company.delete(Kind::Contact, &id);
            deleted.ok_or_else(|| "there is no such contact".to_owned())
        })
    }

    fn set_limits(&self, company: &str, limits: &Limits) -> bool {
        self.with(company, |company| company.throttle.set(limits));
        true
    }
}

fn authorize(_: &HubSpot, visit: &Visit<'_>) -> Answer {
    Ok(visit.office.authorize(visit.call))
}

/// RFC 6749's answer, and whose account it is; refusals have HubSpot's words beside RFC 6749's.
fn token(crm: &HubSpot, visit: &Visit<'_>) -> Answer {
    let company = visit.office.company_asking(visit.call);
    match (visit.office.grant(visit.call), company) {
        (Ok(issued), Some(company)) => {
            let mut body = issued.to_json();
            body["hub_id"] = json!(crm.with(&company, |company| company.portal));
            ok(&body)
        }
        (Ok(issued), None) => Ok(issued.to_reply()),
        (Err(refusal), _) => {
            let status = match refusal {
                Refusal::InvalidGrant => "BAD_REFRESH_TOKEN",
                _ => "BAD_REQUEST",
            };
            let body = json!({"error": refusal.code(), "error_description": refusal.code(),
                              "status": status, "message": refusal.code()});
            Ok(Reply::json(StatusCode::BAD_REQUEST, &body))
        }
    }
}

/// 401, which tells a token that is over from none.
fn turn_away(has_token: bool) -> Reply {
    let (category, message) = match has_token {
        true => (
            "EXPIRED_AUTHENTICATION",
            "The OAuth token used to make this call expired or is unknown.",
        ),
        false => (
            "INVALID_AUTHENTICATION",
            "Authentication credentials not found. This API supports OAuth 2.0 authentication.",
        ),
    };
    problem(StatusCode::UNAUTHORIZED, category, message)
}

/// The kind that a path names; leads are refused where the account's plan has none.
fn kind_in(crm: &HubSpot, visit: &Visit<'_>, place: usize) -> Result<Kind, Reply> {
    let name = visit.ids.get(place).copied().unwrap_or_default();
    let kind = Kind::of(name).ok_or_else(not_found)?;
    let may = kind != Kind::Lead || crm.with(visit.company, |company| company.has_leads);
    match may {
        true => Ok(kind),
        false => Err(missing_scopes(&[
            "crm.objects.leads.read",
            "crm.objects.leads.write",
        ])),
    }
}

/// A body that is a JSON object.
fn body(call: &Call) -> Result<Map<String, Value>, Reply> {
    let body = call.declares_json().then(|| call.object()).flatten();
    body.ok_or_else(|| bad_request("Invalid input JSON"))
}

/// What is left of a body must be nothing.
fn only(rest: &Map<String, Value>) -> Result<(), Reply> {
    match rest.is_empty() {
        true => Ok(()),
        false => Err(objects::nonsense(rest)),
    }
}

/// An array of texts; nothing is none.
fn texts(given: Option<Value>) -> Result<Vec<String>, Reply> {
    let items = match given {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(items)) => items,
        Some(_) => return Err(bad_request("must be an array of strings")),
    };
    let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
    texts
        .collect::<Option<_>>()
        .ok_or_else(|| bad_request("must be an array of strings"))
}

fn ok(body: &Value) -> Answer {
    Ok(Reply::json(StatusCode::OK, body))
}
