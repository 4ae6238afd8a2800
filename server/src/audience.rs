//! For whom a route is: anybody, an account, or whoever runs the product.
//!
//! Each audience is let in by its own layer, and the layer says who it is that acts. There are no keys
//! yet, so all three let in this machine only (`guard`, at the edge), and whoever comes is
//! [`Actor::Local`].

use axum::extract::{FromRequestParts, Request};
use axum::middleware::Next;
use axum::response::Response;
use http::request::Parts;
use leadrail_desk::Actor;

use crate::problem::Problem;

/// Anybody: health, the description. Nobody acts here, so nobody is named.
pub(crate) async fn public(request: Request, next: Next) -> Response {
    next.run(request).await
}

/// An account, which hands leads over and follows them.
pub(crate) async fn account(mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(Actor::Local);
    next.run(request).await
}

/// Whoever runs the product: connections, figures.
pub(crate) async fn operator(mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(Actor::Local);
    next.run(request).await
}

/// Who acts, as the layer before the route found out.
pub(crate) struct Who(pub(crate) Actor);

impl<S: Send + Sync> FromRequestParts<S> for Who {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let actor = parts.extensions.get::<Actor>().cloned();
        // Only a route for nobody in particular has none, and such a route must not act.
        actor.map(Self).ok_or_else(Problem::internal)
    }
}
