//! Links: what a CRM is told of recordings and transcripts stays, and nobody can use it in our stead.

use leadrail_connections::links::{LinkKind, LinkSettings};
use leadrail_engine::{RunId, RunState};
use serde_json::{Value, json};

use super::subject::Subject;
use crate::kit::Scene;

/// A link as each large storage signs it, and as people and programs pass links on.
const SIGNED: [&str; 12] = [
    "https://b.s3.amazonaws.com/r.mp3?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA%2F1&X-Amz-Signature=c0ffee",
    "https://b.s3.amazonaws.com/r.mp3?AWSAccessKeyId=AKIA&Expires=1&Signature=c0ffee",
    "https://storage.googleapis.com/b/r.mp3?X-Goog-Algorithm=G&X-Goog-Signature=c0ffee",
    "https://storage.googleapis.com/b/r.mp3?GoogleAccessId=a&Expires=1&Signature=c0ffee",
    "https://a.blob.core.windows.net/c/r.mp3?sv=2024-01-01&se=2026-01-01&sr=b&sp=r&sig=c0ffee",
    "https://d1.cloudfront.net/r.mp3?Policy=p&Signature=c0ffee&Key-Pair-Id=K1",
    "https://b.oss.example/r.mp3?OSSAccessKeyId=a&Expires=1&Signature=c0ffee",
    "b.s3.amazonaws.com/r.mp3?x-amz-signature=c0ffee",
    "[hear it](https://b.s3.amazonaws.com/r.mp3?X-Amz-Signature=c0ffee).",
    "<a href='https://b.s3.amazonaws.com/r.mp3?a=1&amp;X-Amz-Signature=c0ffee'>",
    "https://l.example/?u=https%3A%2F%2Fb.s3.amazonaws.com%2Fr.mp3%3FX-Amz-Signature%3Dc0ffee",
    "https://l.example/?u=https%253A%252F%252Fb%252Fr%253Fsig%253Dc0ffee",
];

/// The links that a lead's story must have.
async fn links_of(scene: &Scene, run: RunId) -> [String; 2] {
    let doors = scene.doors();
    let link = async |kind| {
        let link = doors.links().link(run, kind).await.expect("a key");
        link.expect("a public URL")
    };
    [
        link(LinkKind::Recording).await,
        link(LinkKind::Transcript).await,
    ]
}

fn story(scene: &Scene, subject: &Subject) -> String {
    let (books, field) = subject.story;
    let rows = scene.books(books);
    let told = rows.last().expect("a record")[field].as_str();
    told.expect("a story").to_owned()
}

pub(super) async fn a_story_has_links_that_stay_however_late_it_is_written(subject: &Subject) {
    let scene = subject.connected(json!({})).await;
    scene.fault(&subject.filing().met(1), &json!({"kind": "reject"}));
    let run = scene.submit(subject.lead(1)).await.run_id;
    scene.until(run, RunState::Dead).await;
    scene.pass(30 * 24 * 3_600).await;
    assert!(scene.engine.revive(run, "a person").await.expect("revived"));
    scene.until(run, RunState::Completed).await;
    let story = story(&scene, subject);
    for link in links_of(&scene, run).await {
        assert!(story.contains(&format!(": {link}\n")), "{link}: {story}");
    }
    assert!(
        !scene
            .all_books()
            .to_string()
            .contains("storage.example.com")
    );
    scene.end().await;
}

pub(super) async fn no_signed_link_reaches_the_crm_wherever_it_stood(subject: &Subject) {
    let scene = subject.connected(json!({})).await;
    for (n, signed) in (10..).zip(SIGNED) {
        let run = scene
            .submit(with_link_everywhere(subject.lead(n), signed))
            .await
            .run_id;
        scene.to_the_end(run).await;
        assert_eq!(scene.run(run).await.state, RunState::Completed, "{signed}");
    }
    let books = scene.all_books().to_string().to_ascii_lowercase();
    for mark in [
        "x-amz-",
        "x-goog-",
        "sig=",
        "signature=",
        "key-pair-id",
        "c0ffee",
        "storage.example.com",
    ] {
        assert!(!books.contains(mark), "{mark}");
    }
    assert!(books.contains("(signed link left out)"));
    scene.end().await;
}

fn with_link_everywhere(mut lead: Value, signed: &str) -> Value {
    let recording = lead["call"]["recording_url"].clone();
    let recording = recording.as_str().expect("a link");
    lead["call"]["transcript_summary"] = json!(format!("Hear {recording}, or {signed}. Bye"));
    lead["call"]["raw"] = json!({"audio": [signed]});
    lead["contact"]["source"] = signed.into();
    lead["contact"]["address"]["gate"] = signed.into();
    lead["service_request"]["issue_description"] = json!(format!("No heat ({signed})"));
    lead["service_request"]["preferred_schedule"] = signed.into();
    lead["service_request"]["sub_type"] = signed.into();
    lead["service_request"]["photos"] = json!([signed, {"front": signed}]);
    lead["ai_analysis"]["qualifier_answers"] = json!({"photo": signed, signed: "yes"});
    lead
}

pub(super) async fn without_a_public_url_a_story_says_by_what_to_ask(subject: &Subject) {
    let mut scene = Scene::quiet_at(subject.access).await;
    scene.links = LinkSettings::default();
    scene.start_worker();
    scene.connect(json!({})).await;
    let payload = subject.lead(1);
    let call = payload["call"]["call_id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let run = scene.submit(payload).await.run_id;
    scene.until(run, RunState::Completed).await;
    let story = story(&scene, subject);
    assert!(story.contains("on request, by the call's id"), "{story}");
    assert!(story.contains(&format!("Call: {call}")), "{story}");
    assert!(!story.contains("://"), "{story}");
    scene.end().await;
}
