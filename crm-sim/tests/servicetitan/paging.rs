//! Pages, sort order, the filters that all lists share, and the age of the index.

use crate::api::{Api, BOOKINGS, booking};
use crate::support::rows;
use reqwest::Method;
use serde_json::{Value, json};

async fn filed(count: usize) -> Api {
    let api = Api::start().await;
    for number in 0..count {
        let (status, _) = api
            .post("crm", BOOKINGS, &booking(&format!("e-{number}")))
            .await;
        assert_eq!(status, 200);
    }
    api
}

fn names(list: &Value) -> Vec<&str> {
    let rows = rows(list, "data").iter();
    rows.map(|row| row["externalId"].as_str().expect("an id"))
        .collect()
}

#[tokio::test]
async fn pages_follow_each_other_until_there_are_no_more() {
    let api = filed(5).await;
    for (page, expected, more) in [
        (1, vec!["e-0", "e-1"], true),
        (2, vec!["e-2", "e-3"], true),
        (3, vec!["e-4"], false),
        (4, vec![], false),
    ] {
        let (_, list) = api
            .get("crm", &format!("/bookings?pageSize=2&page={page}"))
            .await;
        assert_eq!(
            (names(&list), &list["hasMore"]),
            (expected, &json!(more)),
            "{page}"
        );
        assert_eq!(
            (&list["page"], &list["pageSize"]),
            (&json!(page), &json!(2))
        );
        assert_eq!(list["totalCount"], Value::Null);
    }
    let (_, list) = api.get("crm", "/bookings?includeTotal=true").await;
    assert_eq!(
        (&list["totalCount"], &list["pageSize"]),
        (&json!(5), &json!(50))
    );
    assert_eq!(list["hasMore"], false);
}

#[tokio::test]
async fn lists_are_sorted_as_asked() {
    let api = filed(3).await;
    let (_, last) = api.get("crm", "/bookings?sort=-CreatedOn&pageSize=1").await;
    assert_eq!(names(&last), ["e-2"]);
    for sort in ["%2BId", "+Id", "Id", "+CreatedOn"] {
        let (_, list) = api.get("crm", &format!("/bookings?sort={sort}")).await;
        assert_eq!(names(&list), ["e-0", "e-1", "e-2"], "{sort}");
    }
    let (_, list) = api.get("crm", "/bookings").await;
    let id = &list["data"][0]["id"];
    let path = format!("{BOOKINGS}/{id}");
    let (status, _) = api
        .patch("crm", &path, &json!({"summary": "Changed"}))
        .await;
    assert_eq!(status, 200);
    let (_, list) = api
        .get("crm", "/bookings?sort=-ModifiedOn&pageSize=1")
        .await;
    assert_eq!(names(&list), ["e-0"]);
}

#[tokio::test]
async fn parameters_that_make_no_sense_are_refused() {
    let api = filed(0).await;
    for query in [
        "page=0",
        "page=x",
        "pageSize=0",
        "pageSize=5001",
        "pageSize=-1",
        "sort=-Name",
        "includeTotal=maybe",
        "active=yes",
        "ids=a,b",
        "createdOnOrAfter=yesterday",
        "modifiedBefore=2026-11-01",
    ] {
        let (status, problem) = api.get("crm", &format!("/customers?{query}")).await;
        assert_eq!(status, 400, "{query}");
        assert_eq!(
            problem["errors"].as_object().expect("errors").len(),
            1,
            "{query}"
        );
    }
    assert_eq!(api.get("crm", "/customers?pageSize=5000").await.0, 200);
    let ids = vec!["1"; 51].join(",");
    assert_eq!(api.get("crm", &format!("/bookings?ids={ids}")).await.0, 400);
}

#[tokio::test]
async fn lists_can_be_cut_by_id_and_time() {
    let api = filed(2).await;
    let (_, list) = api.get("crm", "/bookings").await;
    let id = &list["data"][1]["id"];
    let (_, one) = api.get("crm", &format!("/bookings?ids=1,{id}")).await;
    assert_eq!(names(&one), ["e-1"]);
    for (query, count) in [
        ("createdOnOrAfter=2026-01-01T00:00:00Z", 2),
        ("createdBefore=2026-01-01T00:00:00Z", 0),
        ("modifiedOnOrAfter=2126-01-01T00:00:00Z", 0),
        ("modifiedBefore=2126-01-01T00:00:00%2B01:00", 2),
    ] {
        let (_, list) = api.get("crm", &format!("/bookings?{query}")).await;
        assert_eq!(rows(&list, "data").len(), count, "{query}");
    }
}

#[tokio::test]
async fn lists_lag_behind_and_single_records_do_not() {
    let api = Api::start().await;
    let lag = json!({"ms": 3_600_000});
    api.control(Method::POST, "/index_lag", Some(lag)).await;
    let (_, made) = api.post("crm", BOOKINGS, &booking("e-1")).await;
    let customer = api.customer("6025551234").await;
    for path in [
        "/bookings?externalId=e-1",
        "/customers?phone=6025551234",
        "/locations",
    ] {
        assert_eq!(api.get("crm", path).await.1["data"], json!([]), "{path}");
    }
    for path in [
        format!("/bookings/{}", made["id"]),
        format!("/customers/{}", customer["id"]),
    ] {
        assert_eq!(api.get("crm", &path).await.0, 200, "{path}");
    }
    api.control(Method::POST, "/index_lag", Some(json!({"ms": 0})))
        .await;
    let (_, list) = api.get("crm", "/bookings?externalId=e-1").await;
    assert_eq!(rows(&list, "data").len(), 1);
}
