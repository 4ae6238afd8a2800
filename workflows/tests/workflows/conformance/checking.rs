//! What a person who connects an account is told before the first lead.

use leadrail_adapters::{AdapterError, CrmAdapter, Session, SettingKind};
use leadrail_connections::NewConnection;
use serde_json::json;

use super::subject::Subject;
use crate::kit::Scene;

pub(super) async fn a_check_says_whose_account_every_way_in_opens(subject: &Subject) {
    let scene = Scene::quiet_at(subject.access).await;
    for way in subject.access.ways {
        let (adapter, session) = open(&scene, scene.connection_by(way, json!({}))).await;
        let account = adapter.check(&session).await.expect("opened");
        let id = account.id.unwrap_or_default();
        let told = format!("{id} {}", account.name);
        assert!(!account.name.trim().is_empty());
        assert!(
            told.contains(subject.account),
            "{} by {}: {told}",
            subject.crm(),
            way.method
        );
    }
    scene.end().await;
}

pub(super) async fn a_check_notices_each_secret_that_is_wrong(subject: &Subject) {
    let scene = Scene::quiet_at(subject.access).await;
    for way in subject.access.ways {
        for (name, _) in way.secrets {
            let mut wrong = scene.connection_by(way, json!({}));
            wrong
                .secrets
                .insert((*name).to_owned(), "nobodys-secret".to_owned().into());
            let (adapter, session) = open(&scene, wrong).await;
            let Err(refused) = adapter.check(&session).await else {
                panic!("a wrong {name} opens {}", subject.crm());
            };
            assert!(
                matches!(refused, AdapterError::Auth(_)),
                "{name}: {refused}"
            );
            assert!(!refused.to_string().contains("nobodys-secret"));
        }
    }
    scene.end().await;
}

pub(super) async fn options_are_those_of_the_account(subject: &Subject) {
    let scene = Scene::quiet_at(subject.access).await;
    let (adapter, session) = open(&scene, scene.new_connection(json!({}))).await;
    let usual = (subject.access.settings)();
    for info in adapter.crm().settings {
        let listed = matches!(
            info.kind,
            SettingKind::Id { options: true } | SettingKind::Number { options: true }
        );
        let choices = adapter.options(&session, info.name).await.expect("listed");
        assert_eq!(!choices.is_empty(), listed, "{}", info.name);
        for choice in &choices {
            assert!(
                !choice.title.trim().is_empty(),
                "{} {}",
                info.name,
                choice.id
            );
            let chosen = scene.new_connection(json!({info.name: choice.id}));
            scene
                .connections
                .add(chosen)
                .await
                .expect("a choice can be set");
        }
        if listed && let Some(set) = usual.get(info.name) {
            let set = set.to_string();
            let set = set.trim_matches('"');
            let has = choices.iter().any(|choice| choice.id == set);
            assert!(has, "{} {set}", info.name);
        }
    }
    let unknown = adapter.options(&session, "no_such_setting").await;
    assert!(unknown.expect("answered").is_empty());
    scene.end().await;
}

async fn open(scene: &Scene, new: NewConnection) -> (&'static dyn CrmAdapter, Session) {
    scene.doors().open_new(new).await.expect("opened")
}
