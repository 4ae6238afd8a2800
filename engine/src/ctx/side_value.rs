//! Side values: what a workflow may not work out anew, because it would come out differently.
//!
//! The first pass records the value; every later one gets the same. It is committed before anything
//! that follows touches the outside world.

use super::Ctx;
use crate::history::HistoryKind;
use crate::size;
use crate::workflow::{WorkflowResult, unreadable};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

impl Ctx {
    /// The value that `make` gave when the run first came by here.
    ///
    /// # Errors
    /// When the stored value does not fit the type any more.
    pub fn side_value<T: Serialize + DeserializeOwned>(
        &self,
        name: &'static str,
        make: impl FnOnce() -> T,
    ) -> WorkflowResult<T> {
        let label = self.label(name);
        if let Some(value) = self.progress().past.take_side_value(&label) {
            return serde_json::from_value(value).map_err(|error| unreadable("value", &error));
        }
        let value = make();
        let payload = serde_json::to_string(&Value { value: &value })
            .map_err(|error| unreadable("value", &error))?;
        size::check("value", &payload)?;
        self.add_row(HistoryKind::SideValue, Some(label), None, Some(payload));
        Ok(value)
    }

    /// The database's time when the run first came by here.
    ///
    /// # Errors
    /// When the stored value does not fit the type any more.
    pub fn now(&self) -> WorkflowResult<DateTime<Utc>> {
        self.side_value("now", || self.clock())
    }

    /// A random number, the same after every restart.
    ///
    /// # Errors
    /// When the stored value does not fit the type any more.
    pub fn random(&self) -> WorkflowResult<u64> {
        self.side_value("random", rand::random)
    }

    /// A random id (UUID version 4), the same after every restart.
    ///
    /// # Errors
    /// When the stored value does not fit the type any more.
    pub fn uuid(&self) -> WorkflowResult<Uuid> {
        self.side_value("uuid", Uuid::new_v4)
    }
}

/// The payload of `side_value`.
#[derive(Serialize)]
pub(super) struct Value<'a, T> {
    pub(super) value: &'a T,
}
