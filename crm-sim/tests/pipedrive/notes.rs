//! Notes on leads, deals and persons.

use crate::api::{Api, each};
use serde_json::{Value, json};

#[tokio::test]
async fn a_note_stands_on_what_it_names_and_is_kept_as_people_read_it() {
    let api = Api::start().await;
    let person = api.person("+13055550182").await;
    let lead = api.lead(&person, "HVAC").await;
    let content = "Caller: &lt;b&gt;Ann&lt;/b&gt;<br>Hear it: <a href=\"https://x.example\">here</a><script>x</script>";
    let body = json!({"content": content, "lead_id": lead, "pinned_to_lead_flag": 1});
    let (status, made) = api.post("/api/v1/notes", &body).await;
    assert_eq!(status, 200, "{made}");
    assert_eq!(made["data"]["pinned_to_lead_flag"], true);
    let (_, list) = api.get(&format!("/api/v1/notes?lead_id={lead}")).await;
    assert_eq!(each(&list, "content"), [&json!(content)]);
    assert_eq!(
        api.books("notes")[0]["text"],
        "Caller: <b>Ann</b>\nHear it: here"
    );
    let (_, none) = api.get("/api/v1/notes?lead_id=other").await;
    assert_eq!(none["data"], Value::Null);
}

#[tokio::test]
async fn a_note_on_nothing_or_on_what_is_gone_is_refused() {
    let api = Api::start().await;
    let person = api.person("+13055550182").await;
    for (body, expected) in [
        (json!({"content": "x"}), 400),
        (json!({"person_id": person}), 400),
        (json!({"content": "x", "lead_id": "gone"}), 404),
        (json!({"content": "x", "deal_id": 7}), 404),
        (json!({"content": "x", "person_id": 7}), 404),
        (
            json!({"content": "x", "person_id": person, "pinned_to_deal_flag": 1}),
            400,
        ),
        (
            json!({"content": "x", "person_id": person, "colour": "red"}),
            400,
        ),
    ] {
        let (status, refusal) = api.post("/api/v1/notes", &body).await;
        assert_eq!(
            (status, &refusal["success"]),
            (expected, &json!(false)),
            "{body}"
        );
    }
    assert!(api.books("notes").is_empty());
    let (status, _) = api
        .post(
            "/api/v1/notes",
            &json!({"content": "x", "person_id": person}),
        )
        .await;
    assert_eq!(status, 200);
}
