//! A client's phone numbers, e-mail addresses and places, as an input gives them.

use serde_json::{Value, json};

use super::records::{Address, Client, Email, Phone, new_id, normalized};
use super::refusal::Refusals;
use crate::clock;

/// Reads `PhoneNumberCreateAttributes`. No number here can receive texts, so who allows texting
/// to one is refused, as Jobber refuses it for a land line.
pub(super) fn phones(list: &Value, name: &str, refusals: &mut Refusals) -> Vec<Phone> {
    let mut phones = Vec::new();
    for (place, given) in items(list).enumerate() {
        let mut phone = Phone {
            id: new_id("ClientPhoneNumber"),
            number: String::new(),
            normalized_phone_number: None,
            description: "MAIN".to_owned(),
            primary: false,
            sms_allowed: false,
            created_at: clock::now(),
        };
        set_phone(
            &mut phone,
            given,
            &["input", name, &place.to_string()],
            refusals,
        );
        phones.push(phone);
    }
    phones
}

/// Reads `EmailCreateAttributes`.
pub(super) fn emails(list: &Value, name: &str, refusals: &mut Refusals) -> Vec<Email> {
    let mut emails = Vec::new();
    for (place, given) in items(list).enumerate() {
        let mut email = Email {
            id: new_id("Email"),
            address: String::new(),
            description: "MAIN".to_owned(),
            primary: false,
            created_at: clock::now(),
        };
        set_email(
            &mut email,
            given,
            &["input", name, &place.to_string()],
            refusals,
        );
        emails.push(email);
    }
    emails
}

/// Carries out what `ClientEditInput` says of numbers and addresses: add, edit, delete.
pub(super) fn edit(client: &mut Client, input: &Value, refusals: &mut Refusals) {
    for (place, given) in items(&input["phonesToEdit"]).enumerate() {
        let path = ["input", "phonesToEdit", &place.to_string()];
        match client
            .phones
            .iter_mut()
            .find(|one| given["id"] == json!(one.id))
        {
            Some(phone) => set_phone(phone, given, &path, refusals),
            None => refusals.add("Phone number not found", &path),
        }
    }
    for (place, given) in items(&input["emailsToEdit"]).enumerate() {
        let path = ["input", "emailsToEdit", &place.to_string()];
        match client
            .emails
            .iter_mut()
            .find(|one| given["id"] == json!(one.id))
        {
            Some(email) => set_email(email, given, &path, refusals),
            None => refusals.add("Email not found", &path),
        }
    }
    let is_in = |name: &str, id: &str| items(&input[name]).any(|one| *one == json!(id));
    client
        .phones
        .retain(|one| !is_in("phonesToDelete", &one.id));
    client
        .emails
        .retain(|one| !is_in("emailsToDelete", &one.id));
    let added = phones(&input["phonesToAdd"], "phonesToAdd", refusals);
    client.phones.extend(added);
    let added = emails(&input["emailsToAdd"], "emailsToAdd", refusals);
    client.emails.extend(added);
}

/// The first of each is the primary one if none was said to be.
pub(super) fn choose_primary(client: &mut Client) {
    if !client.phones.iter().any(|one| one.primary)
        && let Some(first) = client.phones.first_mut()
    {
        first.primary = true;
    }
    if !client.emails.iter().any(|one| one.primary)
        && let Some(first) = client.emails.first_mut()
    {
        first.primary = true;
    }
}

/// Reads a list of `PropertyAttributes`, each of which needs an address with something in it.
pub(super) fn addresses(list: &Value, refusals: &mut Refusals) -> Vec<Address> {
    let mut addresses = Vec::new();
    for (place, given) in items(list).enumerate() {
        let address = read_address(&given["address"]);
        if address.is_blank() {
            let place = place.to_string();
            refusals.add(
                "Address can't be blank",
                &["input", "properties", &place, "address"],
            );
        }
        addresses.push(address);
    }
    addresses
}

pub(super) fn read_address(given: &Value) -> Address {
    let text = |name: &str| given[name].as_str().map(str::to_owned);
    Address {
        street1: text("street1"),
        street2: text("street2"),
        city: text("city"),
        province: text("province"),
        postal_code: text("postalCode"),
        country: text("country"),
    }
}

fn set_phone(phone: &mut Phone, given: &Value, path: &[&str], refusals: &mut Refusals) {
    if let Some(number) = given.get("number") {
        phone.number = number.as_str().unwrap_or("").to_owned();
        phone.normalized_phone_number = normalized(&phone.number);
    }
    if let Some(description) = given["description"].as_str() {
        phone.description = description.to_owned();
    }
    if let Some(primary) = given["primary"].as_bool() {
        phone.primary = primary;
    }
    if !phone.number.bytes().any(|byte| byte.is_ascii_digit()) {
        refusals.add("Number is invalid", &[path, &["number"]].concat());
    }
    if given["smsAllowed"] == json!(true) {
        let message = "This phone number cannot receive text messages";
        refusals.add(message, &[path, &["smsAllowed"]].concat());
    }
}

fn set_email(email: &mut Email, given: &Value, path: &[&str], refusals: &mut Refusals) {
    if let Some(address) = given.get("address") {
        email.address = address.as_str().unwrap_or("").to_owned();
    }
    if let Some(description) = given["description"].as_str() {
        email.description = description.to_owned();
    }
    if let Some(primary) = given["primary"].as_bool() {
        email.primary = primary;
    }
    let is_address = email
        .address
        .split_once('@')
        .is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    if !is_address {
        refusals.add("Address is invalid", &[path, &["address"]].concat());
    }
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}
