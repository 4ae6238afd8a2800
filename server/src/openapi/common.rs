//! What every call may answer besides its own, and who may call it, put into the description.

use serde_json::{Map, Value, json};

/// One answer that every call has: its name, its status, and what it means.
const ANSWERS: [(&str, &str, &str); 7] = [
    ("Unauthorized", "401", "No API key that works"),
    (
        "Forbidden",
        "403",
        "Not with this key, or not meant for this API",
    ),
    ("TooSlow", "408", "The request did not come in time"),
    ("TargetTooLong", "414", "The target has more than 8 KiB"),
    (
        "TooManyRequests",
        "429",
        "More requests than may come from here: again after `Retry-After`",
    ),
    ("HeadTooLarge", "431", "The headers have more than 16 KiB"),
    ("Internal", "500", "A fault of ours"),
];

/// Adds them to every call, and says how a caller shows who it is. `public` are the paths that anybody may
/// call.
pub(super) fn put(described: &mut Value, public: &[String]) {
    described["components"]["securitySchemes"] = json!({"api_key": {
        "type": "http", "scheme": "bearer",
        "description": "An API key, lr_live_...; callers on this machine may need none.",
    }});
    described["security"] = json!([{"api_key": []}, {}]);
    for (name, status, meaning) in ANSWERS {
        described["components"]["responses"][name] = answer(status, meaning);
    }
    let paths = described["paths"].as_object_mut().into_iter().flatten();
    for (path, item) in paths {
        let operations = item.as_object_mut().into_iter().flatten();
        for (_, operation) in operations {
            put_into(operation, public.contains(path));
        }
    }
}

fn put_into(operation: &mut Value, is_public: bool) {
    if is_public {
        operation["security"] = json!([]);
    }
    let Some(responses) = operation["responses"].as_object_mut() else {
        return;
    };
    for (name, status, _) in ANSWERS {
        if !(is_public && status == "401") {
            let reference = json!({"$ref": format!("#/components/responses/{name}")});
            responses.entry(status).or_insert(reference);
        }
    }
    sort(responses);
}

/// By status, as people look for them.
fn sort(responses: &mut Map<String, Value>) {
    let mut all: Vec<_> = std::mem::take(responses).into_iter().collect();
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    responses.extend(all);
}

fn answer(status: &str, meaning: &str) -> Value {
    let number = |meaning: &str| json!({"description": meaning, "schema": {"type": "integer"}});
    let headers = match status {
        "401" => json!({"WWW-Authenticate": {
            "description": "`Bearer`", "schema": {"type": "string"},
        }}),
        "429" => json!({
            "Retry-After": number("Seconds to wait"),
            "RateLimit-Limit": number("Requests that may come at once after a pause"),
            "RateLimit-Remaining": number("How many of them are left"),
            "RateLimit-Reset": number("Seconds until all of them are there again"),
        }),
        _ => json!({}),
    };
    json!({
        "description": meaning,
        "headers": headers,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    })
}
