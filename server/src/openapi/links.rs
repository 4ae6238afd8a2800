//! Which call an answer leads to, put into the description: what one call makes, the next one takes.

use serde_json::{Value, json};

/// From an answer (call, status) a value in its body goes into a parameter of other calls.
struct Link {
    from: (&'static str, &'static str, &'static str),
    value: &'static str,
    parameter: &'static str,
    to: &'static [&'static str],
}

const LINKS: [Link; 7] = [
    Link {
        from: ("/v1/leads", "post", "202"),
        value: "$response.body#/event_id",
        parameter: "event_id",
        to: &["get_lead", "post_cancel"],
    },
    Link {
        from: ("/v1/leads", "post", "202"),
        value: "$response.body#/run_id",
        parameter: "run_id",
        to: &["post_signal", "get_state"],
    },
    Link {
        from: ("/v1/leads", "get", "200"),
        value: "$response.body#/leads/0/event_id",
        parameter: "event_id",
        to: &["get_lead", "post_cancel"],
    },
    Link {
        from: ("/v1/leads", "get", "200"),
        value: "$response.body#/next_cursor",
        parameter: "cursor",
        to: &["list_leads"],
    },
    Link {
        from: ("/v1/connections", "post", "201"),
        value: "$response.body#/id",
        parameter: "id",
        to: &[
            "get_connection",
            "post_connection_test",
            "post_disable",
            "post_enable",
            "delete_connection",
        ],
    },
    Link {
        from: ("/v1/connections", "get", "200"),
        value: "$response.body#/connections/0/id",
        parameter: "id",
        to: &["get_connection"],
    },
    Link {
        from: ("/v1/keys", "post", "201"),
        value: "$response.body#/id",
        parameter: "key_id",
        to: &["delete_key"],
    },
];

/// Puts the links into the answers that have them.
pub(super) fn put(described: &mut Value) {
    for link in &LINKS {
        let (path, method, status) = link.from;
        let answer = &mut described["paths"][path][method]["responses"][status];
        for operation in link.to {
            answer["links"][*operation] = json!({
                "operationId": operation,
                "parameters": {link.parameter: link.value},
            });
        }
    }
}
