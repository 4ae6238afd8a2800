//! Housecall Pro as documented: keys, validation, searching, paging, leads, notes, look-ups.

mod support;

use reqwest::Method;
use serde_json::{Value, json};
use support::{ACME, LONG, Server, read, rows};

#[tokio::test]
async fn only_a_valid_key_in_the_documented_header_opens_a_company() {
    let server = Server::start().await;
    let ask = async |header: Option<&str>| {
        let request = server.client.get(server.url("/housecall_pro/company"));
        let request = match header {
            Some(value) => request.header("authorization", value),
            None => request,
        };
        read(request.send().await.expect("an answer")).await
    };
    for valid in ["Token sim-acme", "Bearer sim-acme"] {
        let (status, company) = ask(Some(valid)).await;
        assert_eq!((status, &company["id"]), (200, &json!("acme")), "{valid}");
        assert!(company["name"].is_string() && company["time_zone"].is_string());
    }
    for wrong in [
        "Token acme",
        "Token sim-",
        "sim-acme",
        "Basic sim-acme",
        "Token",
        "",
    ] {
        assert_eq!(
            ask(Some(wrong)).await,
            (401, json!({"message": "Unauthorized"})),
            "{wrong}"
        );
    }
    assert_eq!(ask(None).await.0, 401);
}

#[tokio::test]
async fn companies_never_see_each_others_records() {
    let server = Server::start().await;
    let customer = server
        .customer(ACME, json!({"mobile_number": "6025551234"}))
        .await;
    let (_, lead) = server
        .post(ACME, "/leads", &json!({"customer_id": customer}))
        .await;
    let lead = lead["id"].as_str().expect("an id");
    for path in [format!("/customers/{customer}"), format!("/leads/{lead}")] {
        assert_eq!(server.get("sim-other", &path).await.0, 404, "{path}");
    }
    for path in [
        "/customers?q=6025551234".to_owned(),
        format!("/leads?customer_id={customer}"),
    ] {
        assert_eq!(
            server.get("sim-other", &path).await.1["total_items"],
            0,
            "{path}"
        );
    }
    let stolen = server
        .post("sim-other", "/leads", &json!({"customer_id": customer}))
        .await;
    assert_eq!(
        stolen,
        (404, json!({"error": {"message": "customer not found"}}))
    );
}

#[tokio::test]
async fn there_is_no_version_prefix_and_no_note_on_leads_or_customers() {
    let server = Server::start().await;
    let customer = server.customer(ACME, json!({"first_name": "Ann"})).await;
    assert_eq!(server.get(ACME, "/v1/company").await.0, 404);
    assert_eq!(server.get(ACME, "/").await.0, 404);
    let note = json!({"content": "x"});
    assert_eq!(
        server
            .post(ACME, &format!("/customers/{customer}/notes"), &note)
            .await
            .0,
        404
    );
    assert_eq!(server.post(ACME, "/leads/lea_1/notes", &note).await.0, 404);
    assert_eq!(server.post(ACME, "/jobs/job_1/notes", &note).await.0, 404);
}

#[tokio::test]
async fn a_customer_comes_back_as_it_was_given_and_unknown_fields_do_not() {
    let server = Server::start().await;
    let address = json!({"street": "4521 Oak Ridge Dr", "city": "Phoenix", "state": "AZ",
                         "zip": "85016", "country": "US"});
    let given = json!({"first_name": "John", "last_name": "Martinez", "email": "j@example.com",
        "mobile_number": "6025551234", "notifications_enabled": true, "lead_source": "Calls",
        "tags": ["x"], "notes": "gate 4", "addresses": [address], "address": address, "age": 7});
    let (status, customer) = server.post(ACME, "/customers", &given).await;
    assert_eq!(status, 201);
    for field in [
        "first_name",
        "last_name",
        "email",
        "mobile_number",
        "tags",
        "notes",
    ] {
        assert_eq!(customer[field], given[field], "{field}");
    }
    assert_eq!(rows(&customer, "addresses").len(), 1);
    assert_eq!(customer["addresses"][0]["zip"], "85016");
    assert!(customer["id"].as_str().expect("an id").starts_with("cus_"));
    assert_eq!(
        (&customer["address"], &customer["age"]),
        (&Value::Null, &Value::Null)
    );
    let (_, sources) = server.get(ACME, "/lead_sources?q=calls").await;
    assert_eq!(sources["lead_sources"][0]["name"], "Calls");
}

#[tokio::test]
async fn the_same_phone_makes_a_second_customer() {
    let server = Server::start().await;
    for _ in 0..2 {
        server
            .customer(ACME, json!({"mobile_number": "6025551234"}))
            .await;
    }
    assert_eq!(
        server.get(ACME, "/customers?q=6025551234").await.1["total_items"],
        2
    );
}

#[tokio::test]
async fn a_customer_needs_a_name_an_email_or_a_phone() {
    let server = Server::start().await;
    for nobody in [
        json!({}),
        json!({"company": "Oak LLC", "notes": "x"}),
        json!({"first_name": "  ", "email": null}),
        json!({"phone_number": "6025551234"}),
    ] {
        let (status, body) = server.post(ACME, "/customers", &nobody).await;
        assert_eq!(status, 400, "{nobody}");
        assert!(
            body["message"]
                .as_str()
                .expect("a sentence")
                .contains("required")
        );
    }
    assert_eq!(rows(&server.records().await, "customers").len(), 0);
}

#[tokio::test]
async fn phone_numbers_are_ten_bare_digits() {
    let server = Server::start().await;
    for wrong in [
        "+16025551234",
        "16025551234",
        "602-555-1234",
        "602555123",
        "602555123x",
        "６０２５５５１２３４",
    ] {
        let (status, body) = server
            .post(ACME, "/customers", &json!({"mobile_number": wrong}))
            .await;
        assert_eq!(
            (status, &body["mobile_number"]),
            (400, &json!("is invalid")),
            "{wrong}"
        );
        assert!(body["message"].is_string());
    }
}

#[tokio::test]
async fn wrong_types_are_named_field_by_field() {
    let server = Server::start().await;
    let wrong = json!({"first_name": 7, "tags": "x", "notifications_enabled": "yes",
                       "addresses": [{"zip": 85016}, "home"], "mobile_number": ["6025551234"]});
    let (status, body) = server.post(ACME, "/customers", &wrong).await;
    let errors = json!({"errors": {
        "first_name": ["must be a string"],
        "tags": ["must be an array"],
        "notifications_enabled": ["must be a boolean"],
        "addresses": ["must be an object"],
        "addresses.zip": ["must be a string"],
        "mobile_number": ["must be a string"],
    }});
    assert_eq!((status, body), (422, errors));
}

#[tokio::test]
async fn a_body_that_is_not_a_json_object_is_refused() {
    let server = Server::start().await;
    let send = async |media: &str, body: &'static str| {
        let request = server.client.post(server.url("/housecall_pro/customers"));
        let request = request.header("authorization", format!("Token {ACME}"));
        let request = request.header("content-type", media).body(body);
        read(request.send().await.expect("an answer")).await
    };
    for broken in ["{", "[]", "null", "{\"first_name\":NaN}", "\u{0}"] {
        let (status, body) = send("application/json", broken).await;
        assert_eq!(status, 400, "{broken}");
        assert!(body["message"].is_string());
    }
    assert_eq!(send("text/plain", "{\"first_name\":\"Ann\"}").await.0, 400);
    assert_eq!(
        send(
            "application/json; charset=utf-8",
            "{\"first_name\":\"Ann\"}"
        )
        .await
        .0,
        201
    );
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused_whole() {
    let server = Server::start().await;
    let body = json!({"first_name": "Ann", "notes": "x".repeat(5 * 1024 * 1024)});
    // The refusal may come while the body is still being sent, which can look like a cut.
    if let Ok(answer) = server
        .send((ACME, Method::POST, "/customers"), Some(&body), LONG)
        .await
    {
        assert_eq!(answer.status(), 413);
    }
    assert_eq!(rows(&server.records().await, "customers").len(), 0);
}

#[tokio::test]
async fn an_unknown_search_parameter_lists_the_whole_account() {
    let server = Server::start().await;
    for phone in ["6025551234", "4805550000", "4155550000"] {
        server.customer(ACME, json!({"mobile_number": phone})).await;
    }
    for trap in [
        "mobile_number=6025551234",
        "phone=6025551234",
        "q=",
        "Q=6025551234",
    ] {
        let (_, found) = server.get(ACME, &format!("/customers?{trap}")).await;
        assert_eq!(found["total_items"], 3, "{trap}");
    }
}

#[tokio::test]
async fn a_search_is_fuzzy_over_name_email_mobile_and_address() {
    let server = Server::start().await;
    let ann = server
        .customer(
            ACME,
            json!({"first_name": "Ann", "last_name": "O'Neil",
        "email": "ann@example.com", "mobile_number": "6025551234", "home_number": "6025559999",
        "addresses": [{"street": "12 Birch Ln", "city": "Mesa"}]}),
        )
        .await;
    let stranger = server
        .customer(ACME, json!({"mobile_number": "4805551234"}))
        .await;
    let found = async |query: &str| {
        let (status, list) = server.get(ACME, &format!("/customers?q={query}")).await;
        assert_eq!(status, 200);
        rows(&list, "customers")
            .iter()
            .map(|customer| customer["id"].clone())
            .collect::<Vec<_>>()
    };
    for query in [
        "ann",
        "ANN%20O%27NEIL",
        "O%27N",
        "ann@example.com",
        "birch",
        "5551234%20mesa",
        "602555",
    ] {
        assert_eq!(found(query).await, [ann.as_str()], "{query}");
    }
    assert_eq!(
        found("6025551234").await,
        [stranger.as_str(), ann.as_str()],
        "newest first"
    );
    for query in ["%2B16025551234", "16025551234", "6025559999", "nobody"] {
        assert_eq!(found(query).await, [""; 0], "{query}");
    }
}

#[tokio::test]
async fn an_address_added_later_is_listed_and_searchable() {
    let server = Server::start().await;
    let customer = server.customer(ACME, json!({"first_name": "Ann"})).await;
    let path = format!("/customers/{customer}/addresses");
    let address = json!({"street": "9 Elm St", "city": "Mesa", "state": "AZ", "zip": "85201", "country": "US"});
    let (status, added) = server.post(ACME, &path, &address).await;
    assert_eq!((status, &added["street"]), (200, &json!("9 Elm St")));
    assert_eq!(server.get(ACME, &path).await.1["addresses"], json!([added]));
    assert_eq!(
        server.get(ACME, "/customers?q=elm").await.1["total_items"],
        1
    );
    let (status, body) = server
        .post(ACME, &path, &json!({"street": "9 Elm St", "city": 5}))
        .await;
    let missing = json!(["is missing"]);
    assert_eq!((status, &body["errors"]["zip"]), (422, &missing));
    assert_eq!(
        server
            .post(ACME, "/customers/cus_0/addresses", &address)
            .await
            .0,
        404
    );
    assert_eq!(server.get(ACME, "/customers/cus_0/addresses").await.0, 404);
}

#[tokio::test]
async fn pages_cover_a_list_once_and_say_how_long_it_is() {
    let server = Server::start().await;
    for number in 0..7 {
        server
            .customer(ACME, json!({"first_name": format!("Ann {number}")}))
            .await;
    }
    let mut names = Vec::new();
    for page in 1..=4 {
        let (_, list) = server
            .get(
                ACME,
                &format!("/customers?page_size=3&page={page}&sort_direction=asc"),
            )
            .await;
        assert_eq!(
            json!([
                list["page"],
                list["page_size"],
                list["total_pages"],
                list["total_items"]
            ]),
            json!([page, 3, 3, 7])
        );
        names.extend(
            rows(&list, "customers")
                .iter()
                .map(|customer| customer["first_name"].clone()),
        );
    }
    assert_eq!(
        names,
        (0..7)
            .map(|number| format!("Ann {number}"))
            .collect::<Vec<_>>()
    );
    let (_, newest) = server.get(ACME, "/customers?page_size=1").await;
    assert_eq!(newest["customers"][0]["first_name"], "Ann 6");
    let (_, by_name) = server
        .get(
            ACME,
            "/customers?page_size=1&sort_by=first_name&sort_direction=asc",
        )
        .await;
    assert_eq!(by_name["customers"][0]["first_name"], "Ann 0");
    let (_, capped) = server.get(ACME, "/customers?page_size=99999999999").await;
    assert_eq!(capped["page_size"], 200);
    for wrong in [
        "page=0",
        "page=x",
        "page_size=-1",
        "sort_direction=up",
        "sort_by=password",
    ] {
        assert_eq!(
            server.get(ACME, &format!("/customers?{wrong}")).await.0,
            400,
            "{wrong}"
        );
    }
}

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

#[tokio::test]
async fn the_look_ups_of_a_connection_wizard_answer() {
    let server = Server::start().await;
    for (path, list) in [
        ("/employees", "employees"),
        ("/job_fields/job_types", "job_types"),
        ("/pipeline/statuses?resource_type=lead", "statuses"),
    ] {
        let (status, body) = server.get(ACME, path).await;
        assert_eq!(status, 200, "{path}");
        assert!(body[list][0]["id"].is_string(), "{path}");
        assert_eq!(body["total_items"], rows(&body, list).len());
    }
    assert_eq!(server.get(ACME, "/pipeline/statuses").await.0, 400);
    assert_eq!(
        server
            .get(ACME, "/pipeline/statuses?resource_type=cat")
            .await
            .0,
        400
    );
    for (path, list) in [("/tags", "tags"), ("/lead_sources", "lead_sources")] {
        let (status, added) = server.post(ACME, path, &json!({"name": "Calls"})).await;
        assert_eq!(status, 201, "{path}");
        assert_eq!(
            server.post(ACME, path, &json!({"name": "Calls"})).await.1,
            added
        );
        assert_eq!(server.get(ACME, path).await.1[list], json!([added]));
        assert_eq!(server.post(ACME, path, &json!({})).await.0, 422);
    }
}
