//! Somebody of an account who signs in to the simulated CRM, with a browser, as people do.

use crate::places::Place;
use crate::rig::Rig;
use anyhow::Context as _;
use leadrail_connections::NewProviderClient;
use leadrail_desk::{Actor, Given};
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

impl Rig {
    /// Gives our client with the simulated provider of this place, as an operator does.
    pub(crate) async fn set_provider(&self, who: &Actor, place: &Place) -> anyhow::Result<()> {
        let client = NewProviderClient {
            provider: place.crm.to_owned(),
            environment: None,
            client_id: "sim-app".to_owned(),
            client_secret: SecretString::from("sim-app-secret"),
            base_url: Some(format!("{}/{}", self.sim_url, place.crm)),
        };
        self.desk()?.set_provider(who, client).await?;
        Ok(())
    }

    /// Signs the account in to the company of its name: from the link through the provider's page and back.
    pub(crate) async fn sign_in(
        &self,
        who: &Actor,
        (place, account): (&Place, &str),
        settings: Value,
    ) -> anyhow::Result<()> {
        let Value::Object(settings) = settings else {
            anyhow::bail!("settings are an object");
        };
        let given = Given {
            account: account.to_owned(),
            crm: place.crm.to_owned(),
            settings,
            ..Given::default()
        };
        let begun = self.desk()?.begin_sign_in(who, given, None).await?;
        let browser = browser()?;
        let left = browser.get(begun.url.expose_secret()).send().await?;
        let cookie = header(&left, SET_COOKIE.as_str())?;
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        let mut page = Url::parse(&header(&left, LOCATION.as_str())?)?;
        page.query_pairs_mut().append_pair("company", account);
        let consented = browser.get(page).send().await?;
        let back = header(&consented, LOCATION.as_str())?;
        let arrived = browser.get(back).header(COOKIE, cookie).send().await?;
        let status = arrived.status();
        anyhow::ensure!(
            status.is_success(),
            "the account could not sign in: {status}"
        );
        Ok(())
    }
}

/// One that follows no redirect by itself.
#[expect(
    clippy::disallowed_methods,
    reason = "our own API and the simulator are called"
)]
fn browser() -> reqwest::Result<Client> {
    Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .build()
}

fn header(answer: &Response, name: &str) -> anyhow::Result<String> {
    let value = answer
        .headers()
        .get(name)
        .and_then(|value| value.to_str().ok());
    let status = answer.status();
    let value = value.with_context(|| format!("an answer ({status}) has no {name}"))?;
    Ok(value.to_owned())
}
