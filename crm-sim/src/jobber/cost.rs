//! What a query costs: a point for each field, none for `edges`, `nodes` and `node`, and under a
//! connection as often as `first` or `last` says, or 100 times.

use crate::graphql::{Plan, Selected};

/// How many nodes a connection counts for that names no size, and the most it answers.
pub(super) const MOST_NODES: u64 = 100;

/// Points for one resolution of a field. A connection is paid for by its nodes.
pub(super) fn weight(field: &Selected) -> u64 {
    let is_free = matches!(field.name.as_str(), "edges" | "nodes" | "node") || is_connection(field);
    u64::from(!is_free)
}

/// `requestedQueryCost`: what a plan costs if every connection is full.
pub(super) fn requested(plan: &Plan) -> u64 {
    sum(&plan.fields)
}

/// What is under a connection counts as often as it may have nodes, `pageInfo` too.
fn of(field: &Selected) -> u64 {
    let inside = sum(&field.fields);
    if !is_connection(field) {
        return weight(field).saturating_add(inside);
    }
    let size = |name: &str| field.arguments[name].as_u64();
    let nodes = size("first").or_else(|| size("last"));
    inside.saturating_mul(nodes.unwrap_or(MOST_NODES))
}

fn sum(fields: &[Selected]) -> u64 {
    fields.iter().map(of).fold(0, u64::saturating_add)
}

fn is_connection(field: &Selected) -> bool {
    field.type_name().ends_with("Connection")
}
