//! What whoever calls may do: one table for all doors that have keys.

use super::{ApiKey, KeyMode};
use crate::actor::Actor;
use leadrail_engine::Sees;
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
    mode: KeyMode,
}

impl Caller {
    /// Somebody on this machine, without a key.
    #[must_use]
    pub fn local() -> Self {
        Self {
            actor: Actor::Local,
            role: Role::Operator,
            account: None,
            mode: KeyMode::Live,
        }
    }

    /// The holder of a key.
    pub(super) fn of_key(key: &ApiKey) -> Self {
        let actor = Actor::ApiKey {
            key: key.id.to_string(),
            account: key.account.clone(),
        };
        Self {
            actor,
            role: key.role,
            account: key.account.clone(),
            mode: key.mode,
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

    /// Whether nothing comes of what it does.
    #[must_use]
    pub fn is_test(&self) -> bool {
        self.mode == KeyMode::Test
    }

    /// Whether anything comes of it.
    #[must_use]
    pub fn mode(&self) -> KeyMode {
        self.mode
    }

    /// Whether it may do what a call needs. With a test key nothing is changed; to hand a lead over is to
    /// ask what would become of it.
    #[must_use]
    pub fn may(&self, need: Need) -> bool {
        let changes = matches!(need, Need::Change | Need::ChangeAll);
        self.role.may(need) && !(changes && self.is_test())
    }

    /// The only account that it sees; none: all.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    /// Whose rows the database shows it.
    #[must_use]
    pub fn sight(&self) -> Sees {
        match &self.account {
            Some(account) => Sees::Scope(account.clone()),
            None => Sees::All,
        }
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

    fn holder(mode: KeyMode) -> Caller {
        Caller {
            actor: Actor::Local,
            role: Role::Account,
            account: Some("acme".to_owned()),
            mode,
        }
    }

    #[test]
    fn a_test_key_may_look_and_hand_over_and_change_nothing() {
        use Need::{Change, ChangeAll, Look, LookAtAll, Submit};
        let needs = [Submit, Look, Change, LookAtAll, ChangeAll];
        let may = |mode| needs.map(|need| holder(mode).may(need));
        assert_eq!(may(KeyMode::Live), [true, true, true, false, false]);
        assert_eq!(may(KeyMode::Test), [true, true, false, false, false]);
    }

    #[test]
    fn whoever_is_bound_to_an_account_sees_no_other() {
        let bound = holder(KeyMode::Live);
        assert!(bound.sees("acme") && !bound.sees("acme2") && !bound.sees(""));
        assert!(Caller::local().sees("acme"));
    }
}
