//! A CRM's endpoints as a table: method, path template, and the function that answers.

use axum::http::Method;

use crate::call::Call;
use crate::reply::Reply;

/// What an endpoint's function gets: the request, whose it is, and the ids in its path.
pub(crate) struct Visit<'a> {
    pub(crate) call: &'a Call,
    pub(crate) company: &'a str,
    pub(crate) ids: Vec<&'a str>,
}

/// The answer on success, or the answer that refuses.
pub(crate) type Answer = Result<Reply, Reply>;

/// One endpoint of the CRM `C`. The template's `{...}` segments match any one segment.
pub(crate) struct Route<C: 'static> {
    pub(crate) method: Method,
    pub(crate) template: &'static str,
    pub(crate) answer: fn(&C, &Visit<'_>) -> Answer,
}

impl<C> Route<C> {
    pub(crate) const fn get(template: &'static str, answer: fn(&C, &Visit<'_>) -> Answer) -> Self {
        Self {
            method: Method::GET,
            template,
            answer,
        }
    }

    pub(crate) const fn post(template: &'static str, answer: fn(&C, &Visit<'_>) -> Answer) -> Self {
        Self {
            method: Method::POST,
            template,
            answer,
        }
    }
}

/// The endpoint a request is for, with the ids in its path, or `None`.
pub(crate) fn find<'a, C>(
    routes: &'static [Route<C>],
    call: &'a Call,
) -> Option<(&'static Route<C>, Vec<&'a str>)> {
    routes
        .iter()
        .filter(|route| route.method == call.method)
        .find_map(|route| Some((route, ids(route.template, &call.path)?)))
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
