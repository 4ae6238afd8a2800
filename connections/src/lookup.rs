//! Which connection a lead goes through.

use std::sync::Arc;

use crate::{Connection, rows::StoredConnection};

/// What was found for a lead's account, CRM and CRM account.
#[derive(Debug, Clone, PartialEq)]
pub enum Lookup {
    /// This one, in whatever state it is.
    Found(Box<Connection>),
    /// Several would do and the lead does not say which: a person has to.
    Ambiguous,
    /// The account has no such connection.
    None,
}

/// The choice, before it is handed out.
pub(crate) enum Choice {
    Found(Arc<StoredConnection>),
    Ambiguous,
    None,
}

/// Chooses for a lead that asks for `wanted`.
///
/// A lead that names a CRM account gets exactly that one, or else the account's only connection if it
/// was made without one: then there is no other that could be meant. A lead that names none gets the
/// connection that was made without one, or else the only one there is. Pending connections count
/// only where nobody has signed in to any, and disabled ones when there is nothing else: neither one
/// that is being made nor one that is retired makes the others ambiguous.
pub(crate) fn choose(rows: Vec<StoredConnection>, wanted: Option<&str>) -> Choice {
    let best = rows.iter().map(|row| row.connection.state.rank()).min();
    let is_exact = |row: &StoredConnection| row.connection.crm_account_id.as_deref() == wanted;
    let counts = |row: &StoredConnection| {
        Some(row.connection.state.rank()) == best || wanted.is_some() && is_exact(row)
    };
    let (exact, others): (Vec<_>, Vec<_>) = rows.into_iter().filter(counts).partition(is_exact);
    if let Some(exact) = exact.into_iter().next() {
        return Choice::Found(Arc::new(exact));
    }
    let mut others = others.into_iter();
    match (wanted, others.next(), others.next()) {
        (None, Some(only), None) => Choice::Found(Arc::new(only)),
        (None, Some(_), Some(_)) => Choice::Ambiguous,
        (Some(_), Some(only), None) if only.connection.crm_account_id.is_none() => {
            Choice::Found(Arc::new(only))
        }
        _ => Choice::None,
    }
}
