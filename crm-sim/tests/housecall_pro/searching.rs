//! Searches and pages.

use crate::support::{ACME, Server, rows};
use serde_json::json;

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
