//! Lists: order, range, pages, and the shapes that readers disagree about.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::Server;
use crate::{hours, lead_with};

/// The times of a list's leads, in order.
fn times(list: &Value) -> Vec<&str> {
    let rows = list["data"].as_array().expect("a list").iter();
    rows.map(|row| row["LeadDateTime"].as_str().expect("a time"))
        .collect()
}

#[tokio::test]
async fn leads_go_by_their_own_time_latest_first_and_ids_are_texts() {
    let server = Server::start().await;
    let wanted = [hours(-5), hours(1), hours(-30)];
    for time in &wanted {
        server.files(&lead_with("LeadDateTime", json!(time))).await;
    }
    let (status, list) = server.asks("/lead/all/").await;
    assert_eq!(status, 200);
    assert_eq!(times(&list), [&*wanted[1], &*wanted[0], &*wanted[2]]);
    assert_eq!(
        (&list["flag"], &list["found"], &list["has_more"]),
        (&json!(true), &json!(3), &json!(false))
    );
    assert_eq!(list["data"][0]["ClientId"], "1002");
}

#[tokio::test]
async fn a_list_shows_fourteen_days_unless_told_and_nothing_that_is_far_ahead() {
    let server = Server::start().await;
    let (long_ago, far_ahead) = (hours(-24 * 20), hours(24 * 3));
    for time in [&long_ago, &hours(-24 * 10), &far_ahead] {
        server.files(&lead_with("LeadDateTime", json!(time))).await;
    }
    let (_, usual) = server.asks("/lead/all/").await;
    assert_eq!(times(&usual).len(), 1);
    let day = &long_ago[..10];
    let (_, long) = server.asks(&format!("/lead/all/?start_date={day}")).await;
    assert_eq!(times(&long).len(), 2);
    let (_, later) = server
        .asks(&format!("/lead/all/?start_date={}", &far_ahead[..10]))
        .await;
    assert!(times(&later).is_empty());
    for wrong in ["start_date=20-11-2026", "offset=-1", "records=many"] {
        assert_eq!(
            server.asks(&format!("/lead/all/?{wrong}")).await.0,
            400,
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn closed_leads_are_shown_only_if_asked_for_and_statuses_choose() {
    let server = Server::start().await;
    let id = server.files(&lead_with("City", json!("Mesa"))).await;
    server.files(&lead_with("City", json!("Tempe"))).await;
    assert_eq!(server.happens(json!({"close_lead": {"id": id}})).await, 204);
    let (_, open) = server.asks("/lead/all/").await;
    assert_eq!(open["found"], 1);
    let (_, all) = server.asks("/lead/all/?only_open=false").await;
    assert_eq!(all["found"], 2);
    let (_, done) = server.asks("/lead/all/?only_open=false&status=Done").await;
    assert_eq!(
        (&done["found"], &done["data"][0]["UUID"]),
        (&json!(1), &json!(id))
    );
}

#[tokio::test]
async fn an_offset_counts_rows_or_pages_as_the_account_has_it() {
    let server = Server::start().await;
    for back in 0..5 {
        server
            .files(&lead_with("LeadDateTime", json!(hours(-back))))
            .await;
    }
    let (_, all) = server.asks("/lead/all/").await;
    let ids = |list: &Value| -> Vec<Value> {
        let rows = list["data"].as_array().expect("a list").iter();
        rows.map(|row| row["UUID"].clone()).collect()
    };
    let all = ids(&all);
    let (_, rows) = server.asks("/lead/all/?offset=1&records=2").await;
    assert_eq!(
        (ids(&rows), &rows["has_more"]),
        (all[1..3].to_vec(), &json!(true))
    );
    assert_eq!(
        server.happens(json!({"behave": {"offset": "pages"}})).await,
        204
    );
    let (_, pages) = server.asks("/lead/all/?offset=1&records=2").await;
    assert_eq!(ids(&pages), all[2..4]);
    let (_, last) = server.asks("/lead/all/?offset=2&records=2").await;
    assert_eq!(
        (ids(&last), &last["has_more"]),
        (all[4..].to_vec(), &json!(false))
    );
}

#[tokio::test]
async fn a_list_may_be_bare_and_an_empty_one_no_list_at_all() {
    let server = Server::start().await;
    for (empty, expected) in [("list", 200), ("no_content", 204), ("not_found", 404)] {
        let behave = json!({"behave": {"empty": empty, "lists": "bare"}});
        assert_eq!(server.happens(behave).await, 204);
        assert_eq!(server.asks("/lead/all/").await.0, expected);
    }
    server.files(&lead_with("City", json!("Mesa"))).await;
    let (status, bare) = server.asks("/lead/all/").await;
    assert_eq!((status, bare.as_array().map(Vec::len)), (200, Some(1)));
    assert!(server.asks("/team/all/").await.1.is_array());
    assert_eq!(
        server
            .happens(json!({"behave": {"offset": "sideways"}}))
            .await,
        422
    );
}

#[tokio::test]
async fn a_list_lags_behind_what_was_made_and_one_lead_does_not() {
    let server = Server::start().await;
    let lag = json!({"ms": 600_000});
    server
        .control_of("workiz", Method::POST, "/index_lag", Some(lag))
        .await;
    let id = server.files(&lead_with("City", json!("Mesa"))).await;
    assert_eq!(server.asks("/lead/all/").await.1["found"], 0);
    assert_eq!(server.asks(&format!("/lead/get/{id}/")).await.0, 200);
}
