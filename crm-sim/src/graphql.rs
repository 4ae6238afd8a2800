//! A GraphQL front for simulated CRMs: a schema in SDL, requests checked against it, resolvers.
//!
//! A CRM declares its types as SDL ([`GraphQl::new`]) and answers fields through [`Object`]. The
//! front parses a request's document, checks every field, argument and variable against the
//! declared types, runs the operation's resolvers and keeps what was selected. What is wrong with
//! a document is told in the words of graphql-ruby, which Jobber and others run.
//!
//! Supported: queries and mutations, several operations with `operationName`, aliases, variables
//! with defaults, input objects, enums, inline fragments and spreads, unions and interfaces,
//! `@include` and `@skip`, `__typename`, nulls that travel up to the next nullable field. Not
//! supported: subscriptions and introspection (`__schema` is a field that does not exist).
//!
//! # Logs and fault rules
//! A GraphQL API has one path. So that the log tells its calls apart and a fault rule can meet one
//! of them, a request's path template is the path, `#`, and the operation's first root field like
//! a call without arguments: `/api/graphql#requestCreate()`. A rule's `path_prefix` may name that
//! template; the parentheses keep `requestCreate` from meeting `requestCreateNote` too.

mod coerce;
mod document;
mod error;
mod fragments;
mod literal;
mod plan;
mod run;
mod schema;
mod window;

use std::collections::HashMap;

use axum::http::Method;

pub(crate) use error::GraphQlError;
pub(crate) use plan::{Plan, Selected};
pub(crate) use run::{Object, Outcome, Output, run};
pub(crate) use schema::Schema;
pub(crate) use window::connection;

use crate::call::Call;
use crate::routes::Endpoint;
use document::Asked;

/// One CRM's GraphQL endpoint.
pub(crate) struct GraphQl {
    path: &'static str,
    pub(crate) schema: Schema,
    templates: HashMap<String, String>,
}

impl GraphQl {
    /// An endpoint at `path`, below the CRM's own prefix.
    pub(crate) fn new(path: &'static str, schema: Schema) -> Self {
        let templates = ["Query", "Mutation"]
            .iter()
            .flat_map(|root| schema.field_names(root))
            .map(|field| (field.to_owned(), format!("{path}#{field}()")))
            .collect();
        Self {
            path,
            schema,
            templates,
        }
    }

    /// Whether a request is for this endpoint.
    pub(crate) fn is_met_by(&self, call: &Call) -> bool {
        call.method == Method::POST && call.path == self.path
    }

    /// What is known of the endpoint, if a request is for it. Its template is without `#` where it is
    /// not clear which root field is asked for.
    pub(crate) fn endpoint(&'static self, call: &Call) -> Option<Endpoint> {
        self.is_met_by(call).then(|| {
            let asked = Asked::of(call).ok();
            let root = asked.and_then(|asked| asked.first_root_field());
            let template = root
                .and_then(|field| self.templates.get(&field))
                .map_or(self.path, String::as_str);
            Endpoint {
                template,
                is_open: false,
            }
        })
    }

    /// Reads a request and checks all of it; the errors are those of the answer.
    pub(crate) fn plan(&self, call: &Call) -> Result<Plan, Vec<GraphQlError>> {
        let asked = Asked::of(call).map_err(|error| vec![error])?;
        plan::plan(&self.schema, &asked)
    }
}
