//! The providers there are, a row each.
//!
//! Where a row's facts come from: the vendors' own documentation and clients, as far as they were to be
//! read in November 2026. What no vendor says is marked as ours.

use std::time::Duration;

use super::{
    ApiAddress, BodyStyle, Centre, ClientAuth, Environment, Flow, Identity, Life, Provider,
    RefreshToken,
};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Every provider, by name.
pub static PROVIDERS: &[&Provider] = &[
    &AIRTABLE,
    &FIELDEDGE,
    &GOHIGHLEVEL,
    &HOUSECALL_PRO,
    &HUBSPOT,
    &JOBBER,
    &MONDAY,
    &NOTION,
    &PIPEDRIVE,
    &PIPEFY,
    &SALESFORCE,
    &SERVICE_FUSION,
    &SERVICETITAN,
    &ZOHO,
];

/// The provider of that name.
#[must_use]
pub fn provider(name: &str) -> Option<&'static Provider> {
    PROVIDERS
        .iter()
        .copied()
        .find(|provider| provider.name == name)
}

/// What most have in common: a code, a form, and the client in the body.
const USUAL: Provider = Provider {
    name: "",
    title: "",
    flow: Flow::Code,
    environments: &[],
    scopes: &[],
    scope_separator: ' ',
    pkce: false,
    client_auth: ClientAuth::Body,
    body: BodyStyle::Form,
    authorize_parameters: &[],
    token_fields: &[],
    own_fields: &[],
    refresh: RefreshToken::OneUse,
    life: Life::Told(HOUR),
    issuer: None,
    identity: Identity::Check,
    api: ApiAddress::Fixed,
    gone: &[],
};

/// The only installation of most.
const fn production(authorize_url: &'static str, token_url: &'static str) -> Environment {
    Environment {
        name: "production",
        authorize_url,
        token_url,
        api: None,
        centres: &[],
    }
}

/// PKCE is mandatory; a refresh token that comes twice may end the grant.
/// Airtable/oauth-example; airtable.com/developers/web/api/oauth-reference.
pub(crate) static AIRTABLE: Provider = Provider {
    name: "airtable",
    title: "Airtable",
    environments: &[production(
        "https://airtable.com/oauth2/v1/authorize",
        "https://airtable.com/oauth2/v1/token",
    )],
    scopes: &[
        "data.records:read",
        "data.records:write",
        "schema.bases:read",
    ],
    pkce: true,
    client_auth: ClientAuth::Basic,
    ..USUAL
};

/// A contractor's own client, for one tenant (`target_id`). FieldEdge Open API portal.
pub(crate) static FIELDEDGE: Provider = Provider {
    name: "fieldedge",
    title: "FieldEdge",
    flow: Flow::ClientCredentials,
    environments: &[production("", "https://fieldedge.withgobo.com/oauth/token")],
    own_fields: &[("target_id", "target_id")],
    refresh: RefreshToken::None,
    ..USUAL
};

/// One sub-account (location) signs in. Calls with the same refresh token within 30 s get the same
/// answer. GoHighLevel/highlevel-api-docs, `docs/oauth`; ideas.gohighlevel.com, changelog.
pub(crate) static GOHIGHLEVEL: Provider = Provider {
    name: "gohighlevel",
    title: "GoHighLevel",
    environments: &[production(
        "https://marketplace.gohighlevel.com/v2/oauth/chooselocation",
        "https://services.leadconnectorhq.com/oauth/token",
    )],
    scopes: &[
        "contacts.readonly",
        "contacts.write",
        "opportunities.readonly",
        "opportunities.write",
        "locations.readonly",
        "locations/customFields.readonly",
        "users.readonly",
    ],
    token_fields: &[("user_type", "Location")],
    refresh: RefreshToken::Grace(Duration::from_secs(30)),
    life: Life::Told(Duration::from_secs(86_399)),
    identity: Identity::Told(&["locationId", "companyId"]),
    ..USUAL
};

/// A refresh gives a new pair; whether the old one dies is not said, so it counts as spent. That PKCE is
/// checked is not said either; what is not known there is ignored. compwright/oauth2-housecallpro.
pub(crate) static HOUSECALL_PRO: Provider = Provider {
    name: "housecall_pro",
    title: "Housecall Pro",
    environments: &[production(
        "https://pro.housecallpro.com/oauth/authorize",
        "https://api.housecallpro.com/oauth/token",
    )],
    pkce: true,
    body: BodyStyle::Json,
    life: Life::Told(Duration::from_secs(30 * 24 * 60 * 60)),
    ..USUAL
};

/// developers.hubspot.com, OAuth 2026-03.
pub(crate) static HUBSPOT: Provider = Provider {
    name: "hubspot",
    title: "HubSpot",
    environments: &[production(
        "https://app.hubspot.com/oauth/authorize",
        "https://api.hubapi.com/oauth/2026-03/token",
    )],
    scopes: &[
        "oauth",
        "crm.objects.contacts.read",
        "crm.objects.contacts.write",
        "crm.objects.deals.read",
        "crm.objects.deals.write",
        "crm.objects.owners.read",
        "crm.schemas.contacts.write",
    ],
    authorize_parameters: &[(
        "optional_scope",
        "crm.objects.leads.read crm.objects.leads.write",
    )],
    refresh: RefreshToken::Lasting,
    life: Life::Told(Duration::from_secs(1_800)),
    identity: Identity::Told(&["hub_id"]),
    gone: &["BAD_REFRESH_TOKEN"],
    ..USUAL
};

/// Rights are ticked with the app. Apps made since 2024 lose the old refresh token at once.
/// developer.getjobber.com, App Authorization and Refresh Token Rotation.
pub(crate) static JOBBER: Provider = Provider {
    name: "jobber",
    title: "Jobber",
    environments: &[production(
        "https://api.getjobber.com/api/oauth/authorize",
        "https://api.getjobber.com/api/oauth/token",
    )],
    life: Life::Told(HOUR),
    ..USUAL
};

/// The OAuth 2.1 flow; the legacy one ended on 2026-10-01. An administrator must have installed the app.
/// monday-oauth-migrate.
pub(crate) static MONDAY: Provider = Provider {
    name: "monday",
    title: "Monday",
    environments: &[production(
        "https://auth.monday.com/oauth2/authorize",
        "https://auth.monday.com/oauth_ms/oauth/token",
    )],
    scopes: &[
        "me:read",
        "account:read",
        "boards:read",
        "boards:write",
        "updates:read",
        "updates:write",
    ],
    pkce: true,
    body: BodyStyle::Json,
    authorize_parameters: &[("force_install_if_needed", "true")],
    life: Life::InToken(HOUR),
    ..USUAL
};

/// Rights are set with the integration; its user picks the pages. makenotion/notion-sdk-js.
pub(crate) static NOTION: Provider = Provider {
    name: "notion",
    title: "Notion",
    environments: &[production(
        "https://api.notion.com/v1/oauth/authorize",
        "https://api.notion.com/v1/oauth/token",
    )],
    client_auth: ClientAuth::Basic,
    body: BodyStyle::Json,
    authorize_parameters: &[("owner", "user")],
    identity: Identity::Told(&["workspace_id", "bot_id"]),
    ..USUAL
};

/// Scopes are set with the app. A page of the vendor lists "already exchanged" as an error, so a used
/// refresh token counts as spent. pipedrive.readme.io, OAuth authorization.
pub(crate) static PIPEDRIVE: Provider = Provider {
    name: "pipedrive",
    title: "Pipedrive",
    environments: &[production(
        "https://oauth.pipedrive.com/oauth/authorize",
        "https://oauth.pipedrive.com/oauth/token",
    )],
    client_auth: ClientAuth::Basic,
    identity: Identity::Told(&["api_domain"]),
    api: ApiAddress::Told {
        field: "api_domain",
        below: &["pipedrive.com"],
    },
    ..USUAL
};

/// A service account of the company's own. pipefy/ai-toolkit.
pub(crate) static PIPEFY: Provider = Provider {
    name: "pipefy",
    title: "Pipefy",
    flow: Flow::ClientCredentials,
    environments: &[production("", "https://app.pipefy.com/oauth/token")],
    body: BodyStyle::Json,
    refresh: RefreshToken::None,
    ..USUAL
};

/// An External Client App. Reuse of a rotated token revokes everything of the grant; how long a session
/// lives is the org's setting, two hours by default. ISVforce guide; help.salesforce.com 005316711.
pub(crate) static SALESFORCE: Provider = Provider {
    name: "salesforce",
    title: "Salesforce",
    environments: &[
        production(
            "https://login.salesforce.com/services/oauth2/authorize",
            "https://login.salesforce.com/services/oauth2/token",
        ),
        Environment {
            name: "sandbox",
            authorize_url: "https://test.salesforce.com/services/oauth2/authorize",
            token_url: "https://test.salesforce.com/services/oauth2/token",
            api: None,
            centres: &[],
        },
    ],
    scopes: &["api", "refresh_token", "id"],
    pkce: true,
    life: Life::Told(Duration::from_secs(2 * 60 * 60)),
    // The first part of `id` is the organisation, the second the user.
    identity: Identity::Told(&["id"]),
    api: ApiAddress::Told {
        field: "instance_url",
        below: &["salesforce.com", "force.com", "cloudforce.com"],
    },
    ..USUAL
};

/// A client of the contractor's own; the code flow of registered apps is not used.
/// docs.servicefusion.com, as third parties repeat it.
pub(crate) static SERVICE_FUSION: Provider = Provider {
    name: "service_fusion",
    title: "Service Fusion",
    flow: Flow::ClientCredentials,
    environments: &[production(
        "",
        "https://api.servicefusion.com/oauth/access_token",
    )],
    body: BodyStyle::Json,
    refresh: RefreshToken::None,
    ..USUAL
};

/// A client of the contractor's own, for one tenant; form only, 900 s. developer.servicetitan.io.
pub(crate) static SERVICETITAN: Provider = Provider {
    name: "servicetitan",
    title: "ServiceTitan",
    flow: Flow::ClientCredentials,
    environments: &[
        production("", "https://auth.servicetitan.io/connect/token"),
        Environment {
            name: "integration",
            authorize_url: "",
            token_url: "https://auth-integration.servicetitan.io/connect/token",
            api: Some("https://api-integration.servicetitan.io"),
            centres: &[],
        },
    ],
    refresh: RefreshToken::None,
    life: Life::Told(Duration::from_secs(900)),
    ..USUAL
};

/// Everybody signs in at `accounts.zoho.com`; the answer names the data centre. At most ten access
/// tokens in ten minutes for one refresh token. zoho/zohocrm-nodejs-sdk-8.0, `lib/routes/dc`.
pub(crate) static ZOHO: Provider = Provider {
    name: "zoho",
    title: "Zoho CRM",
    environments: &[Environment {
        name: "production",
        authorize_url: "https://accounts.zoho.com/oauth/v2/auth",
        token_url: "https://accounts.zoho.com/oauth/v2/token",
        api: None,
        centres: ZOHO_CENTRES,
    }],
    scopes: &[
        "ZohoCRM.modules.leads.ALL",
        "ZohoCRM.modules.contacts.READ",
        "ZohoCRM.modules.notes.ALL",
        "ZohoCRM.settings.fields.READ",
        "ZohoCRM.users.READ",
        "ZohoCRM.org.READ",
    ],
    scope_separator: ',',
    authorize_parameters: &[("access_type", "offline"), ("prompt", "consent")],
    refresh: RefreshToken::Lasting,
    gone: &["invalid_code"],
    ..USUAL
};

const fn zoho(name: &'static str, accounts: &'static str, api: &'static str) -> Centre {
    Centre {
        name,
        accounts,
        api,
    }
}

static ZOHO_CENTRES: &[Centre] = &[
    zoho(
        "us",
        "https://accounts.zoho.com",
        "https://www.zohoapis.com",
    ),
    zoho("eu", "https://accounts.zoho.eu", "https://www.zohoapis.eu"),
    zoho("in", "https://accounts.zoho.in", "https://www.zohoapis.in"),
    zoho(
        "au",
        "https://accounts.zoho.com.au",
        "https://www.zohoapis.com.au",
    ),
    zoho(
        "cn",
        "https://accounts.zoho.com.cn",
        "https://www.zohoapis.com.cn",
    ),
    zoho("jp", "https://accounts.zoho.jp", "https://www.zohoapis.jp"),
    zoho(
        "ca",
        "https://accounts.zohocloud.ca",
        "https://www.zohoapis.ca",
    ),
    zoho("sa", "https://accounts.zoho.sa", "https://www.zohoapis.sa"),
    zoho("uk", "https://accounts.zoho.uk", "https://www.zohoapis.uk"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use leadrail_lead::CrmName;
    use url::Url;

    use super::*;

    fn is_https(text: &str) -> bool {
        Url::parse(text).is_ok_and(|url| url.scheme() == "https" && url.query().is_none())
    }

    #[test]
    fn every_provider_describes_itself_completely() {
        let names: BTreeSet<_> = PROVIDERS.iter().map(|provider| provider.name).collect();
        assert_eq!(names.len(), PROVIDERS.len(), "one stands twice");
        for one in PROVIDERS {
            let name = one.name;
            assert!(
                CrmName::new(name).is_ok() && !one.title.is_empty(),
                "{name}"
            );
            assert!(provider(name).is_some_and(|found| std::ptr::eq(found, *one)));
            let usual = one.environment(None).expect("an environment");
            assert_eq!(usual.name, "production", "{name}");
            for environment in one.environments {
                assert!(is_https(environment.token_url), "{name}");
                let has_page = !environment.authorize_url.is_empty();
                assert_eq!(has_page, one.flow == Flow::Code, "{name}");
                assert!(!has_page || is_https(environment.authorize_url), "{name}");
                for centre in environment.centres {
                    assert!(is_https(centre.accounts) && is_https(centre.api), "{name}");
                }
            }
            assert!(!one.life.usual().is_zero(), "{name}");
            let has_refresh = one.refresh != RefreshToken::None;
            assert_eq!(has_refresh, one.flow == Flow::Code, "{name}");
            if let ApiAddress::Told { below, .. } = one.api {
                assert!(!below.is_empty(), "{name} would be believed everything");
            }
        }
    }

    #[test]
    fn a_token_of_one_use_is_never_used_again_in_doubt() {
        let day = Duration::from_secs(24 * 60 * 60);
        for provider in [&JOBBER, &SALESFORCE, &MONDAY, &AIRTABLE] {
            assert!(!provider.refresh.may_be_used_again(Duration::ZERO));
        }
        let grace = GOHIGHLEVEL.refresh;
        assert!(grace.may_be_used_again(Duration::from_secs(29)));
        assert!(!grace.may_be_used_again(Duration::from_secs(30)));
        assert!(ZOHO.refresh.may_be_used_again(day) && HUBSPOT.refresh.may_be_used_again(day));
    }

    #[test]
    fn a_data_centre_is_one_of_the_list_or_none() {
        let zoho = ZOHO.environment(None).expect("an environment");
        let found = zoho.centre("https://accounts.zoho.eu/").expect("the EU");
        assert_eq!((found.name, found.api), ("eu", "https://www.zohoapis.eu"));
        for other in [
            "",
            "https://accounts.zoho.eu.evil.example",
            "http://accounts.zoho.eu",
            "https://accounts.zoho.eu/x",
            "https://accounts.zoho.eu@evil.example",
        ] {
            assert!(zoho.centre(other).is_none(), "{other}");
        }
    }

    #[test]
    fn only_a_clear_word_ends_a_grant() {
        assert!(JOBBER.says_gone("invalid_grant") && ZOHO.says_gone("invalid_code"));
        for code in [
            "invalid_client",
            "temporarily_unavailable",
            "invalid_request",
            "",
        ] {
            assert!(!JOBBER.says_gone(code), "{code}");
        }
        assert!(
            SERVICETITAN.says_gone("invalid_client"),
            "it is the account's own"
        );
    }
}
