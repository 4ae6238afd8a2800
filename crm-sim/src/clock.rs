//! The simulated CRMs' own clock. It is foreign to whoever calls them, like a real CRM's.

use chrono::{DateTime, Utc};

#[expect(
    clippy::disallowed_methods,
    reason = "a CRM stamps its records by its own clock and knows no database of ours"
)]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}
