//! The CRMs, a row for each plan. A row is all that a new one needs.

use leadrail_adapters::{Slot, StepKey, Verb};
use leadrail_crm_sim::{GOHIGHLEVEL, HOUSECALL_PRO, HUBSPOT, JOBBER, PIPEDRIVE, SERVICETITAN};
use serde_json::{Value, json};

use super::subject::{Making, Mark, Subject};
use super::{
    arriving, checking, keeping, linking, losing, previewing, refusing, stopping, vanishing,
};
use crate::kit::{Access, HOUSECALL, HOUSECALL_WAYS, Way};
use crate::workiz::WORKIZ;

const CUSTOMER: StepKey = StepKey::CUSTOMER_CREATE;
const SITE: StepKey = StepKey::new(Verb::Make, Slot::Site);
const LEAD: StepKey = StepKey::LEAD_CREATE;
const NOTE: StepKey = StepKey::NOTE_ATTACH;

/// What a step makes, by a request that makes nothing besides.
const fn making(step: StepKey, books: &'static str, path: &'static str, mark: Mark) -> Making {
    Making {
        step,
        books,
        path,
        mark,
        besides: &[],
    }
}

/// One test for each promise, of one subject.
macro_rules! tests {
    ($subject:ident: $($topic:ident::$promise:ident;)+) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $promise() {
                $topic::$promise(&$subject).await;
            }
        )+
    };
}

/// A module for each row, with a test for each promise.
macro_rules! subjects {
    ($($name:ident: $subject:expr;)+) => {
        pub(super) static SUBJECTS: &[&Subject] = &[$(&$name::SUBJECT),+];
        $(
            mod $name {
                use super::*;

                pub(super) static SUBJECT: Subject = $subject;

                tests! { SUBJECT:
                    arriving::an_unknown_callers_lead_is_filed_once_and_told_step_by_step;
                    arriving::a_known_caller_gets_a_second_lead_and_stays_one_customer;
                    arriving::the_story_says_who_called_whoever_the_number_belongs_to;
                    arriving::a_place_that_is_there_is_not_added_again;
                    arriving::two_leads_of_one_caller_at_once_make_one_customer;
                    arriving::whoever_calls_and_whatever_is_said_arrives;
                    linking::a_story_has_links_that_stay_however_late_it_is_written;
                    linking::no_signed_link_reaches_the_crm_wherever_it_stood;
                    linking::without_a_public_url_a_story_says_by_what_to_ask;
                    checking::a_check_says_whose_account_every_way_in_opens;
                    checking::a_check_notices_each_secret_that_is_wrong;
                    checking::options_are_those_of_the_account;
                    keeping::history_has_every_exchange_and_no_secret_and_no_body_of_successes;
                    keeping::no_url_in_history_names_a_person;
                    losing::a_record_whose_answer_was_lost_is_adopted_and_not_made_again;
                    losing::what_a_payload_says_of_the_time_hides_nothing;
                    losing::a_caller_without_a_number_is_never_made_twice;
                    losing::a_list_too_long_to_read_is_read_in_parts_and_uses_up_no_try;
                    losing::a_create_without_effect_is_made_after_the_look;
                    losing::whoever_calls_every_lost_answer_is_found_again;
                    losing::a_late_double_is_found_by_the_next_look;
                    previewing::a_preview_is_what_is_sent;
                    refusing::what_the_crm_refuses_is_a_dead_letter_that_names_nobody;
                    stopping::a_throttled_call_waits_and_uses_up_no_try;
                    stopping::one_refused_call_is_no_revoked_sign_in;
                    stopping::one_forbidden_lead_is_a_dead_letter_and_stops_no_other;
                    stopping::a_refused_credential_stops_all_leads_until_there_is_a_new_one;
                    stopping::a_forbidden_account_waits_like_a_refused_credential;
                    vanishing::a_caller_who_is_deleted_on_the_way_is_looked_for_again;
                }
            }
        )+
    };
}

subjects! {
    gohighlevel_opportunity: Subject {
        access: &Access {
            crm: GOHIGHLEVEL,
            ways: GOHIGHLEVEL_WAYS,
            settings: || gohighlevel_in("opportunity"),
        },
        plan: "opportunity",
        makes: &[
            making(CUSTOMER, "contacts", "/contacts/#create", Mark::Itself),
            making(
                LEAD,
                "opportunities",
                "/opportunities/",
                Mark::Marker("opportunities", "name"),
            ),
            making(
                NOTE,
                "notes",
                "/contacts/{contactId}/notes",
                Mark::Marker("notes", "body"),
            ),
        ],
        story: ("notes", "body"),
        deletion: Some("delete_contact"),
        account: "acme",
    };

    gohighlevel_contact: Subject {
        access: &Access {
            crm: GOHIGHLEVEL,
            ways: GOHIGHLEVEL_WAYS,
            settings: || gohighlevel_in("contact"),
        },
        plan: "contact",
        makes: &[
            making(CUSTOMER, "contacts", "/contacts/#create", Mark::Itself),
            making(
                LEAD,
                "notes",
                "/contacts/{contactId}/notes",
                Mark::Marker("notes", "body"),
            ),
        ],
        story: ("notes", "body"),
        deletion: Some("delete_contact"),
        account: "acme",
    };

    housecall_pro: Subject {
        access: &HOUSECALL,
        plan: "lead",
        makes: &[
            making(CUSTOMER, "customers", "/customers", Mark::Marker("customers", "tags")),
            making(LEAD, "leads", "/leads", Mark::Marker("leads", "tags")),
        ],
        story: ("leads", "note"),
        deletion: Some("delete_customer"),
        account: "acme",
    };

    housecall_pro_job: Subject {
        access: &Access {
            crm: HOUSECALL_PRO,
            ways: HOUSECALL_WAYS,
            settings: || json!({"mode": "job"}),
        },
        plan: "job",
        makes: &[
            Making {
                step: CUSTOMER,
                books: "customers",
                path: "/customers",
                mark: Mark::Marker("customers", "tags"),
                besides: &[Slot::Site],
            },
            making(
                SITE,
                "addresses",
                "/customers/{customer_id}/addresses",
                Mark::Itself,
            ),
            making(LEAD, "jobs", "/jobs", Mark::Marker("jobs", "tags")),
            making(
                NOTE,
                "notes",
                "/jobs/{job_id}/notes",
                Mark::Marker("notes", "content"),
            ),
        ],
        story: ("notes", "content"),
        deletion: Some("delete_customer"),
        account: "acme",
    };

    hubspot_deal: Subject {
        access: &Access {
            crm: HUBSPOT,
            ways: HUBSPOT_WAYS,
            settings: || hubspot_in("deal"),
        },
        plan: "deal",
        makes: &[
            making(
                CUSTOMER,
                "contacts",
                "/crm/objects/2026-03/contacts#create",
                Mark::Unique("contacts", "message"),
            ),
            making(
                LEAD,
                "deals",
                "/crm/objects/2026-03/deals#create",
                Mark::Marker("deals", "description"),
            ),
            making(
                NOTE,
                "notes",
                "/crm/objects/2026-03/notes#create",
                Mark::Marker("notes", "hs_note_body"),
            ),
        ],
        story: ("notes", "seen"),
        deletion: Some("delete_contact"),
        account: "24000001",
    };

    hubspot_lead: Subject {
        access: &Access {
            crm: HUBSPOT,
            ways: HUBSPOT_WAYS,
            settings: || {
                let mut settings = hubspot_in("lead");
                settings["ref_property"] = "leadrail_ref".into();
                settings
            },
        },
        plan: "lead",
        makes: &[
            making(
                CUSTOMER,
                "contacts",
                "/crm/objects/2026-03/contacts#create",
                Mark::Unique("contacts", "leadrail_ref"),
            ),
            making(
                LEAD,
                "leads",
                "/crm/objects/2026-03/leads#create",
                Mark::Unique("leads", "leadrail_ref"),
            ),
            making(
                NOTE,
                "notes",
                "/crm/objects/2026-03/notes#create",
                Mark::Marker("notes", "hs_note_body"),
            ),
        ],
        story: ("notes", "seen"),
        deletion: Some("delete_contact"),
        account: "24000001",
    };

    jobber: Subject {
        access: &Access {
            crm: JOBBER,
            ways: &[Way {
                method: "bearer_token",
                secrets: &[("access_token", "sim-acme")],
            }],
            settings: || json!({}),
        },
        plan: "request",
        makes: &[
            making(CUSTOMER, "clients", "/api/graphql#clientCreate()", Mark::Itself),
            making(SITE, "properties", "/api/graphql#propertyCreate()", Mark::Itself),
            making(
                LEAD,
                "work_requests",
                "/api/graphql#requestCreate()",
                Mark::Marker("work_requests", "title"),
            ),
            making(
                NOTE,
                "notes",
                "/api/graphql#requestCreateNote()",
                Mark::Marker("notes", "message"),
            ),
        ],
        story: ("notes", "message"),
        deletion: Some("delete_client"),
        account: "acme",
    };

    pipedrive_lead: Subject {
        access: &Access {
            crm: PIPEDRIVE,
            ways: PIPEDRIVE_WAYS,
            settings: || json!({"owner": 901}),
        },
        plan: "lead",
        makes: &[
            making(CUSTOMER, "persons", "/api/v2/persons", Mark::Itself),
            making(LEAD, "leads", "/api/v1/leads", Mark::EventId("origin_id")),
            making(NOTE, "notes", "/api/v1/notes", Mark::Marker("notes", "content")),
        ],
        story: ("notes", "text"),
        deletion: Some("delete_person"),
        account: "acme",
    };

    pipedrive_deal: Subject {
        access: &Access {
            crm: PIPEDRIVE,
            ways: PIPEDRIVE_WAYS,
            settings: || json!({"mode": "deal", "pipeline": 2, "stage": 22}),
        },
        plan: "deal",
        makes: &[
            making(CUSTOMER, "persons", "/api/v2/persons", Mark::Itself),
            making(LEAD, "deals", "/api/v2/deals", Mark::Marker("deals", "title")),
            making(NOTE, "notes", "/api/v1/notes", Mark::Marker("notes", "content")),
        ],
        story: ("notes", "text"),
        deletion: Some("delete_person"),
        account: "acme",
    };

    servicetitan_booking: Subject {
        access: &Access {
            crm: SERVICETITAN,
            ways: SERVICETITAN_WAYS,
            settings: || servicetitan_in("booking"),
        },
        plan: "booking",
        makes: &[making(
            LEAD,
            "bookings",
            "/crm/v2/tenant/{tenant}/booking-provider/",
            Mark::EventId("externalId"),
        )],
        story: ("bookings", "summary"),
        deletion: None,
        account: "1234",
    };

    servicetitan_job: Subject {
        access: &Access {
            crm: SERVICETITAN,
            ways: SERVICETITAN_WAYS,
            settings: || servicetitan_in("job"),
        },
        plan: "job",
        makes: &[
            Making {
                step: CUSTOMER,
                books: "customers",
                path: "/crm/v2/tenant/{tenant}/customers",
                mark: Mark::Marker("contacts", "memo"),
                besides: &[Slot::Site],
            },
            making(SITE, "locations", "/crm/v2/tenant/{tenant}/locations", Mark::Itself),
            making(LEAD, "jobs", "/jpm/v2/tenant/{tenant}/jobs", Mark::Marker("jobs", "summary")),
            making(
                NOTE,
                "notes",
                "/jpm/v2/tenant/{tenant}/jobs/{id}/notes",
                Mark::Marker("notes", "text"),
            ),
        ],
        story: ("notes", "text"),
        deletion: Some("deactivate_customer"),
        account: "1234",
    };

    servicetitan_lead: Subject {
        access: &Access {
            crm: SERVICETITAN,
            ways: SERVICETITAN_WAYS,
            settings: || servicetitan_in("lead"),
        },
        plan: "lead",
        makes: &[
            Making {
                step: CUSTOMER,
                books: "customers",
                path: "/crm/v2/tenant/{tenant}/customers",
                mark: Mark::Marker("contacts", "memo"),
                besides: &[Slot::Site],
            },
            making(SITE, "locations", "/crm/v2/tenant/{tenant}/locations", Mark::Itself),
            making(LEAD, "leads", "/crm/v2/tenant/{tenant}/leads", Mark::Marker("leads", "summary")),
            making(
                NOTE,
                "notes",
                "/crm/v2/tenant/{tenant}/leads/{id}/notes",
                Mark::Marker("notes", "text"),
            ),
        ],
        story: ("notes", "text"),
        deletion: Some("deactivate_customer"),
        account: "1234",
    };

    workiz: Subject {
        access: &WORKIZ,
        plan: "lead",
        makes: &[making(
            LEAD,
            "leads",
            "/{token}/lead/create/",
            Mark::Marker("leads", "LeadNotes"),
        )],
        story: ("leads", "LeadNotes"),
        deletion: None,
        account: "acme",
    };
}

static HUBSPOT_WAYS: &[Way] = &[Way {
    method: "bearer_token",
    secrets: &[("access_token", "sim-acme")],
}];

/// What a mode does not need it does not read.
fn hubspot_in(mode: &str) -> Value {
    json!({
        "mode": mode, "pipeline": "771", "stage": "7711", "lead_pipeline": "882",
        "lead_stage": "8821", "owner": 501,
    })
}

static GOHIGHLEVEL_WAYS: &[Way] = &[Way {
    method: "private_integration",
    secrets: &[("access_token", "sim-acme")],
}];

fn gohighlevel_in(mode: &str) -> Value {
    json!({
        "location_id": "loc-acme", "mode": mode, "pipeline": "pipSales000000000001",
        "stage": "stgNewLead0000000001",
    })
}

static PIPEDRIVE_WAYS: &[Way] = &[Way {
    method: "api_token",
    secrets: &[("api_token", "sim-acme")],
}];

/// The app's key is the same for all companies.
static SERVICETITAN_WAYS: &[Way] = &[Way {
    method: "bearer_token",
    secrets: &[("access_token", "sim-acme"), ("app_key", "sim-app-key")],
}];

/// What a mode does not need it leaves to the office, or does not read.
fn servicetitan_in(mode: &str) -> Value {
    json!({
        "tenant_id": 1234, "mode": mode, "booking_provider": 99, "business_unit": 22,
        "job_type": 33, "campaign": 11, "call_reason": 51,
    })
}
