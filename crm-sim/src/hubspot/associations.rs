//! `POST /crm/associations/2026-03/{from}/{to}/batch/read`.

use serde_json::{Value, json};

use super::objects::batch;
use super::problem::{bad_request, part};
use super::schema::ASSOCIATIONS;
use super::{HubSpot, body, kind_in, only};
use crate::routes::{Answer, Visit};

/// How many of one record's are told at once.
const PAGE: usize = 50;

pub(super) fn read_batch(crm: &HubSpot, visit: &Visit<'_>) -> Answer {
    let (from, to) = (kind_in(crm, visit, 0)?, kind_in(crm, visit, 1)?);
    let mut body = body(visit.call)?;
    let inputs = body.remove("inputs");
    only(&body)?;
    let Some(Value::Array(inputs)) = inputs else {
        return Err(bad_request("inputs must be an array"));
    };
    crm.with(visit.company, |company| {
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        for input in &inputs {
            let id = input["id"].as_str();
            let id = id.ok_or_else(|| bad_request("an input must have an id"))?;
            let start = match &input["after"] {
                Value::Null => 0,
                after => {
                    let after = after.as_str().and_then(|after| after.parse().ok());
                    after.ok_or_else(|| bad_request("after is unknown"))?
                }
            };
            let linked = company.linked((from, id), to);
            if company.shelf(from).get(id).is_none() || linked.is_empty() {
                let message = format!("No {} is associated with {id}", to.name());
                let sub = "crm.associations.NO_ASSOCIATIONS_FOUND";
                errors.push(part("OBJECT_NOT_FOUND", sub, &message, &[id.to_owned()]));
                continue;
            }
            let number = ASSOCIATIONS.iter().find(|(a, b, _)| (*a, *b) == (from, to));
            let number = number.map_or(0, |(.., number)| *number);
            let told = |id: &String| {
                json!({"toObjectId": id.parse::<u64>().ok(),
                       "associationTypes": [{"category": "HUBSPOT_DEFINED", "typeId": number,
                                             "label": null}]})
            };
            let page = linked.iter().skip(start).take(PAGE).map(told);
            let mut result = json!({"from": {"id": id}, "to": page.collect::<Vec<_>>()});
            if start + PAGE < linked.len() {
                let after = (start + PAGE).to_string();
                result["paging"] = json!({"next": {"after": after}});
            }
            results.push(result);
        }
        Ok(batch(&results, &errors))
    })
}
