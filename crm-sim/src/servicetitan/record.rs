//! What the books are made of. A record is what the API shows of it, and what only the books do.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

/// The id of whoever made a record through the API.
const MADE_BY: i64 = 7;

/// One customer, location, contact, booking, lead, job, note or booking provider tag.
#[derive(Clone)]
pub(super) struct Record {
    pub(super) id: i64,
    pub(super) created_on: DateTime<Utc>,
    pub(super) modified_on: DateTime<Utc>,
    /// `None` for kinds that cannot be deactivated.
    pub(super) active: Option<bool>,
    /// Shown by the API and in the books.
    pub(super) fields: Map<String, Value>,
    /// In the books only: whose it is, and what the API takes and never shows.
    pub(super) kept: Map<String, Value>,
    pub(super) external: Option<External>,
}

/// A record before it is filed.
pub(super) struct Draft {
    pub(super) active: Option<bool>,
    pub(super) fields: Map<String, Value>,
    pub(super) kept: Map<String, Value>,
    pub(super) external: Option<External>,
}

/// External data, which only the application of that guid sees.
#[derive(Clone)]
pub(super) struct External {
    pub(super) application: String,
    pub(super) items: Vec<(String, String)>,
}

impl Draft {
    /// A draft of fields that the API shows; anything but a JSON object is empty.
    pub(super) fn of(fields: Value) -> Self {
        Self {
            active: None,
            fields: object(fields),
            kept: Map::new(),
            external: None,
        }
    }

    pub(super) fn keeping(mut self, kept: Value) -> Self {
        self.kept = object(kept);
        self
    }

    pub(super) fn active(mut self) -> Self {
        self.active = Some(true);
        self
    }

    pub(super) fn with_external(mut self, external: Option<External>) -> Self {
        self.external = external;
        self
    }
}

impl Record {
    /// What the API shows to an application; without a guid no external data.
    pub(super) fn show(&self, application: Option<&str>) -> Value {
        let mut shown = self.head();
        shown["createdById"] = json!(MADE_BY);
        let theirs = |external: &&External| application == Some(external.application.as_str());
        shown["externalData"] = self
            .external
            .as_ref()
            .filter(theirs)
            .map_or_else(|| json!([]), External::show);
        shown
    }

    /// The row in the books: everything, and whose account it is.
    pub(super) fn row(&self) -> Value {
        let mut row = self.head();
        for (name, value) in &self.kept {
            row[name] = value.clone();
        }
        if let Some(external) = &self.external {
            row["externalData"] = external.show();
            row["applicationGuid"] = json!(external.application);
        }
        row
    }

    pub(super) fn number(&self, name: &str) -> Option<i64> {
        self.fields.get(name)?.as_i64()
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name)?.as_str()
    }

    fn head(&self) -> Value {
        let mut head = Value::Object(self.fields.clone());
        head["id"] = json!(self.id);
        head["createdOn"] = json!(self.created_on);
        head["modifiedOn"] = json!(self.modified_on);
        if let Some(active) = self.active {
            head["active"] = json!(active);
        }
        head
    }
}

impl External {
    pub(super) fn has(&self, key: &str, values: &[&str]) -> bool {
        let holds = |(name, value): &(String, String)| name == key && values.contains(&&**value);
        self.items.iter().any(holds)
    }

    fn show(&self) -> Value {
        let item = |(key, value): &(String, String)| json!({"key": key, "value": value});
        self.items.iter().map(item).collect()
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
