//! GraphQL over the same session: one `POST` a query, errors in the body of a 200.
//!
//! Queries and answers are types that `graphql_client` makes of a CRM's schema file; what a CRM
//! means by an error's code is its adapter's business.

use graphql_client::QueryBody;
use http::Method;
use serde::Serialize;
use serde_json::Value;

use super::answer::Effect;
use super::request::CrmRequest;

/// A request that carries a query. A mutation is a [`Effect::Write`], a query an
/// [`Effect::Read`], though both are sent by `POST`.
pub fn graphql<V: Serialize>(effect: Effect, path: &str, query: &QueryBody<V>) -> CrmRequest {
    CrmRequest::new(effect, Method::POST, path).json(query)
}

/// What an answer says went wrong, as GraphQL has it: `errors` beside `data`. Whatever stands there
/// counts, however it is shaped: an error that we cannot read is no success.
#[derive(Debug, Default)]
pub struct GraphQlErrors(Vec<Value>);

impl GraphQlErrors {
    /// The errors of an answer's body; none where it is no GraphQL answer.
    #[must_use]
    pub fn of(body: &Value) -> Self {
        Self(match &body["errors"] {
            Value::Null => Vec::new(),
            Value::Array(errors) => errors.clone(),
            other => vec![other.clone()],
        })
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them has this code in its `extensions`.
    #[must_use]
    pub fn has_code(&self, code: &str) -> bool {
        self.iter()
            .any(|error| error["extensions"]["code"].as_str() == Some(code))
    }

    /// The errors as they came, for what only one CRM says. Their texts may hold personal data.
    pub fn iter(&self) -> impl Iterator<Item = &Value> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn errors(body: &[u8]) -> GraphQlErrors {
        GraphQlErrors::of(&serde_json::from_slice(body).unwrap_or_default())
    }

    #[test]
    fn errors_are_known_by_their_codes() {
        let body = json!({"data": null, "errors": [
            {"message": "slow down", "extensions": {"code": "THROTTLED"}}, {"message": "x"},
        ]});
        let read = errors(body.to_string().as_bytes());
        assert!(read.has_code("THROTTLED") && !read.has_code("FORBIDDEN"));
        assert!(!read.is_empty());
    }

    #[test]
    fn an_error_of_any_shape_is_an_error() {
        let rows = [
            json!([{"message": "x", "extensions": null}]),
            json!([{"extensions": {"code": 7}}]),
            json!(["x"]),
            json!([null]),
            json!({"message": "x"}),
            json!("x"),
        ];
        for errors_given in rows {
            let body = json!({"data": {"list": []}, "errors": errors_given});
            let read = errors(body.to_string().as_bytes());
            assert!(!read.is_empty() && !read.has_code("THROTTLED"), "{body}");
            assert_eq!(read.iter().count(), 1);
        }
    }

    #[test]
    fn what_is_no_graphql_answer_has_no_errors() {
        let bodies: [&[u8]; 6] = [
            b"",
            b"<html>",
            b"[]",
            br#"{"data": {}}"#,
            br#"{"errors": null}"#,
            br#"{"errors": []}"#,
        ];
        for body in bodies {
            assert!(errors(body).is_empty());
        }
    }

    #[test]
    fn a_query_is_sent_as_json() {
        let query = QueryBody {
            variables: json!({"id": "1"}),
            query: "query Q($id: ID!) { node(id: $id) { id } }",
            operation_name: "Q",
        };
        let request = graphql(Effect::Read, "/graphql", &query);
        assert_eq!(request.method(), Method::POST);
        assert_eq!(request.effect(), Effect::Read);
        let body: &Value = request.json_body().unwrap();
        assert_eq!(
            (&body["variables"]["id"], &body["operationName"]),
            (&json!("1"), &json!("Q"))
        );
    }
}
