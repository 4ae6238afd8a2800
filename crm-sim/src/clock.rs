//! The simulated CRMs' own clock. It is foreign to whoever calls them, like a real CRM's.

use std::time::Duration;

use chrono::{DateTime, Utc};

#[expect(
    clippy::disallowed_methods,
    reason = "a CRM stamps its records by its own clock and knows no database of ours"
)]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}

/// Whether a list that lags so far behind shows a record of this time yet.
pub(crate) fn is_indexed(created_at: DateTime<Utc>, lag: Duration) -> bool {
    lag.is_zero() || (now() - created_at).to_std().is_ok_and(|age| age >= lag)
}
