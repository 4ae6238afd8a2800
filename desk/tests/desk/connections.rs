//! Connections: made, tested, switched off, and what that means for the leads that wait.

use crate::kit::{Room, connection, someone};
use leadrail_connections::{ConnectionFilter, ConnectionState, NewConnection};
use leadrail_crm_sim::CrmSim;
use leadrail_desk::{Change, DeskError, LeadFilter};
use leadrail_engine::{Held, LaneLimits};
use leadrail_workflows::LeadView;
use serde_json::json;
use tokio::net::TcpListener;

/// The simulated CRM, served until the test ends; its address.
async fn crm() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listening");
    let address = listener.local_addr().expect("an address");
    let serving = leadrail_crm_sim::serve(listener, CrmSim::new(), std::future::pending());
    tokio::spawn(serving);
    format!("http://{address}/housecall_pro")
}

/// Puts every run where a worker leaves it when its connection must be connected again.
const WAIT: &str = "
    update leadrail.workflow_run set state = 'running', due_at = null;
    update leadrail.workflow_run set state = 'waiting';
    insert into leadrail.run_gate (run_id, gate)
    select id, 'address:acme/housecall_pro' from leadrail.workflow_run";

#[tokio::test]
async fn connecting_lets_waiting_leads_go_six_seconds_apart() {
    let room = Room::open().await.with_vault();
    room.queued(3).await;
    room.sql(WAIT).await;
    let new = connection("sim-acme", "https://crm.example");
    let connected = room.desk.connect(&someone(), new).await.expect("connected");
    assert_eq!(connected.released, 3);
    assert_eq!(connected.connection.state, ConnectionState::Active);
    let apart: Vec<i32> = sqlx::query_scalar(
        "select round(extract(epoch from due_at - lag(due_at) over (order by due_at)))::integer
         from leadrail.workflow_run order by due_at offset 1",
    )
    .fetch_all(room.pool())
    .await
    .expect("due");
    assert_eq!(apart, [6, 6]);
}

#[tokio::test]
async fn leads_that_are_let_go_know_their_place_and_their_time_and_so_does_the_connection() {
    let room = Room::open().await.with_vault();
    let runs = room.queued(4).await;
    room.sql(WAIT).await;
    room.sql("update leadrail.workflow_run set starts = 1")
        .await;
    let (desk, every) = (&room.desk, ConnectionFilter::default());
    let new = connection("sim-acme", "https://crm.example");
    desk.connect(&someone(), new).await.expect("connected");
    let page = desk.leads(&LeadFilter::default(), None, 10).await;
    let leads = page.expect("a page").leads;
    assert_eq!(leads.len(), runs.len());
    let turn = |lead: &LeadView| match lead.held {
        Some(Held::Release { place, at }) => {
            assert_eq!(lead.next_at, Some(at));
            Some((place, at))
        }
        _ => None,
    };
    let mut turns: Vec<_> = leads.iter().filter_map(turn).collect();
    turns.sort();
    let places: Vec<_> = turns.iter().map(|(place, _)| *place).collect();
    assert_eq!(places, [1, 2, 3], "one of the four goes out at once");
    assert!(
        turns
            .windows(2)
            .all(|two| ((two[1].1 - two[0].1).as_seconds_f64() - 6.0).abs() < 1.0)
    );

    let listed = desk.connections_with_queues(&every).await.expect("listed");
    let queue = &listed[0].queue;
    assert_eq!((queue.waiting, queue.released), (0, 3));
    assert_eq!(queue.last_turn_at, Some(turns[2].1));
    room.sql(WAIT).await;
    let listed = desk.connections_with_queues(&every).await.expect("listed");
    let (waiting, released) = (listed[0].queue.waiting, listed[0].queue.released);
    assert_eq!((waiting, released), (4, 0));
}

#[tokio::test]
async fn what_cannot_work_is_refused_before_it_is_stored() {
    let room = Room::open().await.with_vault();
    let good = || connection("sim-acme", "https://crm.example");
    let mut bad = vec![
        connection("", "https://crm.example"),
        good(),
        good(),
        good(),
    ];
    bad[1].crm = "nonsense".to_owned();
    bad[2].auth_method = "password".to_owned();
    bad[3].settings = serde_json::json!([]);
    bad.push(connection("two\nlines", "https://crm.example"));
    bad.push(connection("sim-acme", "ftp://crm.example"));
    for new in bad {
        let refused = room.desk.connect(&someone(), new).await;
        let refused = refused.map(|_| ()).expect_err("refused");
        assert!(refused.is_wrong_use(), "{refused}");
    }
    let every = ConnectionFilter::default();
    let stored = room.desk.list_connections(&every).await.expect("listed");
    assert!(stored.is_empty());
}

#[tokio::test]
async fn a_test_lets_leads_go_once_unless_a_person_switched_the_connection_off() {
    let room = Room::open().await.with_vault();
    let (desk, who) = (&room.desk, someone());
    let new = connection("sim-acme", &crm().await);
    let id = desk
        .connect(&who, new)
        .await
        .expect("connected")
        .connection
        .id;
    room.queued(2).await;
    room.sql(WAIT).await;

    assert!(desk.disable(&who, id, "moving house").await.expect("off"));
    assert!(!desk.disable(&who, id, "again").await.expect("off"));
    let tested = desk.test(&who, id).await.expect("tested");
    assert!(tested.ok, "{tested:?}");
    assert_eq!(
        (tested.state, tested.released),
        (ConnectionState::Disabled, 0)
    );

    assert_eq!(desk.enable(&who, id).await.expect("on"), 2);
    let tested = desk.test(&who, id).await.expect("tested");
    assert_eq!(
        (tested.state, tested.released),
        (ConnectionState::Active, 0)
    );
}

/// The lanes that have a limit, with it.
async fn limited(room: &Room) -> Vec<(String, Option<i32>)> {
    let lanes = room.desk.lanes().await.expect("listed");
    lanes
        .into_iter()
        .map(|lane| (lane.lane, lane.max_running))
        .collect()
}

/// A connection for this CRM account, through which so many leads go at once.
fn narrow(crm_account_id: &str, max_at_once: u32) -> NewConnection {
    NewConnection {
        crm_account_id: Some(crm_account_id.to_owned()),
        settings: json!({"max_at_once": max_at_once}),
        ..connection("sim-acme", "https://crm.example")
    }
}

#[tokio::test]
async fn a_limit_goes_with_its_connection_and_its_lane() {
    let room = Room::open().await.with_vault();
    let (desk, who) = (&room.desk, someone());
    let lane = |account: &str| format!("acme/housecall_pro{account}");
    let connect = async |new| {
        let connected = desk.connect(&who, new).await.expect("connected");
        connected.connection.id
    };
    let north = connect(narrow("north", 2)).await;
    let both = [(lane(""), Some(2)), (lane("/north"), Some(2))];
    assert_eq!(limited(&room).await, both, "leads that name none, too");

    let moved = Change {
        crm_account_id: Some(Some("east".to_owned())),
        ..Change::default()
    };
    desk.change_connection(&who, north, moved)
        .await
        .expect("changed");
    let both = [(lane(""), Some(2)), (lane("/east"), Some(2))];
    assert_eq!(limited(&room).await, both);

    let south = connect(narrow("south", 3)).await;
    let each = [(lane("/east"), Some(2)), (lane("/south"), Some(3))];
    assert_eq!(
        limited(&room).await,
        each,
        "whoever names none means neither"
    );

    desk.disable(&who, south, "closed").await.expect("off");
    let only = [
        (lane(""), Some(2)),
        (lane("/east"), Some(2)),
        (lane("/south"), Some(3)),
    ];
    assert_eq!(limited(&room).await, only);

    desk.enable(&who, south).await.expect("on");
    desk.delete_connection(&who, north).await.expect("deleted");
    let left = [(lane(""), Some(3)), (lane("/south"), Some(3))];
    assert_eq!(limited(&room).await, left);

    let by_hand = LaneLimits {
        max_running: Some(9),
        ..LaneLimits::default()
    };
    desk.limit_lane(&who, &lane("/south"), &by_hand)
        .await
        .expect("limited");
    desk.delete_connection(&who, south).await.expect("deleted");
    assert_eq!(limited(&room).await, []);
}

#[tokio::test]
async fn a_desk_without_a_vault_key_does_everything_but_open_credentials() {
    let room = Room::open().await;
    room.queued(1).await;
    let new = connection("sim-acme", "https://crm.example");
    let refused = room.desk.connect(&someone(), new).await;
    assert!(matches!(refused.map(|_| ()), Err(DeskError::NoVaultKey)));
    assert!(matches!(
        room.desk.registry().map(|_| ()),
        Err(DeskError::NoVaultKey)
    ));
    assert_eq!(room.desk.rehearse(|_| {}).await.expect("rehearsed").0, 0);
}
