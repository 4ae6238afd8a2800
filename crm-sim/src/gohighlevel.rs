//! GoHighLevel's API V2, as its published specification (`apps/contacts.json`, `opportunities.json`,
//! `locations.json`, `users.json`, `oauth.json`) and its help pages describe it.
//!
//! Implemented: the page where an app is let in (`GET /v2/oauth/chooselocation` stands for the one on the
//! marketplace) and the token endpoint; a location with its custom fields, users and pipelines; contacts
//! with the direct look-up for duplicates, the search and notes; opportunities and their search. Every
//! other path is 404, those of lists without their last slash too.
//!
//! # Signing in
//! A call carries `Authorization: Bearer` and `Version`; without a token 401 `Invalid JWT`, without a
//! version 401 in the words that clients report. A token comes from `POST /oauth/token`, form-encoded, with
//! `user_type=Location`, and lives 86,399 s. A refresh gives a new pair; the same refresh token within 30 s
//! gives the same pair again, and then nothing. `sim-acme` given as a token is acme's private integration.
//!
//! A token opens locations: `loc-acme` is acme's, and one that is called by a number, `loc-1001`, becomes
//! that of the company which names it first. Another company's is 403.
//!
//! # Where the documents are silent, the stand-in takes the side that is harder on a caller
//! - Nothing stops a second contact or opportunity, until the location is set to (see below). Then the
//!   refusals name what is there, or do not.
//! - The direct look-up answers a miss with `{"contact": null}`, and of several gives the oldest. It takes
//!   E.164 only, and an address in any letters. It is asked by e-mail address first.
//! - `POST /contacts/search` and `GET /opportunities/search` show what the index has; phone filters are
//!   exact. Contacts are listed newest first, and so are opportunities. `pageLimit` is 500 at most, `limit`
//!   100.
//! - Bodies allow no other fields than the specification lists: 422 with a list of sentences.
//! - A contact needs a name, a number or an address; numbers are E.164, countries two capital letters.
//! - Who is not there is 400, for contacts, pipelines, stages and users.
//! - A value for a custom field that is not there is dropped without a word.
//! - Without a stage an opportunity begins in the pipeline's first.
//! - 100 requests in 10 s for a location, refused ones too; 200,000 in a day are counted and shown only.
//!
//! # The office
//! `POST /_sim/gohighlevel/office` `{"company": "acme", "event": EVENT}` with `{"delete_contact": {"id": ..}}`,
//! `{"rename_opportunity": {"id": .., "name": ..}}`, or `{"settings": {"allow_duplicate_contact": false,
//! "allow_duplicate_opportunity": false, "names_duplicates": false, "scopes": ["contacts.readonly"]}}`, of
//! which each may be left out. `scopes` are those of the company's tokens; all until they are set.

mod books;
mod contacts;
mod form;
mod locations;
mod meter;
mod notes;
mod office;
mod opportunities;
mod records;
mod refusal;
mod searches;

use std::borrow::Cow;
use std::sync::Mutex;
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::call::Call;
use crate::crm::{Collection, Crm};
use crate::limits::Limits;
use crate::lock;
use crate::reply::Reply;
use crate::routes::{self, Answer, Endpoint, Route, Turned, Visit};
use crate::token_office::{Clients, Grant, Refresh, Refusal, TokenOffice, TokenRules};
use books::{Books, Company};

/// The name under which GoHighLevel is simulated.
pub const NAME: &str = "gohighlevel";

/// The name under which faults and counts know the making of a contact, whose path is the beginning of others.
const CREATE_CONTACT: &str = "/contacts/#create";

/// The versions that its page "API Versioning" lists.
const VERSIONS: [&str; 3] = ["2021-04-15", "2021-07-28", "2023-02-21"];

static ROUTES: &[Route<GoHighLevel>] = &[
    Route::get("/v2/oauth/chooselocation", authorize).open(),
    Route::post("/oauth/token", token).open(),
    Route::get("/locations/{locationId}", locations::show),
    Route::get(
        "/locations/{locationId}/customFields",
        locations::custom_fields,
    ),
    Route::get("/users/", locations::users),
    Route::get("/contacts/search/duplicate", searches::duplicate),
    Route::post("/contacts/search", searches::contacts),
    Route::post("/contacts/", contacts::create),
    Route::get("/contacts/{contactId}", contacts::show),
    Route::get("/contacts/{contactId}/notes", notes::list),
    Route::post("/contacts/{contactId}/notes", notes::create),
    Route::get("/opportunities/pipelines", locations::pipelines),
    Route::get("/opportunities/search", searches::opportunities),
    Route::post("/opportunities/", opportunities::create),
    Route::get("/opportunities/{id}", opportunities::show),
];

/// The stand-in and its books.
#[derive(Default)]
pub(crate) struct GoHighLevel {
    books: Mutex<Books>,
}

impl GoHighLevel {
    /// Works on one company's books; nothing else can come between.
    fn with<T>(&self, company: &str, work: impl FnOnce(&mut Company) -> T) -> T {
        work(lock(&self.books).company(company))
    }

    /// The location that a request names, if its token opens that and has the scope.
    fn enter(&self, visit: &Visit<'_>, location: Option<&str>, scope: &str) -> Result<(), Reply> {
        let location = location.ok_or_else(|| {
            refusal::unprocessable(&["locationId should not be empty".to_owned()])
        })?;
        self.permit(visit, scope)?;
        match lock(&self.books).may_enter(visit.company, location) {
            true => Ok(()),
            false => Err(refusal::forbidden()),
        }
    }

    /// Whether the company's tokens have the scope.
    fn permit(&self, visit: &Visit<'_>, scope: &str) -> Result<(), Reply> {
        match self.with(visit.company, |company| company.settings.permit(scope)) {
            true => Ok(()),
            false => Err(refusal::unauthorized(
                "The token is not authorized for this scope.",
            )),
        }
    }

    /// Answers for a company whose calls are counted.
    fn answer_for(&self, company: &str, call: &Call, office: &TokenOffice) -> Reply {
        let meter = self.with(company, |company| company.meter.count());
        if meter.is_over() {
            return meter.show_on(refusal::too_many());
        }
        let reply = match call.header("version") {
            None => refusal::unauthorized("version header was not found."),
            Some(version) if !VERSIONS.contains(&version) => {
                refusal::unauthorized("version header is invalid")
            }
            Some(_) => self.routed(call, office),
        };
        meter.show_on(reply)
    }

    fn routed(&self, call: &Call, office: &TokenOffice) -> Reply {
        routes::answer(self, ROUTES, (call, office)).unwrap_or_else(|turned| match turned {
            Turned::Unknown => self.unauthorized(),
            Turned::Nowhere => refusal::refusal(StatusCode::NOT_FOUND, "Not Found"),
        })
    }
}

impl Crm for GoHighLevel {
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
            life: Duration::from_secs(86_399),
            reads_json: false,
            clients: Clients::App,
            refresh: Refresh::Grace { ms: 30_000 },
        }
    }

    fn endpoint(&self, call: &Call) -> Option<Endpoint> {
        let found = routes::endpoint(ROUTES, call)?;
        let template = match found.template {
            "/contacts/" => CREATE_CONTACT,
            template => template,
        };
        Some(Endpoint { template, ..found })
    }

    fn answer(&self, call: &Call, office: &TokenOffice) -> Reply {
        let is_open = self.endpoint(call).is_some_and(|endpoint| endpoint.is_open);
        match call.company.as_deref() {
            Some(company) if !is_open => self.answer_for(company, call, office),
            _ => self.routed(call, office),
        }
    }

    fn unauthorized(&self) -> Reply {
        refusal::unauthorized("Invalid JWT")
    }

    fn throttled(&self) -> Reply {
        refusal::too_many()
    }

    fn rejected(&self, _: &Call) -> Reply {
        refusal::unprocessable(&["Unprocessable Entity".to_owned()])
    }

    fn records(&self, company: Option<&str>) -> Vec<Collection> {
        // Rows are shared, so the lock is held for copying pointers only.
        let shelves = lock(&self.books).shelves(company);
        shelves.into_collections()
    }

    fn clear(&self) {
        *lock(&self.books) = Books::default();
    }

    fn happen(&self, company: &str, event: &Value) -> Result<(), String> {
        self.with(company, |company| office::happen(company, event))
    }

    fn set_limits(&self, company: &str, limits: &Limits) -> bool {
        self.with(company, |company| company.meter.set(limits.requests));
        true
    }
}

fn authorize(_: &GoHighLevel, visit: &Visit<'_>) -> Answer {
    Ok(visit.office.authorize(visit.call))
}

/// The answer says which location let the app in.
fn token(crm: &GoHighLevel, visit: &Visit<'_>) -> Answer {
    let fields = visit.call.form().unwrap_or_default();
    if fields
        .get("user_type")
        .is_none_or(|kind| kind != "Location")
    {
        return Err(Refusal::InvalidRequest.into_reply());
    }
    let company = visit.office.company_asking(visit.call);
    let issued = visit
        .office
        .grant(visit.call)
        .map_err(Refusal::into_reply)?;
    let company = company.unwrap_or_default();
    let mut body = issued.to_json();
    body["scope"] =
        json!("contacts.readonly contacts.write opportunities.readonly opportunities.write");
    body["userType"] = json!("Location");
    body["companyId"] = json!("sim-agency");
    body["locationId"] = json!(lock(&crm.books).location_of(&company));
    body["userId"] = json!(records::USERS[0].0);
    Ok(Reply::json(StatusCode::OK, &body))
}

fn ok(body: &Value) -> Answer {
    Ok(Reply::json(StatusCode::OK, body))
}

fn created(body: &Value) -> Answer {
    Ok(Reply::json(StatusCode::CREATED, body))
}
