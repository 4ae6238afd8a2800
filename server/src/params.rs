//! Query parameters, with our own answer to those that do not read.

use axum::extract::{FromRequestParts, Query};
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// The query of a request. Unknown parameters are refused where `T` refuses unknown fields, so
/// that a misspelled filter is not taken for none.
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        match query {
            Ok(Query(params)) => Ok(Self(params)),
            Err(_) => Err(Problem::bad_parameter(
                "the query has a parameter that this call does not take, or one twice, or with a \
                 value that does not read",
            )),
        }
    }
}
