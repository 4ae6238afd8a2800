//! Who calls, and from where, in the shapes that ServiceTitan takes.

use leadrail_lead::{Contact, Marker};

use super::SERVICETITAN;
use super::requests::text;
use super::wire::{Address, KnownAddress, NewContact};
use crate::text::line::line;

/// Who calls, when no name was said.
const NAMELESS: &str = "Caller";
/// What stands where ServiceTitan wants a part of an address that was not said.
const NOT_GIVEN: &str = "Not given";
/// The country of an address that names none.
const COUNTRY: &str = "USA";

/// By what a caller is recognized: an American number. Customers cannot be searched by e-mail.
pub(super) struct Caller(String);

impl Caller {
    pub(super) fn of(contact: &Contact) -> Option<Self> {
        contact.nanp_digits().map(|digits| Self(digits.into()))
    }

    pub(super) fn digits(&self) -> &str {
        &self.0
    }

    /// Whether a contact's value is the caller's number, however it is written.
    pub(super) fn is(&self, value: &str) -> bool {
        if value.contains('@') {
            return false;
        }
        let digits: String = value.chars().filter(char::is_ascii_digit).collect();
        match (digits.len(), digits.strip_prefix('1')) {
            (10, _) => digits == self.0,
            (11, Some(national)) => national == self.0,
            _ => false,
        }
    }
}

pub(super) fn name(contact: &Contact) -> String {
    let parts = [contact.first_name.as_deref(), contact.last_name.as_deref()];
    let parts: Vec<&str> = parts.into_iter().flatten().collect();
    let name = text("customer.name", Some(&parts.join(" ")));
    name.unwrap_or_else(|| NAMELESS.to_owned())
}

/// The ways to reach the caller; with a marker in the memo of each, where there is one.
pub(super) fn contacts(contact: &Contact, marker: Option<&Marker>) -> Vec<NewContact> {
    let memo = marker.map(|marker| format!("Ref: {marker}"));
    let phone = contact.nanp_digits().map(str::to_owned);
    [("Phone", phone), ("Email", email(contact))]
        .into_iter()
        .filter_map(|(kind, value)| {
            Some(NewContact {
                kind,
                value: value?,
                memo: memo.clone(),
            })
        })
        .collect()
}

/// An e-mail address is taken whole or not at all: half of one is somebody else's.
fn email(contact: &Contact) -> Option<String> {
    let limit = SERVICETITAN.limit("contact.value");
    let email = line(contact.email.as_deref(), usize::MAX)?;
    let is_one = email.contains('@') && !email.contains(' ');
    (is_one && email.chars().count() <= limit).then_some(email)
}

/// The address, if it has all that ServiceTitan wants of one. The country may go without saying.
pub(super) fn whole_address(contact: &Contact) -> Option<Address> {
    let [street, city, state, zip, country] = parts(contact);
    Some(Address {
        street: street?,
        city: city?,
        state: state?,
        zip: zip?,
        country: country.unwrap_or_else(|| COUNTRY.to_owned()),
    })
}

/// The address of a customer or location, which must have one. It says what was not said.
pub(super) fn address(contact: &Contact) -> Address {
    let [street, city, state, zip, country] = parts(contact);
    let given = |part: Option<String>| part.unwrap_or_else(|| NOT_GIVEN.to_owned());
    Address {
        street: given(street),
        city: given(city),
        state: given(state),
        zip: given(zip),
        country: country.unwrap_or_else(|| COUNTRY.to_owned()),
    }
}

/// Whether the caller said where the work is.
pub(super) fn has_street(contact: &Contact) -> bool {
    parts(contact)[0].is_some()
}

/// Whether a location that is there has the caller's address: the same street and unit, and the same
/// ZIP code, or the same city where none was said. Letters and digits count, nothing else.
pub(super) fn is_at(wanted: &Address, known: &KnownAddress) -> bool {
    let unit = known.unit.as_deref().unwrap_or_default();
    let street = format!("{} {unit}", known.street.as_deref().unwrap_or_default());
    let zip = |zip: &str| -> String { folded(zip).chars().take(5).collect() };
    let same = |ours: &str, theirs: &Option<String>| {
        theirs
            .as_deref()
            .is_some_and(|theirs| folded(ours) == folded(theirs))
    };
    let known_zip = known.zip.as_deref().unwrap_or_default();
    let same_zip = zip(&wanted.zip) == zip(known_zip);
    let wanted_street = folded(&wanted.street);
    !wanted_street.is_empty()
        && wanted_street == folded(&street)
        && (same_zip || wanted.zip == NOT_GIVEN && same(&wanted.city, &known.city))
}

fn folded(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ").to_lowercase()
}

/// Street, city, state, ZIP code and country, as far as they are known.
fn parts(contact: &Contact) -> [Option<String>; 5] {
    let Some(address) = contact.address.as_ref() else {
        return Default::default();
    };
    [
        text("address.street", address.street.as_deref()),
        text("address.city", address.city.as_deref()),
        text("address.state", address.state.as_deref()),
        text("address.zip", address.zip.as_deref()),
        text("address.country", address.country.as_deref()),
    ]
}
