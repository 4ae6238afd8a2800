//! How fast leads go through a connection: what its CRM documents, unless somebody says otherwise.

use crate::kit::{Room, connection, someone};
use leadrail_connections::{ConnectionId, NewConnection};
use leadrail_desk::Change;
use leadrail_engine::LaneLimits;
use serde_json::{Value, json};
use std::time::Duration;

/// A connection to a CRM that documents 20 requests in two seconds: two leads of four calls at once, and
/// three in two seconds after them.
fn pipedrive(settings: Value) -> NewConnection {
    NewConnection {
        crm: "pipedrive".to_owned(),
        auth_method: "api_token".to_owned(),
        secrets: [("api_token".to_owned(), "sim-acme".to_owned().into())].into(),
        settings,
        ..connection("sim-acme", "https://crm.example")
    }
}

const USUAL: Option<(i64, i32, Option<i32>)> = Some((666, 2, None));

/// The limits of leads that name no CRM account: milliseconds between two, how many at once after a quiet
/// time, and how many under way.
async fn limits(room: &Room) -> Option<(i64, i32, Option<i32>)> {
    let found = sqlx::query_as(
        "select trunc(extract(epoch from gap) * 1000)::bigint, burst, max_running
         from leadrail.lane where name = 'acme/pipedrive'",
    );
    found.fetch_optional(room.pool()).await.expect("read")
}

async fn connect(room: &Room, settings: Value) -> ConnectionId {
    let connected = room.desk.connect(&someone(), pipedrive(settings)).await;
    connected.expect("connected").connection.id
}

async fn set(room: &Room, id: ConnectionId, settings: Value) {
    let change = Change {
        settings: settings.as_object().expect("an object").clone(),
        ..Change::default()
    };
    let changed = room.desk.change_connection(&someone(), id, change).await;
    changed.expect("changed");
}

#[tokio::test]
async fn a_connection_keeps_its_crms_limit_until_a_setting_says_otherwise_and_again_after_it() {
    let room = Room::open().await.with_vault();
    let id = connect(&room, json!({})).await;
    assert_eq!(limits(&room).await, USUAL);

    set(&room, id, json!({"leads_per_minute": 600})).await;
    assert_eq!(limits(&room).await, Some((100, 1, None)));
    set(&room, id, json!({"leads_per_minute": null})).await;
    assert_eq!(limits(&room).await, USUAL);
    set(&room, id, json!({"max_at_once": 3})).await;
    assert_eq!(limits(&room).await, Some((666, 2, Some(3))));
    set(&room, id, json!({"max_at_once": null})).await;
    assert_eq!(limits(&room).await, USUAL);

    let deleted = room.desk.delete_connection(&someone(), id).await;
    deleted.expect("deleted");
    assert_eq!(limits(&room).await, None);
}

#[tokio::test]
async fn a_limit_that_a_person_set_for_the_lane_stays_when_the_account_is_connected() {
    let room = Room::open().await.with_vault();
    let by_hand = LaneLimits {
        gap: Some(Duration::from_secs(9)),
        burst: 1,
        max_running: None,
    };
    let limit = async || {
        let who = someone();
        let limited = room.desk.limit_lane(&who, "acme/pipedrive", &by_hand);
        limited.await.expect("limited");
    };
    limit().await;
    let id = connect(&room, json!({})).await;
    assert_eq!(limits(&room).await, Some((9000, 1, None)));
    let mode = json!({"mode": "deal", "pipeline": 2, "stage": 21});
    set(&room, id, mode).await;
    assert_eq!(limits(&room).await, Some((9000, 1, None)));

    set(&room, id, json!({"leads_per_minute": 600})).await;
    assert_eq!(limits(&room).await, Some((100, 1, None)));
    limit().await;
    connect(&room, json!({"leads_per_minute": 600})).await;
    assert_eq!(limits(&room).await, Some((9000, 1, None)));
}

#[tokio::test]
async fn leads_that_name_no_account_keep_the_limit_while_they_can_only_mean_one() {
    let room = Room::open().await.with_vault();
    let new = |crm_account_id: &str| NewConnection {
        crm_account_id: Some(crm_account_id.to_owned()),
        ..pipedrive(json!({}))
    };
    let north = room.desk.connect(&someone(), new("north")).await;
    let north = north.expect("connected").connection.id;
    assert_eq!(limits(&room).await, USUAL);
    let south = room.desk.connect(&someone(), new("south")).await;
    south.expect("connected");
    assert_eq!(limits(&room).await, None, "they mean neither");
    let deleted = room.desk.delete_connection(&someone(), north).await;
    deleted.expect("deleted");
    assert_eq!(limits(&room).await, USUAL);
    let lanes = room.desk.lanes().await.expect("listed");
    let names: Vec<_> = lanes.into_iter().map(|lane| lane.lane).collect();
    assert_eq!(names, ["acme/pipedrive", "acme/pipedrive/south"]);
}

#[tokio::test]
async fn leads_that_name_no_crm_account_have_the_limits_of_the_connection_that_they_go_through() {
    let room = Room::open().await.with_vault();
    let of = |crm_account_id: &str, settings: Value| NewConnection {
        crm_account_id: Some(crm_account_id.to_owned()),
        ..pipedrive(settings)
    };
    let north = of("north", json!({"leads_per_minute": 600}));
    let (desk, who) = (&room.desk, someone());
    desk.connect(&who, north).await.expect("connected");
    assert_eq!(limits(&room).await, Some((100, 1, None)));
    // Nobody has signed in to this one: leads go through the other still.
    let south = NewConnection {
        secrets: [].into(),
        ..of("south", json!({"leads_per_minute": 6}))
    };
    let south = desk
        .prepare_connection(&who, south)
        .await
        .expect("prepared");
    assert_eq!(limits(&room).await, Some((100, 1, None)));
    let plain = connect(&room, json!({"leads_per_minute": 60})).await;
    assert_eq!(limits(&room).await, Some((1_000, 1, None)), "made for them");
    desk.disable(&who, plain, "retired")
        .await
        .expect("disabled");
    assert_eq!(limits(&room).await, Some((100, 1, None)));
    desk.delete_connection(&who, south.id)
        .await
        .expect("deleted");
    assert_eq!(limits(&room).await, Some((100, 1, None)));
}
