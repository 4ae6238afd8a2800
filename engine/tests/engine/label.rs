//! Labels: what a call of an activity is called in history.

use crate::kit::{Bench, Working, World, quick_config, told};
use leadrail_engine::{Activity, ActivityResult, Attempt, Fit, HistoryKind, Registry, RunState};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::sync::Arc;

/// One type for several steps; its books are the world's.
struct Make(Arc<World>);

impl Activity for Make {
    const NAME: &'static str = "make";
    type Input = String;
    type Output = String;

    fn label(&self, what: &String) -> Cow<'static, str> {
        Cow::Owned(format!("{what}_create"))
    }

    async fn run(&self, _: &Attempt, what: &String) -> ActivityResult<String> {
        self.0.executed.lock().unwrap().push(what.clone());
        Ok(format!("a {what}"))
    }
}

/// Makes these things, then waits for a signal and tells what it made.
fn making(world: &Arc<World>, things: &'static [&'static str]) -> Registry {
    let make = Arc::new(Make(world.clone()));
    Registry::new().with(told(move |ctx, _| {
        let make = make.clone();
        async move {
            let mut made = Vec::new();
            for what in things {
                let label = format!("{what}_create");
                made.push(json!(ctx.is_recorded(&label)));
                made.push(json!(ctx.activity(&*make, &(*what).to_owned()).await?));
            }
            ctx.signal::<Value>("go").await?;
            Ok(json!(made))
        }
    }))
}

#[tokio::test]
async fn one_type_stands_in_history_as_the_steps_that_its_calls_are() {
    let (bench, world) = (Bench::new().await, World::new());
    let run = bench.tell(Value::Null).await;
    let story = making(&world, &["customer", "lead", "lead"]);
    let worker = Working::start(&bench, story.clone(), quick_config());
    bench.until(run, RunState::Waiting).await;
    let history = bench.engine.history(run).await.unwrap();
    let labels: Vec<_> = history
        .into_iter()
        .filter(|event| event.kind == HistoryKind::ActivityCompleted)
        .filter_map(|event| event.activity)
        .collect();
    assert_eq!(labels, ["customer_create", "lead_create", "lead_create#2"]);

    // They are told apart when the run resumes, and by whoever looks before a deploy.
    let rehearse = async |registry| bench.engine.rehearse(&registry, None, 10).await.unwrap();
    assert_eq!(rehearse(story).await[0].fit, Fit::Continues);
    let other = rehearse(making(&world, &["customer", "note"])).await;
    let Fit::Mismatch(why) = &other[0].fit else {
        panic!("{other:?}");
    };
    for label in ["note_create", "lead_create, lead_create#2"] {
        assert!(why.contains(label), "{why}");
    }
    bench.engine.signal(run, "go", &1, None).await.unwrap();
    let made = json!([true, "a customer", true, "a lead", true, "a lead"]);
    assert_eq!(bench.output(run).await, made);
    assert_eq!(world.executions("lead"), 2);
    worker.stop().await;
}

#[tokio::test]
async fn a_label_that_could_be_taken_for_another_ends_the_run_and_is_not_shown() {
    let (bench, world) = (Bench::new().await, World::new());
    let run = bench.tell(Value::Null).await;
    let worker = Working::start(&bench, making(&world, &["canary#2"]), quick_config());
    let dead = bench.until(run, RunState::Dead).await;
    assert_eq!(dead.reason.as_deref(), Some("invalid"));
    let history = format!("{:?}", bench.engine.history(run).await.unwrap());
    assert!(history.contains("make has a label"), "{history}");
    assert!(!history.contains("canary"), "{history}");
    assert!(world.executed.lock().unwrap().is_empty());
    worker.stop().await;
}
