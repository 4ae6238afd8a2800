//! A request's body and the operation in it that is wanted.

use std::collections::HashMap;

use graphql_parser::Pos;
use graphql_parser::query::{
    self as ast, Definition, FragmentDefinition, OperationDefinition, Selection, SelectionSet,
    VariableDefinition,
};
use serde_json::{Map, Value};

use super::error::GraphQlError;
use crate::call::Call;

/// What a request's JSON body asks for.
pub(super) struct Asked {
    query: String,
    pub(super) variables: Map<String, Value>,
    operation: Option<String>,
}

/// One operation with the fragments it may use.
pub(super) struct Operation<'d, 'q> {
    /// `Query` or `Mutation`.
    pub(super) root: &'static str,
    /// `query`, or `mutation SendLead` if it has a name.
    pub(super) title: String,
    pub(super) variables: &'d [VariableDefinition<'q, String>],
    pub(super) selection: &'d SelectionSet<'q, String>,
    pub(super) fragments: HashMap<&'d str, &'d FragmentDefinition<'q, String>>,
}

impl Asked {
    /// Reads `query`, `variables` and `operationName`.
    pub(super) fn of(call: &Call) -> Result<Self, GraphQlError> {
        let mut body = call.object().unwrap_or_default();
        let query = match body.remove("query") {
            Some(Value::String(query)) if !query.trim().is_empty() => query,
            _ => return Err(GraphQlError::new("No query string was present")),
        };
        let variables = match body.remove("variables") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(variables)) => variables,
            Some(_) => return Err(GraphQlError::new("Variables must be an object")),
        };
        let operation = body.remove("operationName");
        let operation = operation.and_then(|name| name.as_str().map(str::to_owned));
        Ok(Self {
            query,
            variables,
            operation: operation.filter(|name| !name.is_empty()),
        })
    }

    pub(super) fn parse(&self) -> Result<ast::Document<'_, String>, GraphQlError> {
        ast::parse_query::<String>(&self.query).map_err(|error| syntax_error(&error.to_string()))
    }

    /// The operation of that name, or the only one.
    pub(super) fn choose<'d, 'q>(
        &self,
        document: &'d ast::Document<'q, String>,
    ) -> Result<Operation<'d, 'q>, GraphQlError> {
        let mut operations = document.definitions.iter().filter_map(|one| match one {
            Definition::Operation(operation) => Some(Operation::of(operation)),
            Definition::Fragment(_) => None,
        });
        let mut chosen = match &self.operation {
            Some(wanted) => {
                operations
                    .find(|(_, name)| *name == Some(wanted))
                    .ok_or_else(|| GraphQlError::new(format!("No operation named {wanted:?}")))?
                    .0?
            }
            None => match (operations.next(), operations.next()) {
                (Some((only, _)), None) => only?,
                (None, _) => return Err(GraphQlError::new("No operation was present")),
                _ => return Err(GraphQlError::new("An operation name is required")),
            },
        };
        chosen.fragments = fragments(document);
        Ok(chosen)
    }

    /// The name of the first field at the operation's root, fragments apart.
    pub(super) fn first_root_field(&self) -> Option<String> {
        let document = self.parse().ok()?;
        let operation = self.choose(&document).ok()?;
        operation
            .selection
            .items
            .iter()
            .find_map(|item| match item {
                Selection::Field(field) if field.name != "__typename" => Some(field.name.clone()),
                _ => None,
            })
    }
}

impl<'d, 'q> Operation<'d, 'q> {
    fn of(
        definition: &'d OperationDefinition<'q, String>,
    ) -> (Result<Self, GraphQlError>, Option<&'d String>) {
        let (root, word, name, variables, selection): (_, _, _, &'d [_], _) = match definition {
            OperationDefinition::SelectionSet(set) => ("Query", "query", None, &[], set),
            OperationDefinition::Query(query) => (
                "Query",
                "query",
                query.name.as_ref(),
                &query.variable_definitions,
                &query.selection_set,
            ),
            OperationDefinition::Mutation(mutation) => (
                "Mutation",
                "mutation",
                mutation.name.as_ref(),
                &mutation.variable_definitions,
                &mutation.selection_set,
            ),
            OperationDefinition::Subscription(subscription) => {
                let error = GraphQlError::new("Schema is not configured for subscriptions")
                    .at(subscription.position)
                    .code("missingSubscriptionConfiguration");
                return (Err(error), subscription.name.as_ref());
            }
        };
        let title = name.map_or_else(|| word.to_owned(), |name| format!("{word} {name}"));
        let operation = Self {
            root,
            title,
            variables,
            selection,
            fragments: HashMap::new(),
        };
        (Ok(operation), name)
    }
}

fn fragments<'d, 'q>(
    document: &'d ast::Document<'q, String>,
) -> HashMap<&'d str, &'d FragmentDefinition<'q, String>> {
    document
        .definitions
        .iter()
        .filter_map(|one| match one {
            Definition::Fragment(fragment) => Some((fragment.name.as_str(), fragment)),
            Definition::Operation(_) => None,
        })
        .collect()
}

/// The parser names the place in its text only: `query parse error: Parse error at 1:5`.
fn syntax_error(text: &str) -> GraphQlError {
    let text = text.trim_start_matches("query parse error: ");
    let message = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let error = GraphQlError::new(message);
    match place(text) {
        Some(place) => error.at(place),
        None => error,
    }
}

fn place(text: &str) -> Option<Pos> {
    let numbers = text.strip_prefix("Parse error at ")?.lines().next()?;
    let (line, column) = numbers.split_once(':')?;
    Some(Pos {
        line: line.parse().ok()?,
        column: column.parse().ok()?,
    })
}
