//! For whom a route is: anybody, whoever hands leads over, an account, or whoever runs the product.
//!
//! Each audience is let in by its own layer, and the layer says who it is that acts: the holder of an
//! API key, or [`Actor::Local`] where a caller on this machine needs none. What a role may do stands in
//! one table, at the desk ([`Role::may`](leadrail_desk::Role::may)).

use axum::Extension;
use axum::extract::{FromRequestParts, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use leadrail_desk::{Actor, Caller, Need};

use crate::arrival::Arrival;
use crate::problem::Problem;
use crate::rates::Standing;
use crate::state::{App, in_time};

/// Anybody, as often as they like: whoever asks whether the process answers. Nobody acts here, so nobody
/// is named.
pub(crate) async fn anyone(request: Request, next: Next) -> Response {
    next.run(request).await
}

/// Anybody, not too often: the description, and what asks the database.
pub(crate) async fn public(
    Extension(app): Extension<App>,
    request: Request,
    next: Next,
) -> Response {
    let standing = app.rates.of_peer(arrival(&request).client);
    in_turn(&app, standing, request, next).await
}

/// Whoever has a key, whatever for.
pub(crate) async fn known(
    Extension(app): Extension<App>,
    request: Request,
    next: Next,
) -> Response {
    admit(&app, None, request, next).await
}

/// Whoever hands leads over.
pub(crate) async fn intake(
    Extension(app): Extension<App>,
    request: Request,
    next: Next,
) -> Response {
    admit(&app, Some(Need::Submit), request, next).await
}

/// An account, which follows its leads and its connections.
pub(crate) async fn account(
    Extension(app): Extension<App>,
    request: Request,
    next: Next,
) -> Response {
    let need = match request.method().is_safe() {
        true => Need::Look,
        false => Need::Change,
    };
    admit(&app, Some(need), request, next).await
}

/// Whoever runs the product: figures, runs, keys.
pub(crate) async fn operator(
    Extension(app): Extension<App>,
    request: Request,
    next: Next,
) -> Response {
    let need = match request.method().is_safe() {
        true => Need::LookAtAll,
        false => Need::ChangeAll,
    };
    admit(&app, Some(need), request, next).await
}

async fn admit(app: &App, need: Option<Need>, mut request: Request, next: Next) -> Response {
    let arrival = arrival(&request);
    let caller = match identify(app, &arrival, request.headers()).await {
        Ok(caller) => caller,
        Err(answer) => return answer,
    };
    let standing = app.rates.of_caller(&caller);
    if need.is_some_and(|need| !caller.may(need)) {
        let refused = || Problem::not_allowed(&caller, need).into_response();
        return standing
            .and_then(|standing| standing.refusal())
            .unwrap_or_else(refused);
    }
    request.extensions_mut().insert(caller);
    in_turn(app, standing, request, next).await
}

/// How the request came, as the edge found out.
fn arrival(request: &Request) -> Arrival {
    let arrival = request.extensions().get::<Arrival>().cloned();
    arrival.unwrap_or_else(Arrival::of_nobody)
}

/// The answer to whoever is not let in; whoever tries too often is told so instead.
fn stranger(app: &App, arrival: &Arrival, problem: Problem) -> Response {
    let standing = app.rates.of_peer(arrival.client);
    let too_often = standing.and_then(|standing| standing.refusal());
    too_often.unwrap_or_else(|| problem.into_response())
}

/// Goes on with a request that does not come too often, if there is a place for it, and says how many
/// more may come.
async fn in_turn(app: &App, standing: Option<Standing>, request: Request, next: Next) -> Response {
    if let Some(refusal) = standing.and_then(|standing| standing.refusal()) {
        return refusal;
    }
    let answer = match app.begin() {
        Some(_under_way) => next.run(request).await,
        None => Problem::busy().into_response(),
    };
    match standing {
        Some(standing) => standing.said_in(answer),
        None => answer,
    }
}

/// Who calls, by the key if there is one; else the answer to whoever it is.
async fn identify(app: &App, arrival: &Arrival, headers: &HeaderMap) -> Result<Caller, Response> {
    let away = |problem: Problem| stranger(app, arrival, problem);
    let key = match given_key(headers) {
        Ok(Some(key)) => key,
        Ok(None) if app.admission.keys_required || !arrival.is_local => {
            return Err(away(Problem::unauthorized(
                "send an API key: Authorization: Bearer lr_live_...",
            )));
        }
        Ok(None) => return Ok(Caller::local()),
        Err(problem) => return Err(away(problem)),
    };
    match in_time(app.desk.caller(key)).await {
        Ok(Some(caller)) => Ok(caller),
        Ok(None) => Err(away(unknown_key())),
        Err(problem) => Err(problem.into_response()),
    }
}

/// The one key that was sent, if any was.
fn given_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let (Some(first), second) = (given.next(), given.next()) else {
        return Ok(None);
    };
    let key = first.to_str().ok().and_then(bearer);
    let key = key.filter(|_| second.is_none());
    key.map(Some).ok_or_else(unknown_key)
}

fn unknown_key() -> Problem {
    Problem::unauthorized("this is no API key that works: it may be mistyped, expired or revoked")
}

/// The token behind `Bearer`, a word in any case (RFC 9110, 11.1).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whoever calls, as the layer before the route found out.
pub(crate) struct By(pub(crate) Caller);

impl By {
    /// The account to which an answer is confined: the one that was asked for, or the caller's own.
    pub(crate) fn account(&self, asked: Option<String>) -> Result<Option<String>, Problem> {
        let own = self.0.account().map(str::to_owned);
        match asked {
            Some(asked) if !self.0.sees(&asked) => {
                Err(Problem::not_found("there is no such account"))
            }
            Some(asked) => Ok(Some(asked)),
            None => Ok(own),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for By {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Caller>().cloned();
        // Only a route for nobody in particular has none, and such a route must not act.
        caller.map(Self).ok_or_else(Problem::internal)
    }
}

/// Who acts.
pub(crate) struct Who(pub(crate) Actor);

impl<S: Send + Sync> FromRequestParts<S> for Who {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let By(caller) = By::from_request_parts(parts, state).await?;
        Ok(Self(caller.actor().clone()))
    }
}
