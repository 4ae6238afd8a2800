//! Jobber's GraphQL API, as its Developer Center and its schema describe it.
//!
//! Implemented, on `POST /api/graphql` with `Authorization: Bearer` and
//! `X-JOBBER-GRAPHQL-VERSION`: the types of `jobber/schema.graphql`, which are the account,
//! clients with phone numbers and e-mail addresses, properties, requests, and notes of clients and
//! requests; their look-ups, searches and connections; `clientCreate`, `clientEdit`,
//! `clientArchive`, `clientUnarchive`, `clientCreateNote`, `propertyCreate`, `requestCreate`,
//! `requestCreateNote`; `userErrors`; query cost with its bucket; the count of requests. Beside
//! it the page of consent (`GET /api/oauth/authorize`) and the token endpoint
//! (`POST /api/oauth/token`). Every other path is 404.
//!
//! Refusals come in Jobber's three shapes. Before GraphQL: 401 without a valid token, 404 without
//! a version that exists, 429 for the 2,501st request in 300 seconds. As `errors` on 200: a
//! document that does not fit the schema, in graphql-ruby's words, and `THROTTLED`. As
//! `userErrors` on 200: an input that cannot stand. A record that is not there is null on a
//! look-up and a user error in a mutation.
//!
//! Access tokens live 60 minutes. A refresh returns a new pair, and the old refresh token is worth
//! nothing from then on.
//!
//! Where the documentation is silent, the stand-in takes the side that is harder on a caller:
//! - A refresh token that comes a second time ends every token of its consent. Access tokens are
//!   opaque where Jobber's are JWTs; `expires_in` says how long they live.
//! - Searches are fuzzy: a phone number also finds numbers that differ in the area code only, and
//!   those of archived clients; a name finds its client's numbers too. An empty term lists all.
//! - `normalizedPhoneNumber` is null where a number is neither of the North American plan nor
//!   written with a `+`.
//! - Lists show what was last updated first, and at most 100 nodes whatever `first` says; cursors
//!   are offsets. Filters compare times in whole seconds, and their bounds are exclusive.
//! - `pageInfo` and `totalCount` are multiplied like nodes in the requested cost, and a union costs
//!   the sum of its fragments. A document that does not fit costs nothing and is told no cost.
//! - A missing version is refused like an unknown one. All but the newest carry a warning.
//! - A client needs a name or a firm; `smsAllowed: true` is refused; the same client may exist
//!   many times. Requests are not filed for archived clients, nor at another client's property.
//! - What a request was given beside its title, client and property is kept and never shown.
//! - `searchFields`, `contacts` and the receives-flags are refused as unknown, because their
//!   shapes are not known. `requestDetails`, `lineItems` and `assessment` take the fields that
//!   examples show and no others.
//! - `Request.notes` is a union: a note's message is read through fragments only. A client's note
//!   that is linked to requests stands among them.
//! - A body that is not declared as JSON is not read.

mod books;
mod clients;
mod contacts;
mod cost;
mod mutation;
mod notes;
mod objects;
mod query;
mod records;
mod refusal;
mod requests;
mod shelf;
mod throttle;
mod version;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::call::Call;
use crate::crm::{Collection, Crm};
use crate::graphql::{GraphQl, GraphQlError, Outcome, Output, Plan, Schema, run};
use crate::limits::Limits;
use crate::reply::Reply;
use crate::routes::{self, Answer, Endpoint, Route, Visit};
use crate::token_office::{Clients, Grant, Refresh, Refusal, TokenOffice, TokenRules};
use crate::{clock, lock};
use books::Books;
use mutation::{Mutation, Refusing};
use objects::Scene;
use query::Query;
use throttle::Throttle;

/// The name under which Jobber is simulated.
pub const NAME: &str = "jobber";

static API: LazyLock<GraphQl> = LazyLock::new(|| {
    let schema = Schema::parse(include_str!("jobber/schema.graphql"))
        .scalar("EncodedId", records::is_encoded_id)
        .scalar("ISO8601DateTime", records::is_time);
    GraphQl::new("/api/graphql", schema)
});

/// The endpoints that are not GraphQL.
static ROUTES: &[Route<Jobber>] = &[
    Route::get("/api/oauth/authorize", authorize).open(),
    Route::post("/api/oauth/token", token).open(),
];

/// What an operation starts from.
#[derive(Clone, Copy)]
enum Root {
    Query,
    Mutation,
    Refusing,
}

/// The stand-in, its books and its accounts' limits.
#[derive(Default)]
pub(crate) struct Jobber {
    books: Mutex<Books>,
    throttles: Mutex<HashMap<String, Throttle>>,
}

impl Jobber {
    fn answer_for(&self, company: &str, call: &Call) -> Result<Reply, Reply> {
        if self.with_throttle(company, |throttle| throttle.is_flooded(clock::now())) {
            return Err(Reply::text(StatusCode::TOO_MANY_REQUESTS, "Retry later\n"));
        }
        let versioning = version::negotiate(call)?;
        let plan = API.plan(call).map_err(|errors| {
            let extensions = json!({"versioning": versioning});
            ok(&json!({"errors": shown(errors), "extensions": extensions}))
        })?;
        let requested = cost::requested(&plan);
        let cost = self.with_throttle(company, |throttle| {
            let affords = throttle.affords(requested, clock::now());
            (!affords).then(|| throttle.show(requested, 0))
        });
        if let Some(cost) = cost {
            return Err(ok(&throttled(&cost)));
        }
        let root = match plan.root {
            "Mutation" => Root::Mutation,
            _ => Root::Query,
        };
        let outcome = self.run(company, call, &plan, root);
        let cost = self.with_throttle(company, |throttle| {
            throttle.charge(outcome.weight);
            throttle.show(requested, outcome.weight)
        });
        let extensions = json!({"cost": cost, "versioning": versioning});
        Ok(ok(&body(outcome, &extensions)))
    }

    /// Runs an operation on one account's books; nothing else can come between.
    fn run(&self, company: &str, call: &Call, plan: &Plan, root: Root) -> Outcome {
        let mut books = lock(&self.books);
        let mut scene = Scene {
            company: books.company(company),
            lag: call.index_lag,
        };
        let root = match root {
            Root::Query => Output::object(Query),
            Root::Mutation => Output::object(Mutation),
            Root::Refusing => Output::object(Refusing),
        };
        run(plan, &root, &mut scene, cost::weight)
    }

    fn with_throttle<T>(&self, company: &str, work: impl FnOnce(&mut Throttle) -> T) -> T {
        let mut throttles = lock(&self.throttles);
        let throttle = throttles
            .entry(company.to_owned())
            .or_insert_with(|| Throttle::new(clock::now()));
        work(throttle)
    }
}

impl Crm for Jobber {
    fn name(&self) -> &'static str {
        NAME
    }

    /// `Bearer TOKEN`; the word may be written small.
    fn credential<'a>(&self, call: &'a Call) -> Option<Cow<'a, str>> {
        let (scheme, token) = call.header("authorization")?.split_once(' ')?;
        let is_bearer = scheme.eq_ignore_ascii_case("bearer");
        is_bearer.then_some(Cow::Borrowed(token))
    }

    fn token_rules(&self) -> TokenRules {
        TokenRules {
            grants: &[Grant::AuthorizationCode, Grant::RefreshToken],
            life: Duration::from_secs(60 * 60),
            reads_json: true,
            clients: Clients::App,
            refresh: Refresh::SingleUse {
                reuse_revokes: true,
            },
        }
    }

    fn endpoint(&self, call: &Call) -> Option<Endpoint> {
        API.endpoint(call)
            .or_else(|| routes::endpoint(ROUTES, call))
    }

    fn answer(&self, call: &Call, office: &TokenOffice) -> Reply {
        if !API.is_met_by(call) {
            return routes::answer(self, ROUTES, (call, office)).unwrap_or_else(|_| not_found());
        }
        let Some(company) = call.company.as_deref() else {
            return if self.credential(call).is_some() {
                self.unauthorized()
            } else {
                invalid_request()
            };
        };
        self.answer_for(company, call)
            .unwrap_or_else(|refusal| refusal)
    }

    fn unauthorized(&self) -> Reply {
        let body = json!({"message": "Token not recognized"});
        Reply::json(StatusCode::UNAUTHORIZED, &body)
    }

    /// `THROTTLED` on 200, with nothing left of the bucket and one second to wait.
    fn throttled(&self) -> Reply {
        let mut throttle = Throttle::new(clock::now());
        throttle.charge(u64::MAX);
        ok(&throttled(&throttle.show(500, 0)))
    }

    /// `userErrors` on 200 in the place of every mutation's record; a query gets an error, and the
    /// token endpoint has its own words.
    fn rejected(&self, call: &Call) -> Reply {
        if !API.is_met_by(call) {
            return Refusal::InvalidRequest.into_reply();
        }
        let plan = match API.plan(call) {
            Ok(plan) => plan,
            Err(errors) => return ok(&json!({"errors": shown(errors)})),
        };
        if plan.root != "Mutation" {
            let error = GraphQlError::new("Input is invalid").code("BAD_USER_INPUT");
            return ok(&json!({"data": null, "errors": [error.show()]}));
        }
        let company = call.company.as_deref().unwrap_or("");
        let outcome = self.run(company, call, &plan, Root::Refusing);
        ok(&body(outcome, &json!({})))
    }

    fn records(&self, company: Option<&str>) -> Vec<Collection> {
        // Rows are shared, so the lock is held for copying pointers only.
        let shelves = lock(&self.books).shelves(company);
        shelves.into_collections()
    }

    /// An account's limits are settings and stay.
    fn clear(&self) {
        *lock(&self.books) = Books::default();
    }

    /// `{"delete_client": {"id": "..."}}`.
    fn happen(&self, company: &str, event: &Value) -> Result<(), String> {
        let id = crate::office::deleted(event, "delete_client")?;
        let deleted = lock(&self.books).company(company).clients.remove(&id);
        deleted.ok_or_else(|| "there is no such client".to_owned())
    }

    fn set_limits(&self, company: &str, limits: &Limits) -> bool {
        self.with_throttle(company, |throttle| throttle.set(limits, clock::now()));
        true
    }
}

fn authorize(_: &Jobber, visit: &Visit<'_>) -> Answer {
    Ok(visit.office.authorize(visit.call))
}

fn token(_: &Jobber, visit: &Visit<'_>) -> Answer {
    Ok(visit.office.answer(visit.call))
}

fn not_found() -> Reply {
    Reply::json(StatusCode::NOT_FOUND, &json!({"message": "Not found"}))
}

fn body(outcome: Outcome, extensions: &Value) -> Value {
    let mut body = json!({"data": outcome.data, "extensions": extensions});
    if !outcome.errors.is_empty() {
        body["errors"] = Value::Array(outcome.errors);
    }
    body
}

fn shown(errors: Vec<GraphQlError>) -> Value {
    errors.into_iter().map(GraphQlError::show).collect()
}

fn throttled(cost: &Value) -> Value {
    let documentation = "https://developer.getjobber.com/docs/using_jobbers_api/api_rate_limits";
    let error = GraphQlError::new("Throttled").code("THROTTLED");
    let error = error.with("documentation", json!(documentation));
    json!({"errors": [error.show()], "extensions": {"cost": cost}})
}

/// What a call without a token is told.
fn invalid_request() -> Reply {
    let body = json!({
        "error": "invalid_request",
        "error_description": "The access token is missing",
    });
    Reply::json(StatusCode::UNAUTHORIZED, &body)
}

fn ok(body: &Value) -> Reply {
    Reply::json(StatusCode::OK, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_that_the_schema_names_is_declared() {
        assert!(API.schema.undeclared().is_empty());
    }
}
