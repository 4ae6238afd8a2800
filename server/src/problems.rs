//! What can go wrong with a call, as the description of the API lists it: one word a problem.
//!
//! A path names the problems it has beside its answers; each is a [`Problem`] under its media type.

use std::collections::BTreeMap;

use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::{Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema as _};

use crate::problem::{PROBLEM_JSON, Problem};

/// One problem of a call: its status and what it means there.
trait Described {
    const STATUS: u16;
    const MEANING: &'static str;
}

fn described<D: Described>() -> BTreeMap<String, RefOr<Response>> {
    let schema = Ref::from_schema_name(Problem::name());
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let response = ResponseBuilder::new()
        .description(D::MEANING)
        .content(PROBLEM_JSON, content)
        .build();
    BTreeMap::from([(D::STATUS.to_string(), response.into())])
}

macro_rules! problems {
    ($($name:ident: $status:literal $meaning:literal;)*) => { $(
        #[doc = $meaning]
        pub(crate) enum $name {}

        impl Described for $name {
            const STATUS: u16 = $status;
            const MEANING: &'static str = $meaning;
        }

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                described::<Self>()
            }
        }
    )* };
}

problems! {
    BadParameter: 400 "A parameter is not valid";
    NotAConnection: 400 "Not an account, a CRM, a way in, an address, a secret or a setting that there is";
    NotAProviderClient: 400 "Not a provider, an environment, a client or an address that there is";
    NoSuchProviderClient: 404 "We have no such client";
    NotAConnectionIdOrUnreadable: 400 "Not a connection's id, or a body that cannot be read";
    NotAConnectionId: 400 "Not a connection's id";
    NotAnEventId: 400 "Not an event id";
    NotAnEventIdOrKind: 400 "Not an event id, or not a kind of link";
    NotAnEventIdOrUnreadable: 400 "Not an event id, or a body that cannot be read";
    NotAKeyId: 400 "Not a key's id";
    NotAKeyRequest: 400 "Not a purpose, a role or an account that a key may have";
    NotAPerson: 400 "Neither a telephone number nor a lead";
    NotARunId: 400 "Not a run id";
    NotASignal: 400 "Not a run id, a name or JSON";
    NotLeads: 400 "Not JSON, not UTF-8, or no lead in it";
    NoSuchConnection: 404 "No such connection";
    NoSuchKey: 404 "No such key";
    NoSuchLead: 404 "No such lead";
    NoSuchRun: 404 "No such run";
    NothingPublished: 404 "The run publishes nothing under this name";
    NoSuchCrm: 400 "No such CRM";
    NotASetting: 400 "Not a connection's id, or not a setting with such a list";
    AccountTaken: 409 "Another connection of the account is for this CRM account already";
    NotTheAccount: 409 "The secrets open another account than before";
    ChangedMeanwhile: 412 "Somebody has changed it since it had this ETag";
    NotAccepted: 422 "The CRM refuses the secrets";
    ConnectionIsThere: 409 "The account has this connection already";
    ConnectionNotNow: 409 "The connection's leads wait for something else";
    AnotherLead: 409 "Another lead has this event_id";
    EndedOrSeveralLeads: 409 "It has ended, or several accounts have one";
    RunEnded: 409 "The run has ended, or has too many signals";
    SeveralLeads: 409 "Several accounts have one: add ?account=";
    SignalTooLarge: 413 "More than 1 MiB";
    LeadsTooLarge: 413 "Too many bytes or leads";
    NotJson: 415 "Not said to be JSON";
    NeitherJsonNorNdjson: 415 "Neither JSON nor NDJSON";
    DatabaseAway: 503 "The database is away";
    NotReady: 503 "Not now; the detail says why";
}
