//! What is wrong with a request, in the shape that GraphQL answers have for it.

use graphql_parser::Pos;
use serde_json::{Map, Value, json};

/// One entry of an answer's `errors`.
pub(crate) struct GraphQlError {
    message: String,
    place: Option<Pos>,
    path: Vec<Value>,
    extensions: Map<String, Value>,
}

impl GraphQlError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            place: None,
            path: Vec::new(),
            extensions: Map::new(),
        }
    }

    /// Where in the document it is.
    pub(crate) fn at(mut self, place: Pos) -> Self {
        self.place = Some(place);
        self
    }

    /// Which field it is about, from the root.
    pub(crate) fn on(mut self, path: &[Value]) -> Self {
        self.path = path.to_vec();
        self
    }

    pub(crate) fn code(self, code: &str) -> Self {
        self.with("code", json!(code))
    }

    /// Adds to `extensions`.
    pub(crate) fn with(mut self, key: &str, value: Value) -> Self {
        self.extensions.insert(key.to_owned(), value);
        self
    }

    pub(crate) fn show(self) -> Value {
        let mut shown = json!({"message": self.message});
        if let Some(place) = self.place {
            shown["locations"] = json!([{"line": place.line, "column": place.column}]);
        }
        if !self.path.is_empty() {
            shown["path"] = Value::Array(self.path);
        }
        if !self.extensions.is_empty() {
            shown["extensions"] = Value::Object(self.extensions);
        }
        shown
    }
}
