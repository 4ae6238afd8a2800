//! What a connection wizard asks for.

use crate::api::Api;
use crate::support::rows;
use serde_json::{Value, json};

fn ids(list: &Value) -> Vec<i64> {
    let rows = rows(list, "data").iter();
    rows.map(|row| row["id"].as_i64().expect("an id")).collect()
}

#[tokio::test]
async fn every_company_has_the_same_presets_and_retired_ones_are_hidden() {
    let api = Api::start().await;
    for (module, path, active, all) in [
        ("settings", "/business-units", vec![22, 23], 3),
        ("jpm", "/job-types", vec![33, 34], 3),
        ("marketing", "/campaigns", vec![11, 12], 3),
        ("settings", "/tag-types", vec![41, 42], 2),
        ("jbce", "/call-reasons", vec![51, 52], 2),
        ("crm", "/booking-provider-tags", vec![99], 1),
    ] {
        let (status, list) = api.get(module, path).await;
        assert_eq!((status, ids(&list)), (200, active), "{path}");
        let (_, list) = api.get(module, &format!("{path}?active=Any")).await;
        assert_eq!(ids(&list).len(), all, "{path}");
    }
    let (_, types) = api.get("jpm", "/job-types?ids=34").await;
    assert_eq!(
        (ids(&types), &types["data"][0]["businessUnitIds"]),
        (vec![34], &json!([23]))
    );
    let (_, units) = api.get("settings", "/business-units?name=plumb").await;
    assert_eq!(ids(&units), [23]);
}

#[tokio::test]
async fn a_booking_provider_tag_is_made_once() {
    let api = Api::start().await;
    let tag = json!({"tagName": "Calls", "description": "Answers calls"});
    let (status, made) = api.post("crm", "/booking-provider-tags", &tag).await;
    assert_eq!((status, &made["tagName"]), (200, &json!("Calls")));
    assert_eq!(api.post("crm", "/booking-provider-tags", &tag).await.0, 409);
    assert_eq!(
        api.post("crm", "/booking-provider-tags", &json!({"tagName": "x"}))
            .await
            .0,
        400
    );
    let (_, found) = api.get("crm", "/booking-provider-tags?name=Calls").await;
    assert_eq!(ids(&found), [made["id"].as_i64().expect("an id")]);
    let path = format!("/booking-provider-tags/{}", made["id"]);
    assert_eq!(
        api.get("crm", &path).await.1["description"],
        "Answers calls"
    );
    assert_eq!(api.get("crm", "/booking-provider-tags/98").await.0, 404);
}
