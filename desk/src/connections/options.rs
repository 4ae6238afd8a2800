//! The account's own lists in its CRM, from which settings choose: business units, job types, campaigns.

use crate::crm::adapter;
use crate::desk::Desk;
use crate::error::{DeskError, DeskResult};
use leadrail_adapters::{Choice, SettingInfo, SettingKind};
use leadrail_connections::{ConnectionId, Door, DoorError};
use serde::Serialize;

/// What a setting may be, as the CRM says now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Options {
    /// The setting.
    pub setting: &'static str,
    /// The name people know.
    pub title: &'static str,
    /// What there is, in the CRM's order.
    pub choices: Vec<Choice>,
    /// Why the CRM did not say, for people; `None` where it did.
    pub problem: Option<String>,
}

impl Desk {
    /// Asks the CRM what this setting may be, or every setting that has such a list. A list that the CRM
    /// does not give says why, and the others stand.
    ///
    /// # Errors
    /// [`DeskError::Refused`] for a setting that has no list; [`DeskError::NotNow`] where nobody has signed
    /// in yet; when there is no such connection, or it cannot be opened.
    pub async fn connection_options(
        &self,
        id: ConnectionId,
        setting: Option<&str>,
    ) -> DeskResult<Vec<Options>> {
        let connection = self.connection(id).await?;
        let listed = listed(&connection.crm, setting)?;
        if listed.is_empty() {
            return Ok(vec![]);
        }
        let door = self.doors()?.open_whatever_its_state(id).await;
        let door = door.map_err(not_opened)?;
        let mut options = Vec::new();
        for info in listed {
            options.push(ask(&door, info).await);
        }
        Ok(options)
    }
}

async fn ask(door: &Door, info: &'static SettingInfo) -> Options {
    let asked = door.adapter.options(&door.session, info.name).await;
    let (choices, problem) = match asked {
        Ok(choices) => (choices, None),
        Err(error) => (vec![], Some(error.detail().to_owned())),
    };
    Options {
        setting: info.name,
        title: info.title,
        choices,
        problem,
    }
}

/// The settings of the CRM whose choices it lists itself; that one alone if it is named.
fn listed(crm: &str, named: Option<&str>) -> DeskResult<Vec<&'static SettingInfo>> {
    let settings = adapter(crm)?.crm().settings.iter();
    let listed: Vec<_> = settings.filter(|info| has_options(info)).collect();
    let Some(named) = named else {
        return Ok(listed);
    };
    let found = listed.iter().find(|info| info.name == named);
    found.map(|info| vec![*info]).ok_or_else(|| {
        let names: Vec<_> = listed.iter().map(|info| info.name).collect();
        let reason = match names.is_empty() {
            true => "no setting of this CRM chooses from a list of the account's own".to_owned(),
            false => format!("the CRM has lists for: {}", names.join(", ")),
        };
        DeskError::refused("setting", reason)
    })
}

pub(super) fn has_options(info: &SettingInfo) -> bool {
    matches!(
        info.kind,
        SettingKind::Id { options: true } | SettingKind::Number { options: true }
    )
}

fn not_opened(error: DoorError) -> DeskError {
    match error {
        DoorError::Connection(error) => error.into(),
        DoorError::Setup(error) => error.into(),
        other => DeskError::NotNow {
            reason: other.to_string(),
        },
    }
}
