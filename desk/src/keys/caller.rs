//! What whoever calls may do: one table for all doors that have keys.

use super::KeyId;
use crate::actor::Actor;
use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// What the holder of a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything.
    Operator,
    /// Look at everything, change nothing.
    OperatorReadOnly,
    /// Hand over leads, follow and cancel them, see and test connections: of one account.
    Account,
    /// Hand over leads and nothing else.
    Intake,
}

impl Role {
    /// All of them.
    pub const ALL: [Role; 4] = [
        Role::Operator,
        Role::OperatorReadOnly,
        Role::Account,
        Role::Intake,
    ];

    /// Its name in JSON and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Operator => "operator",
            Role::OperatorReadOnly => "operator_read_only",
            Role::Account => "account",
            Role::Intake => "intake",
        }
    }

    /// Whether it may do what a call needs.
    #[must_use]
    pub const fn may(self, need: Need) -> bool {
        match self {
            Role::Operator => true,
            Role::OperatorReadOnly => matches!(need, Need::Look | Need::LookAtAll),
            Role::Account => matches!(need, Need::Submit | Need::Look | Need::Change),
            Role::Intake => matches!(need, Need::Submit),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Role::ALL.into_iter().find(|role| role.as_str() == text);
        known.ok_or_else(|| {
            let names = Role::ALL.map(Role::as_str).join(", ");
            format!("a role is one of {names}")
        })
    }
}

/// What a call needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// To hand leads over.
    Submit,
    /// To look at what is an account's.
    Look,
    /// To change what is an account's.
    Change,
    /// To look at what belongs to no account, or to all.
    LookAtAll,
    /// To change that.
    ChangeAll,
}

/// Whoever calls: who it is, and what that may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    actor: Actor,
    role: Role,
    account: Option<String>,
}

impl Caller {
    /// Somebody on this machine, without a key.
    #[must_use]
    pub fn local() -> Self {
        Self {
            actor: Actor::Local,
            role: Role::Operator,
            account: None,
        }
    }

    /// The holder of a key.
    pub(super) fn of_key(key: KeyId, role: Role, account: Option<String>) -> Self {
        let actor = Actor::ApiKey {
            key: key.to_string(),
            account: account.clone(),
        };
        Self {
            actor,
            role,
            account,
        }
    }

    /// Who it is.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// What it may do.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// The only account that it sees; none: all.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    /// Whether it sees what is this account's.
    #[must_use]
    pub fn sees(&self, account: &str) -> bool {
        self.account.as_deref().is_none_or(|own| own == account)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_do_its_own_and_no_more() {
        use Need::{Change, ChangeAll, Look, LookAtAll, Submit};
        let needs = [Submit, Look, Change, LookAtAll, ChangeAll];
        let table = [
            (Role::Operator, [true, true, true, true, true]),
            (Role::OperatorReadOnly, [false, true, false, true, false]),
            (Role::Account, [true, true, true, false, false]),
            (Role::Intake, [true, false, false, false, false]),
        ];
        for (role, may) in table {
            assert_eq!(needs.map(|need| role.may(need)), may, "{role}");
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        assert!("admin".parse::<Role>().is_err());
    }

    #[test]
    fn whoever_is_bound_to_an_account_sees_no_other() {
        let id = KeyId(uuid::Uuid::nil());
        let bound = Caller::of_key(id, Role::Account, Some("acme".to_owned()));
        assert!(bound.sees("acme") && !bound.sees("acme2") && !bound.sees(""));
        assert!(Caller::local().sees("acme"));
    }
}
