//! A browser in which somebody signs in: it follows no redirect by itself, and keeps one cookie.

use crate::Stage;
use reqwest::Url;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use serde_json::{Value, json};

/// One browser.
pub struct Browser {
    http: reqwest::Client,
}

impl Browser {
    /// With no cookies yet.
    ///
    /// # Panics
    /// When there can be no client.
    #[must_use]
    pub fn new() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "our own API and the simulator are called"
        )]
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client");
        Self { http }
    }

    /// Signs in to the company of the account's name, through the link that the API gives; the page that
    /// ends it.
    ///
    /// # Panics
    /// When a step on the way is not what it must be.
    pub async fn sign_in(&self, api: &str, (crm, account): (&str, &str)) -> String {
        let begun = self
            .http
            .post(format!("{api}/v1/sign-ins"))
            .json(&json!({"crm": crm, "account": account}))
            .send()
            .await
            .expect("the API");
        let begun: Value = begun.json().await.expect("JSON");
        let link = begun["url"].as_str().unwrap_or_else(|| panic!("{begun}"));
        let (to_provider, cookie) = self.opened(link).await;
        let cookie = cookie.expect("a cookie");
        let mut page = Url::parse(&to_provider).expect("a URL");
        page.query_pairs_mut().append_pair("company", account);
        let (back, _) = self.opened(page.as_str()).await;
        let arrived = self.http.get(back).header(COOKIE, cookie).send().await;
        arrived.expect("the API").text().await.expect("a page")
    }

    /// Where a page sends the browser, and the cookie that it gives.
    async fn opened(&self, url: &str) -> (String, Option<String>) {
        let answer = self.http.get(url).send().await.expect("an answer");
        assert_eq!(answer.status(), 302, "{url}");
        let header = |name| {
            let value = answer.headers().get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        let set = header(SET_COOKIE);
        let cookie = set.and_then(|set| Some(set.split_once(';')?.0.to_owned()));
        (header(LOCATION).expect("a place"), cookie)
    }
}

impl Default for Browser {
    fn default() -> Self {
        Self::new()
    }
}

impl Stage {
    /// Gives our client with this CRM's simulated provider, through the command line.
    ///
    /// # Panics
    /// When it is not taken.
    pub fn set_provider(&self, crm: &str) {
        let base_url = self.crm_url_of(crm);
        let set = self.run(
            &[
                "provider",
                "set",
                crm,
                "--client-id",
                "sim-app",
                "--base-url",
                &base_url,
            ],
            "sim-app-secret\n",
        );
        let said = String::from_utf8_lossy(&set.stderr);
        assert!(set.status.success(), "{said}");
    }
}
