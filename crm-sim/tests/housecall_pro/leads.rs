//! Leads and what hangs on them.

use crate::support::{ACME, Server, rows};
use serde_json::{Value, json};

#[tokio::test]
async fn a_lead_shows_its_tags_and_keeps_its_note_to_itself() {
    let server = Server::start().await;
    let customer = server
        .customer(
            ACME,
            json!({"first_name": "Ann", "addresses": [{"city": "Mesa"}]}),
        )
        .await;
    let (_, known) = server.get(ACME, &format!("/customers/{customer}")).await;
    let body = json!({"customer_id": customer, "address_id": known["addresses"][0]["id"],
        "lead_source": "Calls", "note": "AC not cooling", "tags": ["acme-ev-7f3c"],
        "assigned_employee_id": "pro_1", "description": "not a field"});
    let (status, lead) = server.post(ACME, "/leads", &body).await;
    assert_eq!(
        (status, &lead["status"], &lead["number"]),
        (201, &json!("open"), &json!(1))
    );
    assert_eq!(lead["tags"], json!(["acme-ev-7f3c"]));
    assert_eq!(lead["customer"]["id"], json!(customer));
    assert_eq!(lead["address"]["city"], "Mesa");
    assert_eq!(lead["assigned_employee"]["id"], "pro_1");
    assert_eq!(lead["company_id"], "acme");
    assert!(!lead.to_string().contains("AC not cooling"));
    let path = format!("/leads/{}", lead["id"].as_str().expect("an id"));
    assert_eq!(server.get(ACME, &path).await, (200, lead.clone()));
    let books = server.records().await;
    let filed = &books["leads"][0];
    assert_eq!(
        json!([
            filed["note"],
            filed["tags"],
            filed["customer_id"],
            filed["company"]
        ]),
        json!(["AC not cooling", ["acme-ev-7f3c"], customer, "acme"])
    );
    assert!(filed["created_at"].is_string());
}

#[tokio::test]
async fn a_lead_that_refers_to_nothing_real_is_refused_without_a_trace() {
    let server = Server::start().await;
    let ann = server.customer(ACME, json!({"first_name": "Ann"})).await;
    let bob = server
        .customer(
            ACME,
            json!({"first_name": "Bob", "addresses": [{"city": "Mesa"}]}),
        )
        .await;
    let (_, bob) = server.get(ACME, &format!("/customers/{bob}")).await;
    let bobs = &bob["addresses"][0]["id"];
    for (body, status) in [
        (json!({}), 422),
        (json!({"customer_id": ""}), 422),
        (json!({"customer_id": 7}), 422),
        (json!({"customer": {"notes": "nobody"}}), 422),
        (json!({"customer": "Ann"}), 422),
        (json!({"customer": {"mobile_number": "1"}}), 400),
        (json!({"customer_id": ann, "tags": [1]}), 422),
        (json!({"customer_id": ann, "note": {"text": "x"}}), 422),
        (json!({"customer_id": "cus_0"}), 404),
        (json!({"customer_id": ann, "address_id": bobs}), 404),
        (
            json!({"customer_id": ann, "assigned_employee_id": "pro_0"}),
            404,
        ),
        (
            json!({"customer": {"first_name": "Cy"}, "address_id": bobs}),
            404,
        ),
    ] {
        let (given, answer) = server.post(ACME, "/leads", &body).await;
        assert_eq!(given, status, "{body} -> {answer}");
        assert!(
            !answer["errors"].is_null()
                || !answer["error"].is_null()
                || !answer["message"].is_null()
        );
    }
    let books = server.records().await;
    assert_eq!(
        (rows(&books, "leads").len(), rows(&books, "customers").len()),
        (0, 2)
    );
}

#[tokio::test]
async fn an_inline_customer_is_made_with_its_lead_even_if_known() {
    let server = Server::start().await;
    let ann = json!({"first_name": "Ann", "mobile_number": "6025551234"});
    server.customer(ACME, ann.clone()).await;
    let body = json!({"customer": ann, "address": {"street": "9 Elm St"}});
    let (status, lead) = server.post(ACME, "/leads", &body).await;
    assert_eq!(
        (status, &lead["address"]["street"]),
        (201, &json!("9 Elm St"))
    );
    let (_, found) = server.get(ACME, "/customers?q=6025551234").await;
    assert_eq!(found["total_items"], 2);
    assert_eq!(found["customers"][0]["id"], lead["customer"]["id"]);
    assert_eq!(
        found["customers"][0]["addresses"][0]["id"],
        lead["address"]["id"]
    );
}

#[tokio::test]
async fn leads_are_filtered_as_documented() {
    let server = Server::start().await;
    let ann = server.customer(ACME, json!({"first_name": "Ann"})).await;
    let bob = server.customer(ACME, json!({"first_name": "Bob"})).await;
    let mut ids = Vec::new();
    for (customer, source, tag) in [
        (&ann, "Calls", "a"),
        (&ann, "Web", "b"),
        (&bob, "Calls", "b"),
    ] {
        let body = json!({"customer_id": customer, "lead_source": source, "tags": [tag]});
        let (_, lead) = server.post(ACME, "/leads", &body).await;
        ids.push(lead["id"].as_str().expect("an id").to_owned());
    }
    let convert = format!("/leads/{}/convert", ids[2]);
    assert_eq!(
        server.post(ACME, &convert, &json!({"type": "job"})).await.0,
        201
    );
    let (_, tags) = server.get(ACME, "/tags").await;
    let tag_b = tags["tags"][1]["id"].as_str().expect("an id");
    for (query, expected) in [
        (format!("customer_id={ann}"), vec![1, 0]),
        (format!("customer_id={ann}&sort_direction=asc"), vec![0, 1]),
        ("customer_id=cus_0".into(), vec![]),
        ("status=won".into(), vec![2]),
        ("status=open&lead_source[]=Calls".into(), vec![0]),
        ("lead_source=Calls&lead_source=Web".into(), vec![2, 1, 0]),
        (format!("tag_ids[]={tag_b}"), vec![2, 1]),
        ("tag_ids[]=b".into(), vec![]),
        ("employee_ids[]=pro_1".into(), vec![]),
        ("location_ids[]=acme".into(), vec![2, 1, 0]),
        ("location_ids[]=elsewhere".into(), vec![]),
        ("no_such_filter=1".into(), vec![2, 1, 0]),
    ] {
        let (_, list) = server.get(ACME, &format!("/leads?{query}")).await;
        let found: Vec<&Value> = rows(&list, "leads")
            .iter()
            .map(|lead| &lead["id"])
            .collect();
        let expected: Vec<&String> = expected.iter().map(|place: &usize| &ids[*place]).collect();
        assert_eq!(found, expected, "{query}");
    }
    assert_eq!(server.get(ACME, "/leads?status=lukewarm").await.0, 400);
}

#[tokio::test]
async fn a_job_made_from_a_lead_takes_notes() {
    let server = Server::start().await;
    let body = json!({"customer": {"first_name": "Ann"}});
    let (_, lead) = server.post(ACME, "/leads", &body).await;
    let lead = format!("/leads/{}", lead["id"].as_str().expect("an id"));
    assert_eq!(
        server
            .post(ACME, &format!("{lead}/convert"), &json!({"type": "party"}))
            .await
            .0,
        400
    );
    let (_, made) = server
        .post(ACME, &format!("{lead}/convert"), &json!({"type": "job"}))
        .await;
    let job = made["job_id"].as_str().expect("an id");
    let (_, won) = server.get(ACME, &lead).await;
    assert_eq!(
        (&won["status"], &won["conversions"]),
        (&json!("won"), &json!([{"id": job, "type": "Job"}]))
    );
    let notes = format!("/jobs/{job}/notes");
    let (status, note) = server
        .post(ACME, &notes, &json!({"content": "Gate 4"}))
        .await;
    assert_eq!((status, &note["content"]), (201, &json!("Gate 4")));
    assert_eq!(server.post(ACME, &notes, &json!({})).await.0, 422);
    let books = server.records().await;
    assert_eq!(
        (&books["notes"][0]["job_id"], rows(&books, "notes").len()),
        (&json!(job), 1)
    );
}
