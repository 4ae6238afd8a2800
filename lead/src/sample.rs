//! Invented leads for demonstrations and load tests: always the same for the same number.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// Numbers after which the invented phone numbers repeat.
pub const DISTINCT_PHONES: u64 = LINES * PLACES.len() as u64 * EXCHANGES;

/// When the first sample call ended: 2026-05-26T14:32:00Z.
const FIRST_CALL: DateTime<Utc> = DateTime::from_timestamp(1_779_805_920, 0).unwrap();
/// Lines 0100 to 0199, which exchange 555 keeps for fiction.
const LINES: u64 = 100;
/// Exchanges of an area code that a sample uses.
const EXCHANGES: u64 = 790;
/// The sample times repeat after this many leads, so that they stay within a few years.
const TIMES: u64 = 1_000_000;
/// Seconds from one sample call to the next.
const PACE: i64 = 97;

/// Area code, city, state and postal code.
const PLACES: [(u16, &str, &str, &str); 24] = [
    (305, "Miami", "FL", "33136"),
    (212, "New York", "NY", "10011"),
    (213, "Los Angeles", "CA", "90012"),
    (312, "Chicago", "IL", "60607"),
    (713, "Houston", "TX", "77002"),
    (602, "Phoenix", "AZ", "85004"),
    (215, "Philadelphia", "PA", "19107"),
    (210, "San Antonio", "TX", "78205"),
    (619, "San Diego", "CA", "92101"),
    (214, "Dallas", "TX", "75201"),
    (512, "Austin", "TX", "78701"),
    (904, "Jacksonville", "FL", "32202"),
    (614, "Columbus", "OH", "43215"),
    (704, "Charlotte", "NC", "28202"),
    (317, "Indianapolis", "IN", "46204"),
    (206, "Seattle", "WA", "98101"),
    (303, "Denver", "CO", "80202"),
    (617, "Boston", "MA", "02108"),
    (615, "Nashville", "TN", "37203"),
    (405, "Oklahoma City", "OK", "73102"),
    (503, "Portland", "OR", "97204"),
    (702, "Las Vegas", "NV", "89101"),
    (901, "Memphis", "TN", "38103"),
    (502, "Louisville", "KY", "40202"),
];

const FIRST_NAMES: [&str; 17] = [
    "Maria", "James", "José", "Aisha", "Zoë", "Liam", "Nguyễn", "Olga", "Søren", "Priya", "Wei",
    "D'Andre", "Renée", "Mary Ann", "Łukasz", "明", "Cher",
];

const LAST_NAMES: [&str; 19] = [
    "Gonzalez",
    "O'Brien",
    "Smith",
    "Müller",
    "Nguyen",
    "Johnson-Lee",
    "Patel",
    "García Márquez",
    "Brown",
    "Kowalski",
    "St. John",
    "Haddad",
    "Ivanova",
    "李",
    "Washington",
    "de la Cruz",
    "Ångström",
    "Williams",
    "Yamamoto",
];

const STREETS: [&str; 11] = [
    "NW 7th Ave",
    "Main St",
    "Oak Ln",
    "Elm St Apt 4B",
    "Martin Luther King Jr Blvd",
    "2nd St",
    "Cañon Dr",
    "Lake Shore Dr",
    "County Road 12",
    "Peachtree Ct",
    "Maple Ave #2",
];

/// Trade, kind of job, and what the caller says.
const JOBS: [(&str, &str, &str); 13] = [
    ("HVAC", "heating_repair", "No heat. Furnace not turning on."),
    (
        "HVAC",
        "ac_repair",
        "AC blows warm air, 86 °F in the house.",
    ),
    ("HVAC", "maintenance", "Wants a tune-up before summer."),
    (
        "HVAC",
        "replacement",
        "Heat pump is 18 years old, wants a quote for a new one.",
    ),
    (
        "plumbing",
        "leak",
        "Water is coming through the kitchen ceiling.",
    ),
    ("plumbing", "drain", "Main drain is backed up into the tub."),
    (
        "plumbing",
        "water_heater",
        "Water heater is leaking from the bottom.",
    ),
    ("plumbing", "fixture", "Replace two faucets and a toilet."),
    (
        "roofing",
        "storm_damage",
        "Hail damage, insurance adjuster comes on Friday.",
    ),
    (
        "roofing",
        "leak",
        "Stain on the bedroom ceiling after the rain.",
    ),
    (
        "roofing",
        "replacement",
        "Wants an estimate for a 2,400 sq ft roof.",
    ),
    (
        "roofing",
        "inspection",
        "Buying the house, needs a roof inspection.",
    ),
    (
        "electrical",
        "panel",
        "Breaker trips whenever the dryer runs.",
    ),
];

const URGENCIES: [&str; 4] = ["same_week", "same_day", "flexible", "emergency"];
const SENTIMENTS: [&str; 3] = ["neutral", "positive", "negative"];

/// The `n`th sample lead of an account, qualified and addressed to the CRM.
///
/// Callers differ as real ones do: some give no last name, no e-mail or no address, and names are
/// not all ASCII. The event id depends on `n` and the account; the phone number on `n` alone,
/// distinct up to [`DISTINCT_PHONES`]. The first 2,400 numbers are 555-01xx, kept for fiction;
/// later ones only look like numbers, so samples must never be dialed.
#[must_use]
pub fn sample_lead(n: u64, account: &str, crm: &str) -> Value {
    let pace = TimeDelta::seconds(PACE * i64::try_from(n % TIMES).unwrap_or(0));
    sample_lead_at(n, account, crm, FIRST_CALL + pace)
}

/// As [`sample_lead`], for a call that ended at the given time, so that its links are still alive.
#[must_use]
pub fn sample_lead_at(n: u64, account: &str, crm: &str, ended_at: DateTime<Utc>) -> Value {
    let (service_type, sub_type, issue) = *pick(&JOBS, n);
    let call_id = format!("call_{account}_{n}");
    let duration = 45 + n % 600 * 31 % 600;
    let started_at = ended_at - TimeDelta::seconds(i64::try_from(duration).unwrap_or(0));
    let link = |kind: &str, ending: &str| {
        format!("https://storage.example.com/{kind}/{call_id}.{ending}?signature={n:016x}")
    };
    json!({
        "schema_version": "1.0",
        "event": "lead.qualified",
        "event_id": event_id(n, account),
        "timestamp_utc": second(ended_at),
        "callsetter_account_id": account,
        "call": {
            "call_id": call_id,
            "direction": "inbound",
            "duration_seconds": duration,
            "started_at": second(started_at),
            "ended_at": second(ended_at),
            "recording_url": link("recordings", "mp3"),
            "transcript_url": link("transcripts", "txt"),
            "transcript_summary": format!("{issue} Called about {service_type}."),
        },
        "contact": contact(n),
        "service_request": {
            "service_type": service_type,
            "sub_type": sub_type,
            "urgency": pick(&URGENCIES, n / 3),
            "issue_description": issue,
            "preferred_schedule": (n % 3 != 2).then(|| schedule(n, ended_at)),
            "is_existing_customer": n % 8 == 5,
        },
        "ai_analysis": {
            "sentiment": pick(&SENTIMENTS, n / 2),
            "conversion_intent_score": (40 + n % 60 * 7 % 60) as f64 / 100.0,
            "qualification_status": "qualified",
            "disqualification_reason": null,
            "qualifier_answers": { "owns_home": n % 4 != 3, "issue_type": sub_type },
        },
        "routing": { "destination_crm": crm, "crm_account_id": null, "assigned_to": null },
    })
}

fn contact(n: u64) -> Value {
    let first = pick(&FIRST_NAMES, n);
    let last = (n % 7 != 6).then(|| pick(&LAST_NAMES, n));
    let (_, city, state, zip) = *place(n);
    let mut contact = json!({ "first_name": first, "last_name": last, "phone": sample_phone(n) });
    // Half of the senders leave a field out that the other half send as null.
    if n % 5 != 4 {
        contact["email"] = format!("caller{n}@example.com").into();
    } else if n.is_multiple_of(2) {
        contact["email"] = Value::Null;
    }
    if n % 6 != 5 {
        let street = format!("{} {}", 100 + n % 9_800 * 13 % 9_800, pick(&STREETS, n));
        contact["address"] =
            json!({ "street": street, "city": city, "state": state, "zip": zip, "country": "US" });
    }
    contact
}

/// What callers say about the time: mostly a date without an offset, sometimes words.
fn schedule(n: u64, called_at: DateTime<Utc>) -> String {
    if n % 3 == 1 {
        return "weekday mornings".to_owned();
    }
    (called_at + TimeDelta::days(1))
        .format("%Y-%m-%dT08:00:00")
        .to_string()
}

fn place(n: u64) -> &'static (u16, &'static str, &'static str, &'static str) {
    pick(&PLACES, n / LINES)
}

/// The phone number of the `n`th sample, in E.164.
///
/// First come all lines of exchange 555 in all areas, then the other exchanges.
#[must_use]
pub fn sample_phone(n: u64) -> String {
    let (area, ..) = *place(n);
    let round = n / LINES / PLACES.len() as u64 % EXCHANGES;
    let exchange = if round == 0 { 555 } else { exchange(round - 1) };
    format!("+1{area}{exchange}{:04}", 100 + n % LINES)
}

/// The `index`th exchange from 200 on, without 555 and without service codes such as 911.
fn exchange(index: u64) -> u64 {
    const IN_A_HUNDRED: u64 = 99;
    const BEFORE_555: u64 = 3 * IN_A_HUNDRED + 54;
    let index = if index < BEFORE_555 { index } else { index + 1 };
    let last_two = index % IN_A_HUNDRED;
    200 + index / IN_A_HUNDRED * 100 + last_two + u64::from(last_two >= 11)
}

fn event_id(n: u64, account: &str) -> Uuid {
    let digest = Sha256::digest(format!("sample/{n}/{account}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

fn second(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

fn pick<T>(from: &'static [T], n: u64) -> &'static T {
    &from[(n % from.len() as u64) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_sample_uses_an_exchange_that_is_a_service_code_or_555_twice() {
        for index in 0..EXCHANGES - 1 {
            let exchange = exchange(index);
            assert!((200..1000).contains(&exchange), "{exchange}");
            assert!(exchange != 555 && exchange % 100 != 11, "{exchange}");
        }
    }
}
