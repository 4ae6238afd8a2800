//! What a control call may change of a CRM's own limits.

use serde::Deserialize;

/// New values for the limits of one company's account; what is left out stays as it is.
///
/// Jobber has a bucket of points and a count of requests, Pipedrive the tokens of a day (`available`) and the
/// calls of a window (`requests`), GoHighLevel and Workiz a count of requests and no more; what HubSpot makes
/// of these is said there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// The most points that can be saved up.
    pub maximum: Option<u64>,
    /// Points, or tokens, that there are now.
    pub available: Option<u64>,
    /// Points that come back each second; with 0 none do.
    pub restore_rate: Option<u64>,
    /// Requests answered in one window; the window under way starts anew.
    pub requests: Option<u64>,
}
