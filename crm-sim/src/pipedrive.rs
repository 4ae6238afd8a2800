//! Pipedrive's API, as the OpenAPI documents "Pipedrive API v1" and "v2" describe it.
//!
//! Implemented: in v1 `users/me`, `users`, `leadLabels`, leads (also archived ones) and notes; in v2 persons and
//! their search, deals (also archived ones), pipelines, stages, and the fields of persons and deals. Beside them
//! the page of consent (`GET /oauth/authorize`) and the token endpoint (`POST /oauth/token`), which stand on
//! `oauth.pipedrive.com` in truth. A key opens its company as `x-api-token`, an issued token as
//! `Authorization: Bearer`. Every other path is 404, `/v1/persons` too.
//!
//! Each call costs tokens of the company's day, and counts in a window of two seconds. The day has 1,500,000
//! tokens and the window 480 calls until [`Limits`] say otherwise (`available` and `requests`): these are a
//! large company's. Once `requests` is set, searches have their own window of at most ten. All answers say what
//! is left. Where the documents are silent, the stand-in takes the side that is harder on a caller:
//! - A search compares texts as they are stored. Without `exact_match` the term must stand at the beginning of
//!   a word, so `3055550182` does not find `+13055550182`. Searches have no order.
//! - The same person may exist many times. A person needs a name, numbers need a digit, addresses an `@`.
//! - Fields that the documents do not name are refused, in both versions; so are keys of fields that the
//!   company does not have.
//! - A lead or deal of a person who is not there is 400, a note on a lead or deal that is not there is 404.
//! - A stage of another pipeline is refused. Leads take a channel, an origin and labels; deals take none.
//! - v1 lists without a record say `null`, begin with the oldest, and cut `limit` at 500 without a word; v2
//!   refuses a larger one. Cursors are offsets.
//! - A token endpoint's refresh is for one use. `api_domain` is a host below `pipedrive.com`.
//! - A body that is not declared as JSON is not read.
//!
//! A note is kept as `content`, and as `text`: what people read of it, without its tags and with its escapes
//! resolved. What stands in a tag nobody reads.

mod books;
mod deals;
mod html;
mod leads;
mod lookups;
mod notes;
mod page;
mod persons;
mod presets;
mod problem;
mod tokens;

use std::borrow::Cow;
use std::sync::Mutex;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::call::Call;
use crate::crm::{Collection, Crm};
use crate::limits::Limits;
use crate::reply::Reply;
use crate::routes::{self, Answer, Endpoint, Route, Turned, Visit};
use crate::token_office::{Clients, Grant, Refresh, TokenOffice, TokenRules};
use crate::{clock, lock};
use books::{Books, Company};
use problem::refused;
use tokens::{Left, Refused};

/// The name under which Pipedrive is simulated.
pub const NAME: &str = "pipedrive";

static ROUTES: &[Route<Pipedrive>] = &[
    Route::get("/oauth/authorize", authorize).open(),
    Route::post("/oauth/token", token).open(),
    Route::get("/api/v1/users/me", lookups::me),
    Route::get("/api/v1/users", lookups::users),
    Route::get("/api/v1/leadLabels", lookups::lead_labels),
    Route::get("/api/v2/pipelines", lookups::pipelines),
    Route::get("/api/v2/pipelines/{id}", lookups::pipeline),
    Route::get("/api/v2/stages", lookups::stages),
    Route::get("/api/v2/stages/{id}", lookups::stage),
    Route::get("/api/v2/personFields", lookups::person_fields),
    Route::get("/api/v2/dealFields", lookups::deal_fields),
    Route::get("/api/v2/persons/search", persons::search),
    Route::get("/api/v2/persons", persons::list),
    Route::post("/api/v2/persons", persons::create),
    Route::get("/api/v2/persons/{id}", persons::show),
    Route::get("/api/v1/leads/archived", leads::list_archived),
    Route::get("/api/v1/leads", leads::list),
    Route::post("/api/v1/leads", leads::create),
    Route::get("/api/v1/leads/{id}", leads::show),
    Route::get("/api/v2/deals/archived", deals::list_archived),
    Route::get("/api/v2/deals", deals::list),
    Route::post("/api/v2/deals", deals::create),
    Route::get("/api/v2/deals/{id}", deals::show),
    Route::get("/api/v1/notes", notes::list),
    Route::post("/api/v1/notes", notes::create),
];

/// The stand-in and its books.
#[derive(Default)]
pub(crate) struct Pipedrive {
    books: Mutex<Books>,
}

impl Pipedrive {
    /// Works on one company's books; nothing else can come between.
    fn with<T>(&self, company: &str, work: impl FnOnce(&mut Company) -> T) -> T {
        work(lock(&self.books).company(company))
    }
}

impl Crm for Pipedrive {
    fn name(&self) -> &'static str {
        NAME
    }

    fn credential<'a>(&self, call: &'a Call) -> Option<Cow<'a, str>> {
        let token = call.header("x-api-token").or_else(|| {
            call.header(header::AUTHORIZATION.as_str())?
                .strip_prefix("Bearer ")
        });
        token.map(Cow::Borrowed)
    }

    fn token_rules(&self) -> TokenRules {
        TokenRules {
            grants: &[Grant::AuthorizationCode, Grant::RefreshToken],
            life: Duration::from_secs(60 * 60),
            reads_json: false,
            clients: Clients::App,
            refresh: Refresh::SingleUse {
                reuse_revokes: false,
            },
        }
    }

    fn endpoint(&self, call: &Call) -> Option<Endpoint> {
        routes::endpoint(ROUTES, call)
    }

    /// Whoever is known pays for the call before it is looked at.
    fn answer(&self, call: &Call, office: &TokenOffice) -> Reply {
        let endpoint = self.endpoint(call);
        let priced = endpoint.filter(|endpoint| !endpoint.is_open);
        let paid = call
            .company
            .as_deref()
            .zip(priced)
            .map(|(company, endpoint)| {
                let cost = tokens::cost(&call.method, endpoint.template);
                let is_search = endpoint.template.ends_with("/search");
                self.with(company, |company| {
                    company.tokens.take(cost, is_search, clock::now())
                })
            });
        let reply = match paid {
            Some(Err(refusal)) => return too_many(&refusal),
            _ => routes::answer(self, ROUTES, (call, office)),
        };
        let reply = reply.unwrap_or_else(|turned| match turned {
            Turned::Unknown => self.unauthorized(),
            Turned::Nowhere => refused(StatusCode::NOT_FOUND, "Unknown method ."),
        });
        match paid {
            Some(Ok(left)) => with_budget(reply, &left),
            _ => reply,
        }
    }

    fn unauthorized(&self) -> Reply {
        let body = json!({
            "success": false,
            "error": "unauthorized access",
            "errorCode": 401,
            "error_info": problem::INFO,
        });
        Reply::json(StatusCode::UNAUTHORIZED, &body)
    }

    fn throttled(&self) -> Reply {
        refused(StatusCode::TOO_MANY_REQUESTS, "request over limit")
    }

    fn rejected(&self, call: &Call) -> Reply {
        match call.path.starts_with("/api/v2/") {
            true => problem::invalid(call, "title: is not acceptable"),
            false => problem::invalid(call, "The content is not acceptable."),
        }
    }

    fn records(&self, company: Option<&str>) -> Vec<Collection> {
        // Rows are shared, so the lock is held for copying pointers only.
        let shelves = lock(&self.books).shelves(company);
        shelves.into_iter().map(books::Shelved::shown).collect()
    }

    fn clear(&self) {
        *lock(&self.books) = Books::default();
    }

    /// `{"delete_person": {"id": 7}}`, `{"archive_lead": {"id": "..."}}`, `{"archive_deal": {"id": 7}}`.
    fn happen(&self, company: &str, event: &Value) -> Result<(), String> {
        self.with(company, |company| company.happen(event))
    }

    /// `available` are the day's tokens, `requests` the calls of a window.
    fn set_limits(&self, company: &str, limits: &Limits) -> bool {
        self.with(company, |company| company.tokens.set(limits));
        true
    }
}

fn authorize(_: &Pipedrive, visit: &Visit<'_>) -> Answer {
    Ok(visit.office.authorize(visit.call))
}

/// The answer with tokens also says where the company's API is.
fn token(_: &Pipedrive, visit: &Visit<'_>) -> Answer {
    let company = visit.office.company_asking(visit.call).unwrap_or_default();
    let issued = visit.office.grant(visit.call);
    let issued = issued.map_err(crate::token_office::Refusal::into_reply)?;
    let mut body = issued.to_json();
    body["scope"] = json!("base,contacts:full,leads:full,deals:full");
    body["api_domain"] = json!(format!("https://{company}.pipedrive.com"));
    let no_store = HeaderValue::from_static("no-store");
    Ok(Reply::json(StatusCode::OK, &body).with_header(header::CACHE_CONTROL, no_store))
}

/// Every answer says what is left of the window, and of the day.
fn with_budget(reply: Reply, left: &Left) -> Reply {
    let pairs = [
        ("x-ratelimit-limit", left.window_limit),
        ("x-ratelimit-remaining", left.window),
        ("x-ratelimit-reset", left.reset_in_seconds),
        ("x-daily-ratelimit-token-remaining", left.day),
    ];
    pairs.into_iter().fold(reply, |reply, (name, value)| {
        reply.with_header(HeaderName::from_static(name), HeaderValue::from(value))
    })
}

fn too_many(refusal: &Refused) -> Reply {
    let body = json!({
        "success": false,
        "error": refusal.why,
        "error_info": problem::INFO,
        "data": null,
        "additional_data": null,
    });
    with_budget(
        Reply::json(StatusCode::TOO_MANY_REQUESTS, &body),
        &refusal.left,
    )
}

fn done(status: StatusCode, data: &Value) -> Answer {
    Ok(Reply::json(status, &json!({"success": true, "data": data})))
}
