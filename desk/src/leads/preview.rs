//! What would be sent for a lead, without sending it.

use crate::crm;
use crate::error::{DeskError, DeskResult};
use leadrail_adapters::{CrmAdapter, Links, PlannedRequest, Settings, Target};
use leadrail_connections::{ConnectionError, ConnectionSettings};
use leadrail_lead::Lead;
use serde_json::Value;
use std::borrow::Cow;

/// The circumstances in which a lead would be filed.
#[derive(Debug, Clone, Copy)]
pub struct PreviewOptions<'a> {
    /// Takes the place of the CRM's own address.
    pub base_url: Option<&'a str>,
    /// The connection's settings, as one JSON object. Without any, words stand where a setting that
    /// the CRM needs would; given, they must be such as a connection is accepted with.
    pub settings: Option<&'a Value>,
    /// The way of filing, where the CRM has several; it goes before the one in the settings.
    pub mode: Option<&'a str>,
    /// The links that the CRM would be told of.
    pub links: Links<'a>,
    /// The customer that the look-up would have found.
    pub known_customer: Option<&'a str>,
}

/// The exact HTTP requests that filing this lead in this CRM would send, with secrets masked. Needs no
/// database and calls nobody.
///
/// # Errors
/// [`DeskError`] where the CRM, its mode or the address is none, or the settings are not such as the CRM
/// describes.
pub fn preview(
    crm: &str,
    lead: &Lead,
    options: &PreviewOptions<'_>,
) -> DeskResult<Vec<PlannedRequest>> {
    let adapter = crm::adapter(crm)?;
    let mut target = Target::new(adapter.crm())?;
    let mut lead = Cow::Borrowed(lead);
    let mode = options
        .mode
        .map(|mode| mode_of(adapter, mode))
        .transpose()?;
    if let (None, Some(Some(mode))) = (options.settings, mode) {
        target = target.with_settings(Settings::default().with(MODE, mode));
    }
    if let Some(given) = options.settings {
        let mut given = given.clone();
        if let Some(Some(mode)) = mode {
            given[MODE] = mode.into();
        }
        let settings = ConnectionSettings::parse(adapter.crm(), &given)
            .map_err(|source| ConnectionError::Settings { source })?;
        if settings.delivery.test_mode == Some(true) {
            lead = Cow::Owned(lead.into_owned().marked_as_test());
        }
        target = target.with_settings(settings.crm);
    }
    // After the settings, which may choose an environment: what is given by itself comes first.
    if let Some(url) = options.base_url {
        target = target.with_base_url(url)?;
    }
    let (links, known) = (options.links, options.known_customer);
    Ok(leadrail_adapters::preview(
        adapter, &target, &lead, links, known,
    ))
}

/// The setting by which a connection chooses one of its CRM's plans.
const MODE: &str = "mode";

/// The plan of that name, as the setting has it; none where the CRM has one plan and no such setting.
fn mode_of(adapter: &dyn CrmAdapter, name: &str) -> DeskResult<Option<&'static str>> {
    let names = || adapter.plans().iter().map(|plan| plan.name);
    let Some(name) = names().find(|known| *known == name) else {
        let names: Vec<_> = names().collect();
        let title = adapter.crm().title;
        let reason = format!("{title} has the modes {}", names.join(", "));
        return Err(DeskError::refused("mode", reason));
    };
    let settings = adapter.crm().settings.iter();
    Ok(settings
        .map(|info| info.name)
        .any(|setting| setting == MODE)
        .then_some(name))
}
