//! One request to a CRM, before it has a host and secrets.

use http::Method;
use serde::Serialize;
use serde_json::Value;

use super::answer::Effect;
use crate::plan::Slot;

/// One request to a CRM. Built by an adapter, sent by a [`Session`](crate::Session), shown by a
/// preview.
#[derive(Clone)]
pub struct CrmRequest {
    effect: Effect,
    method: Method,
    segments: Vec<String>,
    query: Vec<QueryPair>,
    headers: Vec<(&'static str, String)>,
    body: Option<Body>,
    also_makes: Vec<Slot>,
    names: Option<Slot>,
}

/// What a request carries.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// JSON.
    Json(Value),
    /// The fields of a form, in order, as `application/x-www-form-urlencoded`.
    Form(Vec<(&'static str, String)>),
}

#[derive(Clone)]
pub(crate) struct QueryPair {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    /// Personal data: the evidence keeps only its length.
    pub(crate) personal: bool,
}

impl CrmRequest {
    /// A request to a path below the base URL.
    pub fn new(effect: Effect, method: Method, path: &str) -> Self {
        let segments = path.split('/').filter(|segment| !segment.is_empty());
        CrmRequest {
            effect,
            method,
            segments: segments.map(str::to_owned).collect(),
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            also_makes: Vec::new(),
            names: None,
        }
    }

    /// A `GET`, which changes nothing.
    pub fn get(path: &str) -> Self {
        Self::new(Effect::Read, Method::GET, path)
    }

    /// A `POST` that makes something.
    pub fn post(path: &str) -> Self {
        Self::new(Effect::Write, Method::POST, path)
    }

    /// Adds one path segment, such as an id. Whatever is in it stays in that segment.
    pub fn segment(mut self, segment: &str) -> Self {
        // As whole segments "." and ".." mean folders, and URL parsers drop them silently.
        let harmless = match segment {
            "." | ".." => segment.replace('.', "%2E"),
            _ => segment.to_owned(),
        };
        self.segments.push(harmless);
        self
    }

    /// Adds several fixed path segments: `.segment(id).path("notes")`.
    pub fn path(self, path: &str) -> Self {
        let segments = path.split('/').filter(|segment| !segment.is_empty());
        segments.fold(self, Self::segment)
    }

    /// Adds a query value that names nobody: a page number, a record's id.
    pub fn query(self, name: &'static str, value: impl Into<String>) -> Self {
        self.pair(name, value.into(), false)
    }

    /// Adds a query value that is personal data, such as a phone number.
    pub fn personal_query(self, name: &'static str, value: impl Into<String>) -> Self {
        self.pair(name, value.into(), true)
    }

    fn pair(mut self, name: &'static str, value: String, personal: bool) -> Self {
        self.query.push(QueryPair {
            name,
            value,
            personal,
        });
        self
    }

    /// Adds a header of this request alone; its name in small letters. Evidence keeps its value
    /// only if it is known to be harmless.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Sends this as JSON.
    ///
    /// # Panics
    /// If the type cannot be JSON (a map whose keys are not text), which is a fault of the adapter.
    pub fn json(mut self, body: &impl Serialize) -> Self {
        let body = serde_json::to_value(body).expect("a request body is plain data");
        self.body = Some(Body::Json(body));
        self
    }

    /// Sends these fields as a form.
    pub fn form(mut self, fields: Vec<(&'static str, String)>) -> Self {
        self.body = Some(Body::Form(fields));
        self
    }

    /// Says that it fills this slot besides its step's own: a preview then has no step for it.
    pub fn also_makes(mut self, slot: Slot) -> Self {
        self.also_makes.push(slot);
        self
    }

    /// Says that it names the record of an earlier step, so that "not found" (404, 410) means that this
    /// record is gone.
    pub fn names(mut self, slot: Slot) -> Self {
        self.names = Some(slot);
        self
    }

    /// Whose record of an earlier step it names.
    pub(crate) fn named(&self) -> Option<Slot> {
        self.names
    }

    /// The slots it fills besides its step's own.
    pub(crate) fn made_besides(&self) -> &[Slot] {
        &self.also_makes
    }

    /// Whether it changes anything in the CRM.
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// The HTTP method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// What it carries.
    pub fn body(&self) -> Option<&Body> {
        self.body.as_ref()
    }

    /// What it carries, if that is JSON.
    pub fn json_body(&self) -> Option<&Value> {
        match self.body.as_ref()? {
            Body::Json(body) => Some(body),
            Body::Form(_) => None,
        }
    }

    pub(crate) fn segments(&self) -> &[String] {
        &self.segments
    }

    pub(crate) fn query_pairs(&self) -> &[QueryPair] {
        &self.query
    }

    pub(crate) fn headers(&self) -> &[(&'static str, String)] {
        &self.headers
    }
}
