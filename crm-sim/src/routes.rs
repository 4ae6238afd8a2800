//! A CRM's endpoints as a table: method, path template, and the function that answers.

use axum::http::Method;

use crate::call::Call;
use crate::reply::Reply;
use crate::token_office::TokenOffice;

/// What an endpoint's function gets: the request, whose it is, and the ids in its path.
pub(crate) struct Visit<'a> {
    pub(crate) call: &'a Call,
    /// Empty at an open endpoint, which is nobody's.
    pub(crate) company: &'a str,
    pub(crate) ids: Vec<&'a str>,
    /// Where the CRM issues tokens.
    pub(crate) office: &'a TokenOffice,
}

/// The answer on success, or the answer that refuses.
pub(crate) type Answer = Result<Reply, Reply>;

/// One endpoint of the CRM `C`. The template's `{...}` segments match any one segment.
pub(crate) struct Route<C: 'static> {
    pub(crate) endpoint: Endpoint,
    method: Method,
    answer: fn(&C, &Visit<'_>) -> Answer,
}

/// What is known of an endpoint before it is asked.
#[derive(Clone, Copy)]
pub(crate) struct Endpoint {
    pub(crate) template: &'static str,
    /// It asks for no credential: a token endpoint, whose body says who calls.
    pub(crate) is_open: bool,
}

/// Why no endpoint's function was asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Turned {
    /// The request carries no credential that opens a company.
    Unknown,
    /// There is no such endpoint.
    Nowhere,
}

impl<C> Route<C> {
    pub(crate) const fn get(template: &'static str, answer: fn(&C, &Visit<'_>) -> Answer) -> Self {
        Self::new(Method::GET, template, answer)
    }

    pub(crate) const fn post(template: &'static str, answer: fn(&C, &Visit<'_>) -> Answer) -> Self {
        Self::new(Method::POST, template, answer)
    }

    pub(crate) const fn patch(
        template: &'static str,
        answer: fn(&C, &Visit<'_>) -> Answer,
    ) -> Self {
        Self::new(Method::PATCH, template, answer)
    }

    /// The same endpoint for callers without a credential, such as those who come for one.
    pub(crate) const fn open(mut self) -> Self {
        self.endpoint.is_open = true;
        self
    }

    const fn new(
        method: Method,
        template: &'static str,
        answer: fn(&C, &Visit<'_>) -> Answer,
    ) -> Self {
        let is_open = false;
        Self {
            endpoint: Endpoint { template, is_open },
            method,
            answer,
        }
    }
}

/// Lets the endpoint that a request is for answer it. Who has no credential is not told which
/// endpoints there are.
pub(crate) fn answer<C>(
    crm: &C,
    routes: &'static [Route<C>],
    (call, office): (&Call, &TokenOffice),
) -> Result<Reply, Turned> {
    let found = find(routes, call);
    let is_open = found
        .as_ref()
        .is_some_and(|(route, _)| route.endpoint.is_open);
    let company = match call.company.as_deref() {
        Some(company) if !is_open => company,
        _ if is_open => "",
        _ => return Err(Turned::Unknown),
    };
    let (route, ids) = found.ok_or(Turned::Nowhere)?;
    let visit = Visit {
        call,
        company,
        ids,
        office,
    };
    Ok((route.answer)(crm, &visit).unwrap_or_else(|refusal| refusal))
}

/// What is known of the endpoint a request is for.
pub(crate) fn endpoint<C>(routes: &'static [Route<C>], call: &Call) -> Option<Endpoint> {
    find(routes, call).map(|(route, _)| route.endpoint)
}

/// The endpoint a request is for, with the ids in its path, or `None`.
fn find<'a, C>(
    routes: &'static [Route<C>],
    call: &'a Call,
) -> Option<(&'static Route<C>, Vec<&'a str>)> {
    routes
        .iter()
        .filter(|route| route.method == call.method)
        .find_map(|route| Some((route, ids(route.endpoint.template, &call.path)?)))
}

fn ids<'a>(template: &str, path: &'a str) -> Option<Vec<&'a str>> {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    let mut ids = Vec::new();
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(ids),
            (Some(name), Some(id)) if name.starts_with('{') && !id.is_empty() => ids.push(id),
            (Some(name), Some(segment)) if name == segment => {}
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ids;

    #[test]
    fn a_template_matches_whole_paths_only() {
        let template = "/customers/{customer_id}/addresses";
        assert_eq!(
            ids(template, "/customers/cus_1/addresses"),
            Some(vec!["cus_1"])
        );
        for path in [
            "/customers/cus_1",
            "/customers//addresses",
            "/v1/customers/cus_1/addresses",
        ] {
            assert_eq!(ids(template, path), None, "{path}");
        }
    }
}
