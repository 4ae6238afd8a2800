//! The three requests to a token endpoint: for a code, for a refresh token, for the client itself.

use std::time::Duration;

use leadrail_adapters::oauth::{Centre, ClientAuth, Environment, Provider};
use leadrail_adapters::{CrmInfo, ENVIRONMENT, Settings};
use leadrail_outbound::Outbound;
use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
};
use oauth2::{
    AuthType, AuthorizationCode, Client, ClientId, ClientSecret, EndpointNotSet, EndpointSet,
    PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError, StandardRevocableToken,
    TokenUrl,
};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::call::{CallFault, Caller};
use super::tokens::{Answer, Tokens};
use crate::BaseUrl;

/// Why no tokens were issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenFault {
    /// No answer that can be read.
    Call(CallFault),
    /// The provider said no, in this word.
    Refused(String),
}

/// A client as the provider knows it: ours, or the account's own.
pub(crate) struct ClientPair {
    pub(crate) id: String,
    pub(crate) secret: SecretString,
}

type TokenClient = Client<
    BasicErrorResponse,
    Answer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// A token endpoint and the client that asks there.
pub(crate) struct Exchange {
    client: TokenClient,
    caller: Caller,
}

impl Exchange {
    pub(crate) fn new(
        provider: &'static Provider,
        token_url: Url,
        client: &ClientPair,
        (http, within): (&Outbound, Duration),
    ) -> Self {
        let auth = match provider.client_auth {
            ClientAuth::Body => AuthType::RequestBody,
            ClientAuth::Basic => AuthType::BasicAuth,
        };
        let secret = client.secret.expose_secret().trim().to_owned();
        let client = Client::new(ClientId::new(client.id.clone()))
            .set_client_secret(ClientSecret::new(secret))
            .set_auth_type(auth)
            .set_token_uri(TokenUrl::from_url(token_url));
        let caller = Caller {
            provider,
            http: http.clone(),
            within,
        };
        Self { client, caller }
    }

    /// Redeems a code that was asked for with this address.
    pub(crate) async fn redeem(
        &self,
        code: &SecretString,
        redirect_uri: &Url,
        verifier: Option<PkceCodeVerifier>,
    ) -> Result<Tokens, TokenFault> {
        let code = AuthorizationCode::new(code.expose_secret().to_owned());
        let back = RedirectUrl::from_url(redirect_uri.clone());
        let mut request = self.client.exchange_code(code);
        request = request.set_redirect_uri(std::borrow::Cow::Owned(back));
        if let Some(verifier) = verifier {
            request = request.set_pkce_verifier(verifier);
        }
        for (name, value) in self.caller.provider.token_fields {
            request = request.add_extra_param(*name, *value);
        }
        self.issued(request.request_async(&self.caller).await)
    }

    /// Renews with a refresh token.
    pub(crate) async fn renew(&self, token: &SecretString) -> Result<Tokens, TokenFault> {
        let token = RefreshToken::new(token.expose_secret().to_owned());
        let mut request = self.client.exchange_refresh_token(&token);
        for (name, value) in self.caller.provider.token_fields {
            request = request.add_extra_param(*name, *value);
        }
        self.issued(request.request_async(&self.caller).await)
    }

    /// Asks for a token for the client itself, with these fields besides.
    pub(crate) async fn own(&self, fields: &[(&str, String)]) -> Result<Tokens, TokenFault> {
        let mut request = self.client.exchange_client_credentials();
        for (name, value) in fields {
            request = request.add_extra_param(*name, value.clone());
        }
        self.issued(request.request_async(&self.caller).await)
    }

    fn issued(
        &self,
        answer: Result<Answer, RequestTokenError<CallFault, BasicErrorResponse>>,
    ) -> Result<Tokens, TokenFault> {
        match answer {
            Ok(answer) => Ok(Tokens::of(self.caller.provider, &answer)),
            Err(RequestTokenError::Request(fault)) => Err(TokenFault::Call(fault)),
            Err(RequestTokenError::ServerResponse(refusal)) => {
                Err(TokenFault::Refused(refusal.error().as_ref().to_owned()))
            }
            // Issued, perhaps, in words that nobody can read.
            Err(RequestTokenError::Parse(..) | RequestTokenError::Other(_)) => {
                Err(TokenFault::Call(CallFault::Lost))
            }
        }
    }
}

/// An address of the environment in the data centre, or with another origin in front of its path.
pub(crate) fn placed(
    address: &str,
    centre: Option<&Centre>,
    base_url: Option<&BaseUrl>,
) -> Option<Url> {
    let usual = Url::parse(address).ok()?;
    let before = match (base_url, centre) {
        (Some(base_url), _) => base_url.as_str(),
        (None, Some(centre)) => centre.accounts,
        (None, None) => return Some(usual),
    };
    Url::parse(&format!("{before}{}", usual.path())).ok()
}

/// Where an account's own client asks for tokens. As for the API, an address that is given comes before the
/// environment that the settings choose: the tokens of an environment's API come from that environment, and
/// those of any other address from in front of it.
pub(crate) fn of_own_client(
    provider: &Provider,
    crm: &CrmInfo,
    (base_url, settings): (Option<&BaseUrl>, &Settings),
) -> Option<Url> {
    let usual = provider.environment(None)?;
    let Some(base_url) = base_url else {
        let chosen = provider.environment(settings.text(ENVIRONMENT));
        return placed(chosen.unwrap_or(usual).token_url, None, None);
    };
    let is_theirs = |one: &&Environment| one.api.unwrap_or(crm.base_url) == base_url.as_str();
    match provider.environments.iter().find(is_theirs) {
        Some(environment) => placed(environment.token_url, None, None),
        None => placed(usual.token_url, None, Some(base_url)),
    }
}

#[cfg(test)]
mod tests {
    use leadrail_adapters::Adapters;
    use leadrail_adapters::oauth::provider;
    use leadrail_lead::CrmName;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_account_s_own_client_asks_where_its_api_is() {
        let servicetitan = provider("servicetitan").expect("a provider");
        let name = CrmName::new("servicetitan").expect("a name");
        let adapters = Adapters::all();
        let crm = adapters.get(&name).expect("an adapter").crm();
        let at = |base_url: Option<&str>, environment: &str| {
            let base_url = base_url.map(|text| BaseUrl::parse(text).expect("a URL"));
            let settings = json!({"environment": environment});
            let settings = Settings::from(settings.as_object().expect("an object").clone());
            let url = of_own_client(servicetitan, crm, (base_url.as_ref(), &settings));
            url.expect("a URL").to_string()
        };
        let usual = "https://auth.servicetitan.io/connect/token";
        let integration = "https://auth-integration.servicetitan.io/connect/token";
        assert_eq!(at(None, ""), usual);
        assert_eq!(at(None, "production"), usual);
        assert_eq!(at(None, "integration"), integration);
        let of_integration = Some("https://api-integration.servicetitan.io");
        assert_eq!(at(of_integration, "production"), integration);
        let of_production = Some("https://api.servicetitan.io");
        assert_eq!(at(of_production, "integration"), usual);
        assert_eq!(
            at(Some("http://127.0.0.1:4010/servicetitan"), "integration"),
            "http://127.0.0.1:4010/servicetitan/connect/token"
        );
    }

    #[test]
    fn a_data_centre_takes_the_place_of_the_usual_one() {
        let zoho = provider("zoho").expect("a provider").environment(None);
        let zoho = zoho.expect("an environment");
        let eu = zoho.centre("https://accounts.zoho.eu");
        let url = placed(zoho.token_url, eu, None).expect("a URL");
        assert_eq!(url.as_str(), "https://accounts.zoho.eu/oauth/v2/token");
        let usual = placed(zoho.token_url, None, None).expect("a URL");
        assert_eq!(usual.as_str(), zoho.token_url);
    }
}
