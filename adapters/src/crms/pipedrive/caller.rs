//! Who calls, in the shapes that Pipedrive takes, and how a person is known again.

use leadrail_lead::{Contact, Marker, Phone};
use serde_json::Value;

use super::PIPEDRIVE;
use super::wire::Person;
use crate::text::line::line;

/// Who calls, when no name was said.
const NAMELESS: &str = "Caller";

/// By what a caller is recognized: the number first, then the e-mail address.
pub(super) struct Caller<'a> {
    phone: Option<&'a Phone>,
    email: Option<String>,
}

/// One search for the caller.
pub(super) struct Search {
    pub(super) term: String,
    /// `phone` or `email`.
    pub(super) field: &'static str,
    /// Whether the stored text must be the term, or may hold it.
    pub(super) exact: bool,
}

impl<'a> Caller<'a> {
    pub(super) fn of(contact: &'a Contact) -> Self {
        Self {
            phone: contact.phone.as_ref(),
            email: email(contact),
        }
    }

    /// What is searched for, one after the other until somebody is found. The search compares texts as
    /// they are stored: ours are E.164, those of people and imports are anything.
    pub(super) fn searches(&self) -> Vec<Search> {
        let number = |term: String, exact| Search {
            term,
            field: "phone",
            exact,
        };
        let mut searches = Vec::new();
        if let Some(phone) = self.phone {
            searches.push(number(phone.as_str().to_owned(), true));
            match phone.nanp_digits() {
                Some(digits) => {
                    searches.push(number(digits.to_owned(), false));
                    searches.push(number(local_part(digits), false));
                }
                None => searches.push(number(phone.digits().to_owned(), false)),
            }
        }
        searches.extend(self.email.clone().map(|term| Search {
            term,
            field: "email",
            exact: true,
        }));
        searches
    }

    /// Whether somebody whom this search found is the caller, exactly.
    pub(super) fn is_found_by(&self, search: &Search, person: &Person) -> bool {
        match search.field {
            "phone" => self.has_number(person),
            _ => self.has_email(person),
        }
    }

    /// Whether a new person is the one that was made of this caller: by the number, by the e-mail address
    /// of a caller without one, and by the marker in the name of a caller without either.
    pub(super) fn became(&self, person: &Person, marker: &Marker) -> bool {
        match (self.phone, &self.email) {
            (Some(_), _) => self.has_number(person),
            (None, Some(_)) => self.has_email(person),
            (None, None) => marker.is_in(person.name.as_deref()),
        }
    }

    fn has_number(&self, person: &Person) -> bool {
        let numbers = person.phones.iter().flatten();
        self.phone.is_some_and(|phone| {
            numbers
                .into_iter()
                .any(|number| phone.is_written(number.value()))
        })
    }

    fn has_email(&self, person: &Person) -> bool {
        let Some(email) = &self.email else {
            return false;
        };
        let mut known = person.emails.iter().flatten();
        known.any(|known| known.value().trim().to_lowercase() == email.to_lowercase())
    }
}

/// `555-0182`, as it ends an American number that people write.
fn local_part(digits: &str) -> String {
    let (exchange, last) = digits[3..].split_at(3);
    format!("{exchange}-{last}")
}

/// The name of a person. Who left neither number nor e-mail address is known by nothing else, so the
/// marker stands there.
pub(super) fn name(contact: &Contact, marker: &Marker) -> String {
    let limit = PIPEDRIVE.limit("person.name");
    let name = said_name(contact).unwrap_or_else(|| NAMELESS.to_owned());
    if contact.phone.is_some() || email(contact).is_some() {
        return line(Some(&name), limit).unwrap_or_else(|| NAMELESS.to_owned());
    }
    with_marker(&name, marker, limit)
}

/// First and last name, whichever there are.
pub(super) fn said_name(contact: &Contact) -> Option<String> {
    let parts = [contact.first_name.as_deref(), contact.last_name.as_deref()];
    let parts: Vec<&str> = parts.into_iter().flatten().collect();
    line(Some(&parts.join(" ")), PIPEDRIVE.limit("person.name"))
}

/// An e-mail address is taken whole or not at all: half of one is somebody else's.
pub(super) fn email(contact: &Contact) -> Option<String> {
    let email = line(contact.email.as_deref(), usize::MAX)?;
    let is_one = email.contains('@') && !email.contains([' ', '<', '>', ',']);
    (is_one && email.chars().count() <= PIPEDRIVE.limit("person.email")).then_some(email)
}

/// A text with the marker behind it, which is never cut.
pub(super) fn with_marker(text: &str, marker: &Marker, max_chars: usize) -> String {
    let mark = format!("[{marker}]");
    let room = max_chars.saturating_sub(mark.chars().count() + 1);
    match line(Some(text), room) {
        Some(text) => format!("{text} {mark}"),
        None => mark,
    }
}

/// Whether the field that the connection has for our marker holds it. A value is a text, or an object with
/// one.
pub(super) fn is_marked(fields: Option<&Value>, field: Option<&str>, marker: &Marker) -> bool {
    let held = fields.zip(field).and_then(|(fields, key)| fields.get(key));
    held.is_some_and(|held| {
        let text = held.as_str().or_else(|| held["value"].as_str());
        marker.is_in(text)
    })
}
