//! The Rust client against the real API: one lead, whatever got lost on the way.

use crate::PROGRAM;
use leadrail_client::{Client, ClientError, Item};
use leadrail_tests::{Stage, sample_lead};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};
use tokio::net::{TcpListener, TcpStream};

fn event_id(lead: &Value) -> uuid::Uuid {
    let id = lead["event_id"].as_str().expect("an id");
    id.parse().expect("a UUID")
}

/// A client with a key of the account that the sample leads are of.
fn keyed(stage: &Stage, url: &str) -> Client {
    let words = [
        "key",
        "create",
        "--purpose",
        "client",
        "--role",
        "account",
        "--account",
        "acme",
    ];
    let made = stage.run(&words, "");
    let key = String::from_utf8(made.stdout).expect("a key");
    Client::new(url, key.trim()).expect("a client")
}

/// A way to the API on which the answers to the first `lost` calls get lost after the API gave them.
async fn losing(url: &str, lost: usize) -> String {
    let to = url.trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        for nth in 0.. {
            let (caller, _) = listener.accept().await.expect("a caller");
            let api = TcpStream::connect(&to).await.expect("the API");
            tokio::spawn(pass(caller, api, nth < lost));
        }
    });
    address
}

/// Passes on what the caller sends; of what the API answers only that it does, if that gets lost.
async fn pass(caller: TcpStream, api: TcpStream, is_lost: bool) {
    let (mut from_caller, mut to_caller) = caller.into_split();
    let (mut from_api, mut to_api) = api.into_split();
    let asking = tokio::spawn(async move {
        let _ = copy(&mut from_caller, &mut to_api).await;
    });
    let mut first = [0; 1];
    if from_api.read_exact(&mut first).await.is_ok() && !is_lost {
        let _ = to_caller.write_all(&first).await;
        let _ = copy(&mut from_api, &mut to_caller).await;
    }
    asking.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_whose_answers_get_lost_is_kept_once_and_its_client_knows() {
    let stage = Stage::new(PROGRAM).await;
    let (_serve, url) = stage.serve().await;
    let client = keyed(&stage, &losing(&url, 3).await);
    let lead = sample_lead(1);
    let kept = client.push(&lead).await.expect("kept");
    assert_eq!(kept.event_id, event_id(&lead));
    assert_eq!(stage.count(&["queued"]).await, 1);
    let again = client.push(&lead).await.expect("known");
    assert_eq!(again, kept);

    let leads: Vec<_> = (1..=50).map(sample_lead).collect();
    let client = keyed(&stage, &losing(&url, 1).await);
    let items = client.push_many(&leads).await.expect("answered");
    for (item, lead) in items.iter().zip(&leads) {
        let is_kept = matches!(item, Item::Accepted(kept) if kept.event_id == event_id(lead));
        assert!(is_kept, "{item:?}");
    }
    assert_eq!((items.len(), stage.count(&["queued"]).await), (50, 51));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_follows_a_lead_to_its_end_and_stops_another() {
    let stage = Stage::new(PROGRAM).await;
    let (_serve, url) = stage.serve().await;
    let client = keyed(&stage, &url);
    let (filed, stopped) = (sample_lead(1), sample_lead(2));
    client.push(&stopped).await.expect("kept");
    let outcome = client.cancel(event_id(&stopped), "they called again").await;
    assert_eq!(outcome.expect("stopped")["outcome"], "cancelled");

    client.push(&filed).await.expect("kept");
    let _worker = stage.worker("w", &[]);
    let story = client.wait(event_id(&filed), Duration::from_secs(60)).await;
    assert_eq!(story.expect("a story")["lead"]["state"], "completed");
    let story = client.lead(event_id(&stopped)).await.expect("a story");
    assert_eq!(story["lead"]["state"], "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_api_refuses_the_client_tells_with_every_field() {
    let stage = Stage::new(PROGRAM).await;
    let (_serve, url) = stage.serve().await;
    let client = keyed(&stage, &url);
    let lead = sample_lead(1);
    client.push(&lead).await.expect("kept");
    let mut other = lead.clone();
    other["contact"]["first_name"] = json!("Somebody else");
    assert_eq!(refusal(client.push(&other).await).status, 409);
    let mut useless = sample_lead(2);
    useless["contact"] = json!({});
    let problem = refusal(client.push(&useless).await);
    assert_eq!(problem.status, 422);
    assert!(!problem.errors.is_empty(), "{problem:?}");
    let unknown = client.lead(uuid::Uuid::new_v4()).await;
    assert_eq!(refusal(unknown).status, 404);
    let items = client.push_many(&[useless, lead]).await.expect("answered");
    assert!(matches!(&items[0], Item::Refused(problem) if problem.status == 422));
    assert!(matches!(&items[1], Item::Accepted(_)));

    let stranger = Client::new(&url, "lr_live_wrong").expect("a client");
    assert_eq!(refusal(stranger.push(&sample_lead(3)).await).status, 401);
}

fn refusal<T>(answer: Result<T, ClientError>) -> leadrail_client::Problem {
    match answer {
        Err(ClientError::Refused(problem)) => problem,
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("it was taken"),
    }
}
