//! How customers and leads are found in Housecall Pro, and strangers are not.

use leadrail_lead::Lead;
use serde_json::{Value, json};

use super::HousecallPro;
use crate::http::cut::MOST_PAGES;
use crate::scripted_crm::{Scene, ScriptedCrm, lead_with, say};
use crate::{Made, Session, Slot, StepKey};

fn open(crm: &ScriptedCrm) -> Session {
    crm.session_of(&HousecallPro)
}

/// A page as Housecall Pro answers it, with customers as its document describes them.
fn customers(list: &Value) -> Value {
    json!({ "page": 1, "page_size": 50, "total_pages": 1, "total_items": 9, "customers": list })
}

fn customer(id: &str, mobile: &str) -> Value {
    json!({
        "id": id, "first_name": "John", "last_name": null, "email": "Ann@Example.com ",
        "company": null, "notifications_enabled": true, "mobile_number": mobile,
        "home_number": null, "work_number": null, "lead_source": null, "notes": null,
        "tags": ["vip"], "created_at": "2026-05-20T10:00:00Z",
        "addresses": [{ "id": "adr_1", "type": "service", "street": "4521 Oak Ridge Dr" }],
    })
}

async fn found_by(lead: &Lead, pages: Vec<Value>) -> (Option<String>, Vec<String>) {
    let crm = ScriptedCrm::start(pages.iter().map(|page| say(200, page))).await;
    let scene = Scene::of(lead.clone());
    let session = open(&crm);
    let found = scene.take(&HousecallPro, StepKey::DEDUP_LOOKUP, &session);
    let found = found.await.unwrap();
    assert!(crm.is_over(), "every page was asked for");
    let asked = crm.seen().into_iter().map(|seen| seen.target).collect();
    (found.map(|customer| customer.id), asked)
}

#[tokio::test]
async fn a_stranger_that_the_fuzzy_search_returns_never_gets_the_lead() {
    let lead = lead_with(|_| {});
    for stranger in [
        "3055550183",
        "+443055550182",
        "55550182",
        "",
        "3055550182 ext 9",
    ] {
        let page = customers(&json!([customer("cus_stranger", stranger)]));
        assert_eq!(found_by(&lead, vec![page]).await.0, None, "{stranger}");
    }
}

#[tokio::test]
async fn a_number_is_recognized_however_it_is_written_and_wherever_it_stands() {
    let lead = lead_with(|_| {});
    for number in [
        "3055550182",
        "+1 (305) 555-0182",
        "1-305-555-0182",
        "305.555.0182",
    ] {
        for field in ["mobile_number", "home_number", "work_number"] {
            let mut known = customer("cus_1", "");
            known[field] = json!(number);
            let found = found_by(&lead, vec![customers(&json!([known]))]).await.0;
            assert_eq!(found.as_deref(), Some("cus_1"), "{field} {number}");
        }
    }
}

#[tokio::test]
async fn the_newest_of_several_matches_wins() {
    let list = json!([
        customer("cus_stranger", "2125550100"),
        customer("cus_new", "3055550182"),
        customer("cus_old", "3055550182"),
    ]);
    let (found, asked) = found_by(&lead_with(|_| {}), vec![customers(&list)]).await;
    assert_eq!(found.as_deref(), Some("cus_new"));
    assert_eq!(
        asked,
        ["/customers?q=3055550182&sort_by=created_at&sort_direction=desc&page=1&page_size=50"]
    );
}

#[tokio::test]
async fn a_known_customers_address_is_named_and_not_added_again() {
    for (street, second, zip, there) in [
        ("4521 Oak Ridge Dr", Value::Null, "85016-1234", true),
        ("4521 OAK RIDGE dr.", json!(""), "85016", true),
        ("4521 Oak Ridge Dr", json!("Apt 2"), "85016", false),
        ("4521 Oak Ridge Dr", Value::Null, "85017", false),
        ("4522 Oak Ridge Dr", Value::Null, "85016", false),
    ] {
        let lead = lead_with(|payload| {
            payload["contact"]["address"] =
                json!({ "street": "4521 Oak Ridge Dr", "city": "Phoenix", "zip": "85016" });
        });
        let mut known = customer("cus_1", "3055550182");
        known["addresses"] = json!([
            { "id": "adr_0", "street": "1 Other St", "zip": "85016" },
            { "id": "adr_1", "street": street, "street_line_2": second, "zip": zip },
        ]);
        let crm = ScriptedCrm::start([say(200, &customers(&json!([known])))]).await;
        let session = open(&crm);
        let scene = Scene::of(lead);
        let found = scene.take(&HousecallPro, StepKey::DEDUP_LOOKUP, &session);
        let mut made = Made::default();
        made.set(Slot::Customer, found.await.unwrap());
        let id = made.site.map(|site| site.id);
        assert_eq!(
            id,
            there.then(|| "adr_1".to_owned()),
            "{street} {second} {zip}"
        );
    }
}

#[tokio::test]
async fn the_search_goes_on_to_the_last_page() {
    let mut first = customers(&json!([customer("cus_stranger", "2125550100")]));
    first["total_pages"] = json!(2);
    let mut second = customers(&json!([customer("cus_1", "3055550182")]));
    second["total_pages"] = json!(2);
    let (found, asked) = found_by(&lead_with(|_| {}), vec![first, second]).await;
    assert_eq!(found.as_deref(), Some("cus_1"));
    assert!(asked[1].contains("page=2"), "{asked:?}");
}

#[tokio::test]
async fn a_foreign_caller_is_searched_by_e_mail_and_compared_exactly() {
    let lead = lead_with(|payload| {
        payload["contact"] = json!({ "phone": "+442079460958", "email": "ann@example.com" });
    });
    let (found, asked) = found_by(&lead, vec![customers(&json!([customer("cus_1", "")]))]).await;
    assert_eq!(found.as_deref(), Some("cus_1"));
    assert!(
        asked[0].starts_with("/customers?q=ann%40example.com&"),
        "{asked:?}"
    );

    let mut other = customer("cus_2", "");
    other["email"] = json!("joann@example.com");
    assert_eq!(
        found_by(&lead, vec![customers(&json!([other]))]).await.0,
        None
    );
}

#[tokio::test]
async fn a_caller_with_only_a_foreign_number_is_searched_by_name_and_known_by_the_notes() {
    let called = |first_name: Option<&str>| {
        lead_with(|payload| {
            payload["contact"] = json!({ "phone": "+442079460958", "first_name": first_name });
        })
    };
    let noted = |notes: &str| {
        let mut known = customer("cus_1", "");
        known["notes"] = notes.into();
        customers(&json!([customer("cus_stranger", "2125550100"), known]))
    };
    for (lead, search) in [
        (called(Some("Ann")), "/customers?q=Ann&"),
        (called(None), "/customers?q=%2B442079460958&"),
    ] {
        let (found, asked) = found_by(&lead, vec![noted("Gate 7. Phone: +442079460958")]).await;
        assert_eq!(found.as_deref(), Some("cus_1"));
        assert!(asked[0].starts_with(search), "{asked:?}");
        for other in ["Phone: +4420794609580", "Phone: 442079460958", ""] {
            assert_eq!(found_by(&lead, vec![noted(other)]).await.0, None, "{other}");
        }
    }
    let mut endless = noted("");
    endless["total_pages"] = json!(1_000);
    let pages = (0..MOST_PAGES).map(|_| endless.clone()).collect();
    assert_eq!(found_by(&called(Some("John")), pages).await.0, None);
}

#[tokio::test]
async fn a_caller_who_cannot_be_searched_for_is_not_searched_for() {
    let lead = lead_with(|payload| payload["contact"] = json!({ "address": {"street": "1 A St"} }));
    let (found, asked) = found_by(&lead, vec![]).await;
    assert_eq!(
        (found, asked.len()),
        (None, 0),
        "an empty search would find everybody"
    );
}

#[tokio::test]
async fn a_list_that_never_ends_proves_nothing() {
    let mut page = customers(&json!([customer("cus_stranger", "2125550100")]));
    page["total_pages"] = json!(1_000);
    let crm = ScriptedCrm::start((0..MOST_PAGES).map(|_| say(200, &page))).await;
    let scene = Scene::new();
    let session = open(&crm);
    let found = scene.take(&HousecallPro, StepKey::DEDUP_LOOKUP, &session);
    let error = found.await.unwrap_err();
    assert_eq!(
        (error.kind(), error.reason()),
        ("not_done", "lookup_incomplete")
    );
}

#[tokio::test]
async fn created_customers_are_found_by_marker_back_to_when_the_step_began() {
    let made = |id: &str, tag: &str, at: &str| json!({ "id": id, "tags": [tag], "created_at": at });
    let page = json!({ "total_pages": 9, "customers": [
        made("cus_3", "lr-7f3k2m9q", "2026-06-10T09:30:00Z"),
        made("cus_x", "lr-00000000", "2026-06-10T09:10:00Z"),
        made("cus_2", "LR-7F3K2M9Q ", "2026-06-10T09:00:02Z"),
        made("cus_1", "lr-7f3k2m9q", "not a time"),
        made("cus_0", "lr-7f3k2m9q", "2026-06-09T08:59:59Z"),
    ] });
    let crm = ScriptedCrm::start([say(200, &page)]).await;
    let scene = Scene::new();
    let session = open(&crm);
    let found = scene.look(&HousecallPro, StepKey::CUSTOMER_CREATE, &session);
    let ids = found.await.unwrap();
    assert_eq!(
        ids,
        ["cus_1", "cus_2", "cus_3"],
        "oldest first, and none from before the step"
    );
    assert_eq!(
        crm.seen()[0].target,
        "/customers?sort_by=created_at&sort_direction=desc&page=1&page_size=50"
    );
}

#[tokio::test]
async fn filed_leads_are_found_by_marker_over_all_pages_oldest_first() {
    let page = |leads: Value| json!({ "page": 1, "total_pages": 2, "leads": leads });
    let crm = ScriptedCrm::start([
        say(
            200,
            &page(json!([{ "id": "lea_3", "tags": ["a", "lr-7f3k2m9q"] }, { "id": "lea_x" }])),
        ),
        say(
            200,
            &page(json!([{ "id": "lea_1", "tags": ["lr-7f3k2m9q"], "number": 12 }])),
        ),
    ])
    .await;
    let scene = Scene::new().for_customer("cus_a1");
    let session = open(&crm);
    let found = scene.look(&HousecallPro, StepKey::LEAD_CREATE, &session);
    let ids = found.await.unwrap();
    assert_eq!(ids, ["lea_1", "lea_3"]);
    assert!(
        crm.seen()[0]
            .target
            .starts_with("/leads?customer_id=cus_a1&")
    );
}

#[tokio::test]
async fn a_look_up_that_fails_is_an_error_and_not_an_empty_list() {
    let scene = Scene::new().for_customer("cus_a1");
    for status in [429, 500, 503] {
        let crm = ScriptedCrm::start([say(status, &json!({})), say(status, &json!({}))]).await;
        let session = open(&crm);
        for key in [StepKey::LEAD_CREATE, StepKey::CUSTOMER_CREATE] {
            assert!(scene.look(&HousecallPro, key, &session).await.is_err());
        }
    }
}
