//! ServiceTitan, as its portal's API files describe it (crm, jpm, settings, jbce of May 2025;
//! marketing of April 2022).
//!
//! Implemented: the token endpoint, customers, locations and their contacts, bookings and their
//! contacts by booking provider, leads, jobs, notes on customers, locations, leads and jobs,
//! booking provider tags, business units, job types, campaigns, tag types, call reasons. Every
//! other path is 404. Hosts and modules are paths here: `/connect/token` stands for the sign-in
//! host, `/crm/v2/tenant/{tenant}/...` for the API.
//!
//! # Signing in
//! A call carries the app's key `sim-app-key` in `ST-App-Key` (or in the query, as
//! `servicetitanapplicationkey`) and an access token as `Authorization: Bearer`. A token comes from
//! `POST /connect/token` with `grant_type=client_credentials`, form-encoded only, for the client
//! `sim-acme` with the secret `sim-acme-secret`, and lives 900 s; `sim-acme` given as a token
//! opens the company `acme` as well.
//!
//! The tenant in the path is the company's own: the first number from 1,000 up that its token asks
//! for becomes it, no other company can have it from then on, and any other number is 403.
//! Numbers below 1,000 are nobody's, so a wrong tenant can be had without a right one before.
//! Emptying the books frees the numbers.
//!
//! # Where the documents are silent, the stand-in takes the side that is harder on a caller
//! - Bodies allow no other fields, as the documents say; unknown parameters are ignored, so
//!   `?phoneNumber=` lists everybody, as an empty `?phone=` does.
//! - Phone and fax numbers are exactly ten digits, or refused. `phone` finds ten bare digits only,
//!   and finds numbers that differ in the area code too; contacts have to be asked for and compared.
//! - Locations' contacts do not find their customer.
//! - Nothing checks for duplicates: an `externalId` may stand in many bookings.
//! - A name, a summary or a text of blanks is missing. An address is whole or refused.
//! - Ids that are referred to must be there and active, the location the customer's own, and a
//!   job's type one of its business unit's. There are no technicians.
//! - A booking, a customer and a lead are listed oldest first; `pageSize` above 5,000 is refused.
//! - Lists show the age that the index has; a single record is there at once.
//! - External data is shown and found for the application's guid only.
//! - A refusal of content is 400. Whether a throttled caller is told when to come again is
//!   unknown: the fault rule says it.
//! - A booking that the office has taken or set aside cannot be amended: 409.
//!
//! # The office
//! By itself nothing happens: bookings stay `New`, leads `Open`, jobs `Scheduled`. The control API
//! lets people work (`POST /_sim/servicetitan/office`): `{"company": "acme", "event": EVENT}` with
//! `{"merge_customer": {"id": 1, "into": 2}}`, `{"convert_booking": {"id": 3}}`,
//! `{"dismiss_booking": {"id": 3}}` or `{"complete_job": {"id": 4}}`.

mod bookings;
mod books;
mod contacts;
mod customers;
mod jobs;
mod leads;
mod listing;
mod locations;
mod lookups;
mod notes;
mod office;
mod parts;
mod presets;
mod problem;
mod record;

use std::borrow::Cow;
use std::sync::Mutex;
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::Value;

use crate::call::Call;
use crate::crm::{Collection, Crm};
use crate::lock;
use crate::reply::Reply;
use crate::routes::{self, Answer, Endpoint, Route, Turned, Visit};
use crate::token_office::{Clients, Grant, Refresh, TokenOffice, TokenRules};
use books::{Books, Company};
use problem::{forbidden, not_found, problem};

/// The name under which ServiceTitan is simulated.
pub const NAME: &str = "servicetitan";

/// The one app that tenants have let in.
const APP_KEY: &str = "sim-app-key";

static ROUTES: &[Route<ServiceTitan>] = &[
    Route::post("/connect/token", token).open(),
    Route::get("/crm/v2/tenant/{tenant}/customers", customers::list),
    Route::post("/crm/v2/tenant/{tenant}/customers", customers::create),
    Route::get(
        "/crm/v2/tenant/{tenant}/customers/contacts",
        contacts::list_of_customers,
    ),
    Route::get("/crm/v2/tenant/{tenant}/customers/{id}", customers::show),
    Route::patch("/crm/v2/tenant/{tenant}/customers/{id}", customers::update),
    Route::get(
        "/crm/v2/tenant/{tenant}/customers/{id}/contacts",
        contacts::list_of_customer,
    ),
    Route::post(
        "/crm/v2/tenant/{tenant}/customers/{id}/contacts",
        contacts::add_to_customer,
    ),
    Route::get(
        "/crm/v2/tenant/{tenant}/customers/{id}/notes",
        notes::list_of_customer,
    ),
    Route::post(
        "/crm/v2/tenant/{tenant}/customers/{id}/notes",
        notes::add_to_customer,
    ),
    Route::get("/crm/v2/tenant/{tenant}/locations", locations::list),
    Route::post("/crm/v2/tenant/{tenant}/locations", locations::create),
    Route::get("/crm/v2/tenant/{tenant}/locations/{id}", locations::show),
    Route::get(
        "/crm/v2/tenant/{tenant}/locations/{id}/contacts",
        contacts::list_of_location,
    ),
    Route::post(
        "/crm/v2/tenant/{tenant}/locations/{id}/contacts",
        contacts::add_to_location,
    ),
    Route::get(
        "/crm/v2/tenant/{tenant}/locations/{id}/notes",
        notes::list_of_location,
    ),
    Route::post(
        "/crm/v2/tenant/{tenant}/locations/{id}/notes",
        notes::add_to_location,
    ),
    Route::get("/crm/v2/tenant/{tenant}/bookings", bookings::list),
    Route::get("/crm/v2/tenant/{tenant}/bookings/{id}", bookings::show),
    Route::get(
        "/crm/v2/tenant/{tenant}/bookings/{id}/contacts",
        contacts::list_of_booking,
    ),
    Route::get(
        "/crm/v2/tenant/{tenant}/booking-provider/{booking_provider}/bookings",
        bookings::list_of_provider,
    ),
    Route::post(
        "/crm/v2/tenant/{tenant}/booking-provider/{booking_provider}/bookings",
        bookings::create,
    ),
    Route::get(
        "/crm/v2/tenant/{tenant}/booking-provider/{booking_provider}/bookings/{id}",
        bookings::show_of_provider,
    ),
    Route::patch(
        "/crm/v2/tenant/{tenant}/booking-provider/{booking_provider}/bookings/{id}",
        bookings::update,
    ),
    Route::get(
        "/crm/v2/tenant/{tenant}/booking-provider/{booking_provider}/bookings/{id}/contacts",
        contacts::list_of_providers_booking,
    ),
    Route::post(
        "/crm/v2/tenant/{tenant}/booking-provider/{booking_provider}/bookings/{id}/contacts",
        contacts::add_to_booking,
    ),
    Route::get(
        "/crm/v2/tenant/{tenant}/booking-provider-tags",
        lookups::provider_tags,
    ),
    Route::post(
        "/crm/v2/tenant/{tenant}/booking-provider-tags",
        lookups::add_provider_tag,
    ),
    Route::get(
        "/crm/v2/tenant/{tenant}/booking-provider-tags/{id}",
        lookups::provider_tag,
    ),
    Route::get("/crm/v2/tenant/{tenant}/leads", leads::list),
    Route::post("/crm/v2/tenant/{tenant}/leads", leads::create),
    Route::get("/crm/v2/tenant/{tenant}/leads/{id}", leads::show),
    Route::get(
        "/crm/v2/tenant/{tenant}/leads/{id}/notes",
        notes::list_of_lead,
    ),
    Route::post(
        "/crm/v2/tenant/{tenant}/leads/{id}/notes",
        notes::add_to_lead,
    ),
    Route::get("/jpm/v2/tenant/{tenant}/jobs", jobs::list),
    Route::post("/jpm/v2/tenant/{tenant}/jobs", jobs::create),
    Route::get("/jpm/v2/tenant/{tenant}/jobs/{id}", jobs::show),
    Route::get(
        "/jpm/v2/tenant/{tenant}/jobs/{id}/notes",
        notes::list_of_job,
    ),
    Route::post("/jpm/v2/tenant/{tenant}/jobs/{id}/notes", notes::add_to_job),
    Route::get("/jpm/v2/tenant/{tenant}/job-types", lookups::job_types),
    Route::get(
        "/settings/v2/tenant/{tenant}/business-units",
        lookups::business_units,
    ),
    Route::get("/settings/v2/tenant/{tenant}/tag-types", lookups::tag_types),
    Route::get(
        "/marketing/v2/tenant/{tenant}/campaigns",
        lookups::campaigns,
    ),
    Route::get(
        "/jbce/v2/tenant/{tenant}/call-reasons",
        lookups::call_reasons,
    ),
];

/// The stand-in and its books.
#[derive(Default)]
pub(crate) struct ServiceTitan {
    books: Mutex<Books>,
}

impl ServiceTitan {
    /// Works on one company's books; nothing else can come between.
    fn with<T>(&self, company: &str, work: impl FnOnce(&mut Company) -> T) -> T {
        work(lock(&self.books).company(company))
    }

    /// Whether a request may go to the tenant in its path; an open endpoint has none.
    fn may_enter(&self, call: &Call) -> bool {
        let mut segments = call.path.split('/').skip(3);
        match (&call.company, segments.next(), segments.next()) {
            (Some(company), Some("tenant"), Some(tenant)) => {
                lock(&self.books).may_enter(company, tenant)
            }
            _ => true,
        }
    }
}

impl Crm for ServiceTitan {
    fn name(&self) -> &'static str {
        NAME
    }

    /// The bearer token, which is looked at only beside the app's key.
    fn credential<'a>(&self, call: &'a Call) -> Option<Cow<'a, str>> {
        (app_key(call) == Some(APP_KEY)).then_some(())?;
        let value = call.header("authorization")?;
        value.strip_prefix("Bearer ").map(Cow::Borrowed)
    }

    fn token_rules(&self) -> TokenRules {
        TokenRules {
            grants: &[Grant::ClientCredentials],
            life: Duration::from_secs(900),
            reads_json: false,
            clients: Clients::PerCompany,
            refresh: Refresh::Lasting,
        }
    }

    fn endpoint(&self, call: &Call) -> Option<Endpoint> {
        routes::endpoint(ROUTES, call)
    }

    fn answer(&self, call: &Call, office: &TokenOffice) -> Reply {
        if !self.may_enter(call) {
            return forbidden(
                "The tenant of the path is not the one that the token was issued for.",
            );
        }
        routes::answer(self, ROUTES, (call, office)).unwrap_or_else(|turned| match turned {
            Turned::Unknown => turn_away(call),
            Turned::Nowhere => not_found("The endpoint"),
        })
    }

    fn unauthorized(&self) -> Reply {
        problem(StatusCode::UNAUTHORIZED, "Unauthorized", &[])
    }

    fn throttled(&self) -> Reply {
        let title = "Rate limit is exceeded. Try again later.";
        problem(StatusCode::TOO_MANY_REQUESTS, title, &[])
    }

    fn rejected(&self, _: &Call) -> Reply {
        let errors = [("Request".to_owned(), "is invalid")];
        problem(StatusCode::BAD_REQUEST, problem::INVALID, &errors)
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
}

/// The key of the app, from the header or the query.
fn app_key(call: &Call) -> Option<&str> {
    call.header("st-app-key")
        .or_else(|| call.parameter("servicetitanapplicationkey"))
}

/// 401 that says which of the two credentials is wrong.
fn turn_away(call: &Call) -> Reply {
    let title = match app_key(call) {
        None => "The ST-App-Key header is missing.",
        Some(APP_KEY) => "Unauthorized",
        Some(_) => "The ST-App-Key header is invalid.",
    };
    problem(StatusCode::UNAUTHORIZED, title, &[])
}

fn token(_: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    Ok(visit.office.answer(visit.call))
}

/// The documents give 200 for every success, creations too.
fn ok(body: &Value) -> Answer {
    Ok(Reply::json(StatusCode::OK, body))
}

/// An id in the path, by its place behind the tenant; what is no number is nowhere.
fn path_id(visit: &Visit<'_>, place: usize) -> Result<i64, Reply> {
    let text = visit.ids.get(place).copied().unwrap_or_default();
    text.parse().map_err(|_| not_found("The record"))
}
