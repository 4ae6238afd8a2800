//! What a simulated CRM must be able to do. Faults, credentials, counting and control are shared.

use std::borrow::Cow;

use serde_json::Value;

use crate::call::Call;
use crate::limits::Limits;
use crate::reply::Reply;
use crate::routes::Endpoint;
use crate::token_office::{TokenOffice, TokenRules};

/// A simulated CRM: its documented behavior and its books, and nothing of faults.
///
/// Every method is synchronous and short. A CRM locks its books inside `answer` only, so no lock
/// is ever held across an await, and an effect happens wholly or not at all.
pub(crate) trait Crm: Send + Sync {
    /// The name in URLs: `housecall_pro`.
    fn name(&self) -> &'static str;

    /// The key or token a request carries, wherever this CRM looks for it: in headers, path, query
    /// or body, put together from several places where it has several.
    fn credential<'a>(&self, call: &'a Call) -> Option<Cow<'a, str>>;

    /// How this CRM's token office works; a CRM of bare keys has none.
    fn token_rules(&self) -> TokenRules {
        TokenRules::NONE
    }

    /// The endpoint a request is for; `None` if there is no such endpoint.
    fn endpoint(&self, call: &Call) -> Option<Endpoint>;

    /// Handles a request as documented; all effects have happened when this returns.
    fn answer(&self, call: &Call, office: &TokenOffice) -> Reply;

    /// How this CRM says that a credential is not valid.
    fn unauthorized(&self) -> Reply;

    /// How this CRM says that there were too many requests.
    fn throttled(&self) -> Reply;

    /// How this CRM refuses a request whose content it does not accept.
    fn rejected(&self, call: &Call) -> Reply;

    /// The books, of one company or of all.
    fn records(&self, company: Option<&str>) -> Vec<Collection>;

    /// Empties the books.
    fn clear(&self);

    /// Lets people at a company do something with what was filed; the error is a sentence.
    fn happen(&self, _company: &str, _event: &Value) -> Result<(), String> {
        Err("nobody works at this CRM's companies".to_owned())
    }

    /// Sets the limits of a company's account; false if this CRM has none.
    fn set_limits(&self, _company: &str, _limits: &Limits) -> bool {
        false
    }
}

/// All records of one kind, oldest first within a company.
pub(crate) struct Collection {
    pub(crate) name: &'static str,
    pub(crate) rows: Vec<Value>,
}
