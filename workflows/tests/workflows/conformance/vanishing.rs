//! Records that people take away while a lead is on its way.

use leadrail_adapters::StepKey;
use leadrail_engine::RunState;
use serde_json::{Value, json};

use super::subject::Subject;

/// Whether it is certain that the lead was not made yet, or not: the caller is found or made anew, and
/// the lead is filed once, under whoever is there.
pub(super) async fn a_caller_who_is_deleted_on_the_way_is_looked_for_again(subject: &Subject) {
    let customer = subject.making(StepKey::CUSTOMER_CREATE);
    assert_eq!(customer.is_some(), subject.deletion.is_some());
    let (Some(deletion), Some(customer)) = (subject.deletion, customer) else {
        return;
    };
    let scene = subject.connected(json!({})).await;
    let faults = [
        json!({"kind": "throttle", "retry_after": 300}),
        json!({"kind": "status_before", "status": 503}),
    ];
    for (n, fault) in faults.iter().enumerate() {
        scene.fault(&subject.filing().met(1), fault);
        let run = scene.submit(subject.lead(n as u64)).await.run_id;
        scene.until(run, RunState::Retrying).await;
        let first = newest(&scene.books(customer.books));
        scene.happen(&json!({deletion: {"id": first}}));
        let ended = scene.to_the_end(run).await;
        let told = scene.told(run).await;
        assert_eq!(ended.state, RunState::Completed, "{fault}: {told:#?}");
        let second = newest(&scene.books(customer.books));
        assert_ne!(second, first, "{fault}: {told:#?}");
        let filed_under = scene.output(run).await["customer"]["id"].clone();
        assert_eq!(text(&filed_under), text(&second), "{fault}: {told:#?}");
        assert_eq!(scene.count(subject.filing().books), n + 1, "{fault}");
    }
    scene.end().await;
}

fn newest(books: &[Value]) -> Value {
    books.last().expect("a customer")["id"].clone()
}

/// An id as text: some CRMs have numbers.
fn text(id: &Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}
