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
            Err(refused) => Err(Problem::bad_parameter(explained(&refused.body_text()))),
        }
    }
}

/// Which parameter is refused and what is allowed, without the value that was given: it stands in the
/// reader's own words, `... state: unknown variant `nope`, expected one of `queued`, ...`.
fn explained(said: &str) -> String {
    let said = said
        .rsplit_once("query string: ")
        .map_or(said, |(_, said)| said);
    if let Some(rest) = said.strip_prefix("duplicate field ") {
        return format!("the parameter {rest} stands in the query twice");
    }
    if let Some((name, rest)) = said.split_once(": ")
        && !rest.starts_with("unknown field ")
        && name.chars().all(|c| c.is_ascii_lowercase() || c == '_')
    {
        return format!("the parameter `{name}` {}", rule(rest));
    }
    match said.split_once(", expected ") {
        Some((_, known)) => {
            format!("the query has a parameter that this call does not take; it takes {known}")
        }
        None => "the query does not read".to_owned(),
    }
}

fn rule(said: &str) -> String {
    if let Some(rest) = said.strip_prefix("duplicate field ") {
        return format!("stands in the query twice: {rest}");
    }
    match said.split_once(", expected ") {
        Some((_, known)) => format!("must be {known}"),
        None if said.contains("UUID") => "must be a UUID".to_owned(),
        None if said.contains("digit") || said.contains("number") => {
            "must be a whole number".to_owned()
        }
        None => "does not read".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Uri;
    use serde::Deserialize;
    use uuid::Uuid;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum State {
        Queued,
        Dead,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it reads is looked at")]
    struct Asked {
        state: Option<State>,
        cursor: Option<Uuid>,
        limit: Option<u32>,
    }

    fn refusal(query: &str) -> String {
        let uri: Uri = format!("/leads?{query}").parse().expect("a URI");
        let refused = Query::<Asked>::try_from_uri(&uri).expect_err("refused");
        explained(&refused.body_text())
    }

    #[test]
    fn a_refusal_names_the_parameter_and_what_is_allowed_and_no_value() {
        let rows = [
            (
                "state=canary",
                "the parameter `state` must be `queued` or `dead`",
            ),
            ("cursor=canary", "the parameter `cursor` must be a UUID"),
            (
                "limit=canary",
                "the parameter `limit` must be a whole number",
            ),
            ("limit=-1", "the parameter `limit` must be a whole number"),
        ];
        for (query, expected) in rows {
            assert_eq!(refusal(query), expected, "{query}");
        }
        let unknown = refusal("canary=1");
        assert!(
            unknown.ends_with("it takes one of `state`, `cursor`, `limit`"),
            "{unknown}"
        );
        assert!(refusal("limit=1&limit=2").contains("twice"));
        for query in ["state=canary", "cursor=canary", "limit=canary", "canary=1"] {
            assert!(!refusal(query).contains("canary"), "{query}");
        }
    }
}
