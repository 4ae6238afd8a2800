//! Jobs and their notes.

use crate::support::{ACME, Server, rows};
use serde_json::{Value, json};

/// A customer with one address, and the address's id.
async fn customer(server: &Server, name: &str) -> (String, Value) {
    let body = json!({"first_name": name, "addresses": [{"street": "9 Elm St"}]});
    let customer = server.customer(ACME, body).await;
    let (_, known) = server.get(ACME, &format!("/customers/{customer}")).await;
    (customer, known["addresses"][0]["id"].clone())
}

#[tokio::test]
async fn a_job_shows_its_tags_schedule_and_notes() {
    let server = Server::start().await;
    let (ann, address) = customer(&server, "Ann").await;
    let body = json!({"customer_id": ann, "address_id": address, "tags": ["acme-ev-7f3c"],
        "lead_source": "Calls", "notes": "not taken here", "assigned_employee_ids": ["pro_1"],
        "schedule": {"scheduled_start": "2026-11-22T09:00:00-07:00",
                     "scheduled_end": "2026-11-22T10:00:00-07:00"}});
    let (status, job) = server.post(ACME, "/jobs", &body).await;
    assert_eq!((status, &job["work_status"]), (201, &json!("scheduled")));
    assert_eq!(job["tags"], json!(["acme-ev-7f3c"]));
    assert_eq!(job["customer"]["id"], json!(ann));
    assert_eq!(job["address"]["id"], address);
    assert_eq!(job["schedule"], body["schedule"]);
    assert_eq!(job["assigned_employees"][0]["id"], "pro_1");
    assert_eq!(job["notes"], json!([]));

    let path = format!("/jobs/{}", job["id"].as_str().expect("an id"));
    let note = json!({"content": "Gate 4"});
    let (status, note) = server.post(ACME, &format!("{path}/notes"), &note).await;
    assert_eq!(status, 201);
    let (_, shown) = server.get(ACME, &path).await;
    assert_eq!(shown["notes"], json!([note]));
    let (_, list) = server.get(ACME, "/jobs").await;
    assert_eq!(list["jobs"], json!([shown]));
    let books = server.records().await;
    let filed = &books["jobs"][0];
    assert_eq!(
        json!([
            filed["tags"],
            filed["customer_id"],
            filed["address_id"],
            filed["company"]
        ]),
        json!([["acme-ev-7f3c"], ann, address, "acme"])
    );
    assert_eq!(books["addresses"][0]["customer_id"], json!(ann));
    assert_eq!(server.get(ACME, "/jobs/job_0").await.0, 404);
}

#[tokio::test]
async fn a_job_that_cannot_stand_is_refused_without_a_trace() {
    let server = Server::start().await;
    let (ann, address) = customer(&server, "Ann").await;
    let (bob, _) = customer(&server, "Bob").await;
    let job = |change: Value| {
        let mut body = json!({"customer_id": ann, "address_id": address});
        let changes = change.as_object().expect("an object").clone();
        body.as_object_mut().expect("an object").extend(changes);
        body
    };
    for (change, status) in [
        (json!({"customer_id": null}), 422),
        (json!({"address_id": ""}), 422),
        (json!({"tags": "a"}), 422),
        (json!({"schedule": "soon"}), 422),
        (json!({"schedule": {"scheduled_start": "soon"}}), 400),
        (
            json!({"schedule": {"scheduled_start": "2026-11-22T09:00:00"}}),
            400,
        ),
        (json!({"customer_id": "cus_0"}), 404),
        (json!({"customer_id": bob}), 404),
        (json!({"address_id": "adr_0"}), 404),
        (json!({"assigned_employee_ids": ["pro_0"]}), 404),
    ] {
        let body = job(change);
        let (given, answer) = server.post(ACME, "/jobs", &body).await;
        assert_eq!(given, status, "{body} -> {answer}");
    }
    assert_eq!(rows(&server.records().await, "jobs").len(), 0);

    let body = job(json!({"invoice_number": 7}));
    assert_eq!(server.post(ACME, "/jobs", &body).await.0, 201);
    let (status, answer) = server.post(ACME, "/jobs", &body).await;
    assert_eq!(status, 400, "{answer}");
    let (_, next) = server.post(ACME, "/jobs", &job(json!({}))).await;
    assert_eq!(next["invoice_number"], "8");
    assert_eq!(rows(&server.records().await, "jobs").len(), 2);
}

#[tokio::test]
async fn jobs_are_filtered_and_sorted_as_documented() {
    let server = Server::start().await;
    let (ann, at_anns) = customer(&server, "Ann").await;
    let (bob, at_bobs) = customer(&server, "Bob").await;
    let times = json!({"scheduled_start": "2026-11-22T09:00:00",
                       "scheduled_end": "2026-11-22T10:00:00"});
    let mut ids = Vec::new();
    for (customer, address, number, schedule) in [
        (&ann, &at_anns, 30, json!(null)),
        (&ann, &at_anns, 20, times),
        (&bob, &at_bobs, 25, json!(null)),
    ] {
        let mut body = json!({"customer_id": customer, "address_id": address,
                              "invoice_number": number});
        if !schedule.is_null() {
            body["schedule"] = schedule;
        }
        let (_, job) = server.post(ACME, "/jobs", &body).await;
        ids.push(job["id"].as_str().expect("an id").to_owned());
    }
    for (query, expected) in [
        (String::new(), vec![2, 1, 0]),
        (format!("customer_id={ann}"), vec![1, 0]),
        ("customer_id=cus_0".into(), vec![]),
        ("work_status[]=unscheduled".into(), vec![2, 0]),
        ("work_status[]=scheduled".into(), vec![1]),
        (
            "sort_by=invoice_number&sort_direction=asc".into(),
            vec![1, 2, 0],
        ),
        ("page=2&page_size=2".into(), vec![0]),
        ("location_ids[]=elsewhere".into(), vec![]),
        ("no_such_filter=1".into(), vec![2, 1, 0]),
    ] {
        let (_, list) = server.get(ACME, &format!("/jobs?{query}")).await;
        let found: Vec<&Value> = rows(&list, "jobs").iter().map(|job| &job["id"]).collect();
        let expected: Vec<&String> = expected.iter().map(|place: &usize| &ids[*place]).collect();
        assert_eq!(found, expected, "{query}");
    }
}
