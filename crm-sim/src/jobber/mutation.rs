//! The fields of `Mutation`, and the root that refuses all of them.

use serde_json::Value;

use super::objects::{Scene, Shown};
use super::refusal::Refusals;
use super::{clients, notes, requests};
use crate::graphql::{Object, Output};

/// The root of every mutation.
pub(super) struct Mutation;

/// A root whose every mutation is refused by `userErrors`.
pub(super) struct Refusing;

impl<'a> Object<Scene<'a>> for Mutation {
    fn type_name(&self) -> &'static str {
        "Mutation"
    }

    fn field(&self, scene: &mut Scene<'a>, name: &str, arguments: &Value) -> Shown<'a> {
        let made = match name {
            "clientCreate" => clients::create(scene, arguments),
            "clientEdit" => clients::edit(scene, arguments),
            "clientArchive" => clients::set_archived(scene, arguments, true),
            "clientUnarchive" => clients::set_archived(scene, arguments, false),
            "clientCreateNote" => notes::create_on_client(scene, arguments),
            "propertyCreate" => clients::create_properties(scene, arguments),
            "requestCreate" => requests::create(scene, arguments),
            "requestCreateNote" => notes::create_on_request(scene, arguments),
            _ => Ok(Output::Plain(Value::Null)),
        };
        made.unwrap_or_else(Refusals::payload)
    }
}

impl<'a> Object<Scene<'a>> for Refusing {
    fn type_name(&self) -> &'static str {
        "Mutation"
    }

    fn field(&self, _: &mut Scene<'a>, _: &str, _: &Value) -> Shown<'a> {
        Refusals::one("Input is invalid", &["input"]).payload()
    }
}
