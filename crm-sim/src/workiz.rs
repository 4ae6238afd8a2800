//! Workiz, as public clients and readers of its API document describe it. The document itself is in
//! no public copy.
//!
//! Implemented: the team, leads (list, one, create, update) and the list of jobs. Every other path is
//! the 403 that Workiz has for a path and for a token that it does not know. The token stands first in
//! the path, `/sim-acme/lead/all/`; the secret of the company `acme` is `sec_acme`, in the field
//! `auth_secret` of what is written, and a write with another is 401 whatever else is in it.
//!
//! Where nothing is said, the stand-in takes the side that is harder on a caller:
//! - Every field that is called required must be there; names and address must say something, number
//!   and e-mail may be empty. `ClientId` is called required too, and left out by all: so may anybody.
//! - A number is ten bare digits. Times are `2026-11-22 09:00:00`, and nothing else.
//! - A lead without a `ClientId` makes a client, though one with that number is there.
//! - The list of leads goes by `LeadDateTime`, latest first, shows open leads of the last 14 days
//!   unless it is told otherwise, and none that stands later than tomorrow: "until today", by the clock
//!   of whoever is furthest ahead. A page has 100 leads at most; more is cut down without a word.
//! - A lead that is converted is in the list of jobs from then on, under another id, and no more in
//!   that of leads.
//! - Tags are taken out of texts, and an open one takes the rest of the text with it. Notes end after
//!   5,000 characters.
//! - Several faults are a list in `details`, one is an object; a time that cannot be is a 200 with
//!   `flag` false.
//! - 429 has no headers. How many calls a minute are answered is set by `POST /_sim/workiz/limits`
//!   (`requests`); all of them are until then.
//!
//! The account's clock is UTC.
//!
//! # The office
//! `POST /_sim/workiz/office` with `{"company": "acme", "event": EVENT}`: `{"convert_lead": {"id":
//! "A1B2C3"}}`, `{"close_lead": {"id": "A1B2C3"}}`, `{"delete_client": {"id": 1001}}`. What readers
//! disagree about is set by `{"behave": {"offset": "pages", "lists": "bare", "empty": "no_content"}}`:
//! `offset` is `rows` or `pages`; lists are `wrapped` in `data` or `bare`; an empty one is a `list`,
//! `no_content` or `not_found`. The first of each is what there is without it.

mod behavior;
mod books;
mod form;
mod jobs;
mod leads;
mod list;
mod problem;
mod team;

use std::borrow::Cow;
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::call::Call;
use crate::crm::{Collection, Crm};
use crate::limits::Limits;
use crate::lock;
use crate::reply::Reply;
use crate::routes::{self, Endpoint, Route};
use crate::token_office::TokenOffice;
use books::{Books, Company};
use problem::{forbidden, problem};

/// The name under which Workiz is simulated.
pub const NAME: &str = "workiz";

static ROUTES: &[Route<Workiz>] = &[
    Route::get("/{token}/team/all/", team::list),
    Route::get("/{token}/lead/all/", leads::list),
    Route::get("/{token}/lead/get/{UUID}/", leads::show),
    Route::post("/{token}/lead/create/", leads::create),
    Route::post("/{token}/lead/update/", leads::update),
    Route::get("/{token}/job/all/", jobs::list),
];

/// The stand-in and its books.
#[derive(Default)]
pub(crate) struct Workiz {
    books: Mutex<Books>,
}

impl Workiz {
    /// Works on one company's books; nothing else can come between.
    fn with<T>(&self, company: &str, work: impl FnOnce(&mut Company) -> T) -> T {
        work(lock(&self.books).company(company))
    }

    /// Whether the company has used up the calls of this minute.
    fn is_over(&self, call: &Call) -> bool {
        let company = call.company.as_deref();
        company.is_some_and(|company| !self.with(company, |company| company.rate.admits()))
    }
}

impl Crm for Workiz {
    fn name(&self) -> &'static str {
        NAME
    }

    fn credential<'a>(&self, call: &'a Call) -> Option<Cow<'a, str>> {
        call.path.split('/').nth(1).map(Cow::Borrowed)
    }

    fn endpoint(&self, call: &Call) -> Option<Endpoint> {
        routes::endpoint(ROUTES, call)
    }

    fn answer(&self, call: &Call, office: &TokenOffice) -> Reply {
        if self.is_over(call) {
            return self.throttled();
        }
        routes::answer(self, ROUTES, (call, office)).unwrap_or_else(|_| forbidden())
    }

    fn unauthorized(&self) -> Reply {
        problem(401, "Unauthorized", &[])
    }

    fn throttled(&self) -> Reply {
        problem(429, "Too many requests", &[])
    }

    fn rejected(&self, _: &Call) -> Reply {
        problem(
            400,
            "Validation failed",
            &["LeadNotes is invalid".to_owned()],
        )
    }

    fn records(&self, company: Option<&str>) -> Vec<Collection> {
        lock(&self.books).collections(company)
    }

    fn clear(&self) {
        *lock(&self.books) = Books::default();
    }

    fn happen(&self, company: &str, event: &Value) -> Result<(), String> {
        let id = |name: &str| event[name]["id"].as_str().unwrap_or_default().to_owned();
        let kind = event.as_object().and_then(|event| event.keys().next());
        self.with(company, |company| match kind.map(String::as_str) {
            Some("behave") => behavior::change(&mut company.behavior, &event["behave"]),
            Some("convert_lead") => company
                .convert(&id("convert_lead"))
                .ok_or_else(|| "there is no such lead".to_owned()),
            Some("close_lead") => {
                let closed = json!({"Status": "Done"});
                let closed = company.update(&id("close_lead"), &closed);
                closed.ok_or_else(|| "there is no such lead".to_owned())
            }
            Some("delete_client") => {
                let client = event["delete_client"]["id"].as_i64();
                let deleted = client.and_then(|id| company.delete_client(id));
                deleted.ok_or_else(|| "there is no such client".to_owned())
            }
            _ => Err("nobody does that here".to_owned()),
        })
    }

    fn set_limits(&self, company: &str, limits: &Limits) -> bool {
        self.with(company, |company| company.rate.set(limits.requests));
        true
    }
}
