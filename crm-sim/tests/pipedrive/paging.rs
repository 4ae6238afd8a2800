//! Pages: places in v1, cursors in v2.

use crate::api::{Api, each};
use serde_json::json;

#[tokio::test]
async fn v1_goes_from_place_to_place() {
    let api = Api::start().await;
    let person = api.person("+13055550182").await;
    for n in 0..5 {
        api.lead(&person, &format!("lead {n}")).await;
    }
    let mut read = 0;
    for (start, expected, next) in [(0, 2, json!(2)), (2, 2, json!(4)), (4, 1, json!(null))] {
        let (_, page) = api
            .get(&format!("/api/v1/leads?limit=2&start={start}"))
            .await;
        let pagination = &page["additional_data"]["pagination"];
        assert_eq!(each(&page, "id").len(), expected);
        assert_eq!(pagination["next_start"], next);
        assert_eq!(pagination["more_items_in_collection"], !next.is_null());
        read += expected;
    }
    assert_eq!(read, 5);
    let (status, page) = api.get("/api/v1/leads?limit=100000").await;
    assert_eq!(
        (status, &page["additional_data"]["pagination"]["limit"]),
        (200, &json!(500))
    );
    for wrong in ["limit=0", "limit=x", "start=-1"] {
        assert_eq!(
            api.get(&format!("/api/v1/leads?{wrong}")).await.0,
            400,
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn v2_goes_from_cursor_to_cursor_and_refuses_large_pages() {
    let api = Api::start().await;
    for n in 0..5 {
        api.person(&format!("+1305555010{n}")).await;
    }
    for (path, limit) in [
        ("persons?", 500),
        ("persons/search?term=ann&fields=name&", 100),
    ] {
        let (mut cursor, mut read) = (String::new(), 0);
        loop {
            let (status, page) = api.get(&format!("/api/v2/{path}limit=2{cursor}")).await;
            assert_eq!(status, 200, "{page}");
            let items = page["data"].as_array().or(page["data"]["items"].as_array());
            read += items.expect("items").len();
            match page["additional_data"]["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(read, 5, "{path}");
        let page = async |limit: usize| api.get(&format!("/api/v2/{path}limit={limit}")).await.0;
        assert_eq!(
            (page(limit).await, page(limit + 1).await),
            (200, 400),
            "{path}"
        );
    }
}
