//! Housecall Pro, as its OpenAPI document "Housecall v1 API" describes it.
//!
//! Implemented: the token endpoint and its page of consent (`/oauth/authorize` stands for the
//! one on the vendor's site), company, customers and their addresses, leads, conversion of a lead, jobs and their
//! notes, tags, lead sources, employees, job types, pipeline statuses. Every other path is 404, `/v1`
//! too. Where the document is silent, the stand-in takes the side that is harder on a caller:
//! - `q` is fuzzy: a phone number also finds numbers that differ in the area code only, and only
//!   ten bare digits find any. `home_number` and `work_number` are not searched.
//! - Unknown parameters and unknown body fields are ignored. `?mobile_number=` lists everybody.
//! - Phone numbers are exactly ten digits, or refused.
//! - A customer may exist many times; nothing checks for duplicates.
//! - A body that is not declared as JSON is not read.
//! - `page_size` is at most 200, and larger ones are cut down: read it from the answer.
//! - Access tokens live 30 days. A refresh returns a new pair, and the old refresh token is worth
//!   nothing from then on; its second use harms nobody else.
//! - A lead's `note` is kept but never shown, and leads and customers take no notes of their own.
//! - A job needs one of its customer's own addresses, and takes no note when it is made.

mod books;
mod customers;
mod form;
mod jobs;
mod leads;
mod lookups;
mod page;
mod records;
mod rows;

use std::borrow::Cow;
use std::sync::Mutex;
use std::time::Duration;

use axum::http::{StatusCode, header};
use serde_json::{Value, json};

use crate::call::Call;
use crate::crm::{Collection, Crm};
use crate::lock;
use crate::reply::Reply;
use crate::routes::{self, Answer, Endpoint, Route, Turned, Visit};
use crate::token_office::{Clients, Grant, Refresh, TokenOffice, TokenRules};
use books::{Books, Company};

/// The name under which Housecall Pro is simulated.
pub const NAME: &str = "housecall_pro";

static ROUTES: &[Route<HousecallPro>] = &[
    Route::get("/oauth/authorize", authorize).open(),
    Route::post("/oauth/token", token).open(),
    Route::get("/company", lookups::company),
    Route::get("/customers", customers::list),
    Route::post("/customers", customers::create),
    Route::get("/customers/{customer_id}", customers::show),
    Route::get(
        "/customers/{customer_id}/addresses",
        customers::list_addresses,
    ),
    Route::post("/customers/{customer_id}/addresses", customers::add_address),
    Route::get("/leads", leads::list),
    Route::post("/leads", leads::create),
    Route::get("/leads/{id}", leads::show),
    Route::post("/leads/{id}/convert", leads::convert),
    Route::get("/jobs", jobs::list),
    Route::post("/jobs", jobs::create),
    Route::get("/jobs/{id}", jobs::show),
    Route::post("/jobs/{job_id}/notes", jobs::add_note),
    Route::get("/lead_sources", lookups::lead_sources),
    Route::post("/lead_sources", lookups::add_lead_source),
    Route::get("/tags", lookups::tags),
    Route::post("/tags", lookups::add_tag),
    Route::get("/employees", lookups::employees),
    Route::get("/job_fields/job_types", lookups::job_types),
    Route::get("/pipeline/statuses", lookups::pipeline_statuses),
];

/// The stand-in and its books.
#[derive(Default)]
pub(crate) struct HousecallPro {
    books: Mutex<Books>,
}

impl HousecallPro {
    /// Works on one company's books; nothing else can come between.
    fn with<T>(&self, company: &str, work: impl FnOnce(&mut Company) -> T) -> T {
        work(lock(&self.books).company(company))
    }
}

impl Crm for HousecallPro {
    fn name(&self) -> &'static str {
        NAME
    }

    /// `Token KEY` for API keys, `Bearer TOKEN` for OAuth.
    fn credential<'a>(&self, call: &'a Call) -> Option<Cow<'a, str>> {
        let value = call.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        value
            .strip_prefix("Token ")
            .or_else(|| value.strip_prefix("Bearer "))
            .map(Cow::Borrowed)
    }

    fn token_rules(&self) -> TokenRules {
        TokenRules {
            grants: &[Grant::AuthorizationCode, Grant::RefreshToken],
            life: Duration::from_secs(30 * 24 * 60 * 60),
            reads_json: true,
            clients: Clients::App,
            refresh: Refresh::SingleUse {
                reuse_revokes: false,
            },
        }
    }

    fn endpoint(&self, call: &Call) -> Option<Endpoint> {
        routes::endpoint(ROUTES, call)
    }

    fn answer(&self, call: &Call, office: &TokenOffice) -> Reply {
        routes::answer(self, ROUTES, (call, office)).unwrap_or_else(|turned| match turned {
            Turned::Unknown => self.unauthorized(),
            Turned::Nowhere => not_found("Not found"),
        })
    }

    fn unauthorized(&self) -> Reply {
        Reply::json(
            StatusCode::UNAUTHORIZED,
            &json!({"message": "Unauthorized"}),
        )
    }

    fn throttled(&self) -> Reply {
        Reply::json(
            StatusCode::TOO_MANY_REQUESTS,
            &json!({"message": "Too many requests"}),
        )
    }

    fn rejected(&self, _: &Call) -> Reply {
        let body = json!({"errors": {"base": ["is invalid"]}});
        Reply::json(StatusCode::UNPROCESSABLE_ENTITY, &body)
    }

    fn records(&self, company: Option<&str>) -> Vec<Collection> {
        // Rows are shared, so the lock is held for copying pointers only.
        let shelves = lock(&self.books).shelves(company);
        shelves.into_collections()
    }

    fn clear(&self) {
        *lock(&self.books) = Books::default();
    }

    /// `{"delete_customer": {"id": "cus_1"}}`.
    fn happen(&self, company: &str, event: &Value) -> Result<(), String> {
        let id = crate::office::deleted(event, "delete_customer")?;
        let deleted = self.with(company, |company| company.delete_customer(&id));
        deleted.ok_or_else(|| "there is no such customer".to_owned())
    }
}

fn authorize(_: &HousecallPro, visit: &Visit<'_>) -> Answer {
    Ok(visit.office.authorize(visit.call))
}

fn token(_: &HousecallPro, visit: &Visit<'_>) -> Answer {
    Ok(visit.office.answer(visit.call))
}

fn ok(body: &Value) -> Answer {
    Ok(Reply::json(StatusCode::OK, body))
}

fn created(body: &Value) -> Answer {
    Ok(Reply::json(StatusCode::CREATED, body))
}

/// 404 in the shape of the document's `ErrorResponse`.
fn not_found(message: &str) -> Reply {
    Reply::json(
        StatusCode::NOT_FOUND,
        &json!({"error": {"message": message}}),
    )
}

/// 400 in the document's shape: all errors in a sentence, then each field's own.
fn bad_request(field: &str, message: &str) -> Reply {
    let mut body = json!({"message": message});
    body[field] = json!(message);
    Reply::json(StatusCode::BAD_REQUEST, &body)
}
