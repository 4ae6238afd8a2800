//! Nothing is left out of the table, and what it says of a CRM is what the CRM's adapter says.

use std::collections::BTreeSet;

use leadrail_adapters::{Adapters, Grant, StepKey, Verb};
use leadrail_crm_sim::CrmSim;

use super::subjects::SUBJECTS;

#[test]
fn every_plan_of_every_adapter_has_a_row() {
    for adapter in Adapters::all().iter() {
        for plan in adapter.plans() {
            let is_it = |row: &&&_| is_row_of(row, adapter.crm().name, plan.name);
            let rows = SUBJECTS.iter().filter(is_it).count();
            assert_eq!(rows, 1, "{} {}", adapter.crm().name, plan.name);
        }
    }
}

fn is_row_of(row: &super::subject::Subject, crm: &str, plan: &str) -> bool {
    row.crm() == crm && row.plan == plan
}

#[test]
fn every_simulated_crm_has_an_adapter_and_a_row() {
    let simulated: BTreeSet<_> = CrmSim::new().crms().into_iter().collect();
    let rows: BTreeSet<_> = SUBJECTS.iter().map(|row| row.crm()).collect();
    let adapters = Adapters::all();
    let adapters: BTreeSet<_> = adapters.iter().map(|adapter| adapter.crm().name).collect();
    assert_eq!(simulated, rows);
    assert_eq!(simulated, adapters);
}

#[test]
fn a_rows_settings_choose_its_plan_and_it_names_all_that_the_plan_makes() {
    for row in SUBJECTS {
        let settings = (row.access.settings)();
        let given = settings.as_object().expect("an object");
        let settings = leadrail_adapters::Settings::check(row.adapter().crm(), given);
        let chosen = row.adapter().plan(&settings.expect("accepted"));
        assert_eq!(chosen.name, row.plan);
        let keys = chosen.keys().into_iter();
        let makes: Vec<StepKey> = keys.filter(|key| key.verb != Verb::Find).collect();
        let named: Vec<StepKey> = row.makes.iter().map(|making| making.step).collect();
        assert_eq!(named, makes, "{} {}", row.crm(), row.plan);
    }
}

#[test]
fn a_row_has_every_way_in_by_secrets_that_are_given() {
    for row in SUBJECTS {
        // Where somebody signs in, or a client gets tokens, the door has to open first: that is shown of
        // connections, for all CRMs alike.
        let methods = row.adapter().crm().auth.iter();
        let methods = methods.filter(|method| matches!(method.grant, Grant::Given));
        let known = methods.map(|method| {
            let secrets = method.secrets.iter().map(|secret| secret.name);
            (method.id, secrets.collect::<Vec<_>>())
        });
        let ways = row.access.ways.iter().map(|way| {
            let secrets = way.secrets.iter().map(|(name, _)| *name);
            (way.method, secrets.collect::<Vec<_>>())
        });
        assert!(ways.eq(known), "{}", row.crm());
    }
}
