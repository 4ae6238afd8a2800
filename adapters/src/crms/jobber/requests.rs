//! What Jobber is asked: one function a request. The live calls and the preview both use these.

use chrono::SecondsFormat;
use graphql_client::GraphQLQuery;
use leadrail_lead::{Contact, Lead, Urgency};

use super::JOBBER;
use super::wire::{
    CheckAccount, CreateClient, CreateNote, CreateProperty, CreateRequest, EncodedId, FindClients,
    FindNotes, FindProperties, FindRequests, FoundProperty, Window, check_account, create_client,
    create_note, create_property, create_request, find_clients, find_notes, find_properties,
    find_requests,
};
use crate::http::answer::Effect;
use crate::http::graphql::graphql;
use crate::http::request::CrmRequest;
use crate::plan::{Filing, Record};
use crate::text::line::line;
use crate::text::note::{note, service, words};
use crate::text::place::{agree, area, key};

/// Where all queries go.
const PATH: &str = "/api/graphql";
/// The longest id of a salesperson that is sent.
const MAX_ID: usize = 100;
/// Who calls, when the caller left no name: a client has to have one.
const NAMELESS: &str = "Caller";
/// What is wanted, when the caller did not say.
const UNSAID: &str = "Phone call";

pub(super) fn account() -> CrmRequest {
    ask::<CheckAccount>(check_account::Variables)
}

/// `clientPhones`; `None` where the caller left no number. It is never empty: an empty search finds
/// everybody.
pub(super) fn clients_of_number(filing: &Filing<'_>, window: Window) -> Option<CrmRequest> {
    let number = filing.lead.contact.phone.as_ref()?.as_str().to_owned();
    Some(ask::<FindClients>(find_clients::Variables {
        number,
        first: window.first,
        after: window.after,
    }))
}

/// `clientCreate`, without a property: that is made by a step of its own.
pub(super) fn client_create(filing: &Filing<'_>) -> CrmRequest {
    use create_client::*;
    let contact = &filing.lead.contact;
    let mut first_name = text("client.firstName", contact.first_name.as_deref());
    let last_name = text("client.lastName", contact.last_name.as_deref());
    if last_name.is_none() {
        first_name.get_or_insert_with(|| NAMELESS.to_owned());
    }
    let phone = contact.phone.as_ref();
    let phone = phone.map(|phone| PhoneNumberCreateAttributes {
        number: Some(phone.as_str().to_owned()),
        description: Some(PhoneNumberDescription::Main),
        primary: Some(true),
    });
    let email = whole(contact.email.as_deref(), JOBBER.limit("client.email"));
    let email = email.map(|address| EmailCreateAttributes {
        address: Some(address),
        description: Some(EmailDescription::Main),
        primary: Some(true),
    });
    let source = text("client.sourceText", filing.settings.text("lead_source"));
    let source = source.map(|source| SourceAttributionInput {
        source_text: Some(source),
    });
    let input = ClientCreateInput {
        first_name,
        last_name,
        phones: phone.map(|phone| vec![phone]),
        emails: email.map(|email| vec![email]),
        source_attribution: source,
    };
    tell::<CreateClient>(Variables { input })
}

/// The properties of the lead's client; `None` where the caller left no address to compare with.
pub(super) fn properties_of_client(filing: &Filing<'_>, window: Window) -> Option<CrmRequest> {
    Whereabouts::of(&filing.lead.contact)?;
    let client = id(filing.made.customer.as_ref()?);
    let variables = find_properties::Variables {
        client,
        first: window.first,
        after: window.after,
    };
    Some(ask::<FindProperties>(variables))
}

/// `propertyCreate`; `None` where the caller left no address.
pub(super) fn property_create(filing: &Filing<'_>) -> Option<CrmRequest> {
    use create_property::*;
    let known = Whereabouts::of(&filing.lead.contact)?;
    let address = AddressAttributes {
        street1: Some(known.street),
        city: known.city,
        province: known.province,
        postal_code: known.postal_code,
        country: known.country,
    };
    let property = PropertyAttributes {
        address: Some(address),
    };
    let input = PropertyCreateInput {
        properties: Some(vec![property]),
    };
    let client = id(filing.made.customer.as_ref()?);
    Some(tell::<CreateProperty>(Variables { client, input }))
}

/// The requests of the lead's client since the step began.
pub(super) fn requests_of_client(filing: &Filing<'_>, window: Window) -> Option<CrmRequest> {
    use find_requests::*;
    let since = filing.earliest();
    let since = Iso8601DateTimeRangeInput {
        after: Some(since.to_rfc3339_opts(SecondsFormat::Secs, true)),
    };
    let filter = RequestFilterAttributes {
        client_id: Some(id(filing.made.customer.as_ref()?)),
        created_at: Some(since),
    };
    Some(ask::<FindRequests>(Variables {
        filter,
        first: window.first,
        after: window.after,
    }))
}

/// `requestCreate`, which needs a client.
pub(super) fn request_create(filing: &Filing<'_>) -> Option<CrmRequest> {
    use create_request::*;
    let items = details(filing.lead).into_iter();
    let items = items.map(|(label, answer)| RequestDetailsItemInput {
        label: Some(label.to_owned()),
        answer_text: Some(answer),
    });
    let section = RequestDetailsSectionInput {
        label: Some("Call".to_owned()),
        items: Some(items.collect()),
    };
    let form = RequestDetailsFormInput {
        sections: Some(vec![section]),
    };
    let salesperson = whole(filing.lead.routing.assigned_to.as_deref(), MAX_ID);
    let input = RequestCreateInput {
        client_id: id(filing.made.customer.as_ref()?),
        property_id: filing.made.site.as_ref().map(id),
        title: Some(title(filing)),
        request_details: Some(RequestDetailsInput { form: Some(form) }),
        salesperson_id: salesperson.map(EncodedId),
    };
    Some(tell::<CreateRequest>(Variables { input }))
}

/// The notes of the lead's request.
pub(super) fn notes_of_request(filing: &Filing<'_>, window: Window) -> Option<CrmRequest> {
    let request = id(filing.made.lead.as_ref()?);
    Some(ask::<FindNotes>(find_notes::Variables {
        request,
        first: window.first,
        after: window.after,
    }))
}

/// `requestCreateNote`, which needs a request.
pub(super) fn note_create(filing: &Filing<'_>) -> Option<CrmRequest> {
    use create_note::*;
    let message = note(filing, JOBBER.limit("note.message"));
    let pinned = filing.settings.is_on("pin_note").then_some(true);
    let input = RequestCreateNoteInput {
        message: Some(message),
        pinned,
    };
    let request = id(filing.made.lead.as_ref()?);
    Some(tell::<CreateNote>(Variables { request, input }))
}

fn ask<Q: GraphQLQuery>(variables: Q::Variables) -> CrmRequest {
    graphql(Effect::Read, PATH, &Q::build_query(variables))
}

fn tell<Q: GraphQLQuery>(variables: Q::Variables) -> CrmRequest {
    graphql(Effect::Write, PATH, &Q::build_query(variables))
}

fn id(record: &Record) -> EncodedId {
    EncodedId(record.id.clone())
}

fn text(field: &str, value: Option<&str>) -> Option<String> {
    line(value, JOBBER.limit(field))
}

/// An e-mail address or an id is taken whole or not at all: half of one is somebody else's.
fn whole(value: Option<&str>, max_chars: usize) -> Option<String> {
    line(value, usize::MAX).filter(|value| value.chars().count() <= max_chars)
}

/// `HVAC, heating repair [lr-7f3k2m9q]`: what is wanted gives way to the marker.
fn title(filing: &Filing<'_>) -> String {
    let mark = format!(" [{}]", filing.marker);
    let room = JOBBER
        .limit("request.title")
        .saturating_sub(mark.chars().count());
    let wanted = service(filing.lead).and_then(|wanted| line(Some(&wanted), room));
    format!("{}{mark}", wanted.as_deref().unwrap_or(UNSAID))
}

/// What a dispatcher sees of the request at once; the note says the rest.
fn details(lead: &Lead) -> Vec<(&'static str, String)> {
    let wanted = &lead.service_request;
    let urgency = words(wanted.urgency.as_ref().map(Urgency::as_str));
    let rows = [
        ("Service", service(lead)),
        ("Urgency", urgency),
        ("Issue", wanted.issue_description.clone()),
        ("Preferred time", wanted.preferred_schedule.clone()),
        ("Call", Some(lead.call.call_id.clone())),
    ];
    let fitted = |(label, answer): (&'static str, Option<String>)| {
        Some((label, text("request.answerText", answer.as_deref())?))
    };
    rows.into_iter().filter_map(fitted).collect()
}

/// Where the work is. An address needs a street; less than that stands in the note.
pub(super) struct Whereabouts {
    street: String,
    city: Option<String>,
    province: Option<String>,
    postal_code: Option<String>,
    country: Option<String>,
}

impl Whereabouts {
    pub(super) fn of(contact: &Contact) -> Option<Self> {
        let address = contact.address.as_ref()?;
        Some(Self {
            street: text("address.street1", address.street.as_deref())?,
            city: text("address.city", address.city.as_deref()),
            province: text("address.province", address.state.as_deref()),
            postal_code: text("address.postalCode", address.zip.as_deref()),
            country: text("address.country", address.country.as_deref()),
        })
    }

    /// Whether a property of the same client is this place: the same street, and the same postal
    /// code, or the same city where one of the two has no code.
    pub(super) fn is(&self, property: &FoundProperty) -> bool {
        let street = property.street.as_deref().map(key);
        let same_street = street.is_some_and(|street| street == key(&self.street));
        same_street
            && agree(
                self.postal_code.as_deref(),
                property.postal_code.as_deref(),
                area,
            )
            .or_else(|| agree(self.city.as_deref(), property.city.as_deref(), key))
            .unwrap_or(true)
    }
}
