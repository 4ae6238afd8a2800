//! Makes a key, which is shown this once.

use super::secret::KeySecret;
use super::{ApiKey, KeyMode, KeyRow, Role};
use crate::actor::{Action, Actor};
use crate::audit::Change;
use crate::desk::Desk;
use crate::error::{DeskError, DeskResult};
use leadrail_lead::{AccountId, is_unshown};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

/// So many keys of one purpose may work at a time: the one in use and the one that takes its place.
const AT_A_TIME: i64 = 2;
/// The longest purpose, in characters.
const LONGEST_PURPOSE: usize = 100;
/// The longest that a key may be good for.
const LONGEST_LIFE: Duration = Duration::from_secs(10 * 366 * 24 * 60 * 60);

/// A key to be.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// What it is for, in its maker's words.
    pub purpose: String,
    /// What its holder may do.
    pub role: Role,
    /// Whose leads and connections it is for. An `account` key needs one, operators' have none, and
    /// an `intake` key may have one.
    pub account: Option<String>,
    /// Whether anything comes of what is done with it. A test key is an account's or for intake.
    pub mode: KeyMode,
    /// For how long it is good; for ever without.
    pub expires_in: Option<Duration>,
}

/// A key that was made.
pub struct IssuedKey {
    /// As lists show it.
    pub key: ApiKey,
    /// The key itself. Nobody can read it again.
    pub secret: SecretString,
}

impl NewKey {
    fn check(&self) -> DeskResult<()> {
        let purpose = self.purpose.trim();
        if !(1..=LONGEST_PURPOSE).contains(&purpose.chars().count()) || purpose.contains(is_unshown)
        {
            return Err(DeskError::refused(
                "purpose",
                format!("a key's purpose has 1 to {LONGEST_PURPOSE} characters, all of them shown"),
            ));
        }
        if self.mode == KeyMode::Test && !matches!(self.role, Role::Account | Role::Intake) {
            return Err(DeskError::refused(
                "mode",
                "a test key has the role account or intake; whoever looks at everything and changes nothing \
                 is an operator_read_only",
            ));
        }
        let whose = match (self.role, &self.account) {
            (Role::Account, None) => Some("a key with the role account needs an account"),
            (Role::Operator | Role::OperatorReadOnly, Some(_)) => {
                Some("an operator's key is for all accounts: name none")
            }
            _ => None,
        };
        if let Some(rule) = whose {
            return Err(DeskError::refused("account", rule));
        }
        if let Some(Err(fault)) = self.account.as_deref().map(AccountId::new) {
            return Err(DeskError::refused(
                "account",
                format!("the account {fault}"),
            ));
        }
        match self.expires_in {
            Some(life) if life.is_zero() || life > LONGEST_LIFE => Err(DeskError::refused(
                "expires_in",
                "a key is good for at most ten years",
            )),
            _ => Ok(()),
        }
    }
}

/// What the audit log says of a key: never the key.
pub(super) fn described(key: &ApiKey) -> Value {
    json!({
        "purpose": key.purpose, "role": key.role, "account": key.account, "mode": key.mode,
        "expires_at": key.expires_at, "revoked_at": key.revoked_at,
    })
}

impl Desk {
    /// Makes an API key. At most two of one purpose and account work at a time, so that a new one can take
    /// the place of another.
    ///
    /// # Errors
    /// [`DeskError::Refused`] for what was given; or when the database cannot be written.
    pub async fn create_key(&self, who: &Actor, new: NewKey) -> DeskResult<IssuedKey> {
        new.check()?;
        let secret = KeySecret::random(new.mode);
        let key = self.store_key(who, &new, &secret).await?;
        let made = Change::to(described(&key));
        self.note_change(who, Action::KeyCreate, (&key.id, &key.role), made)
            .await;
        Ok(IssuedKey {
            key,
            secret: secret.into_inner(),
        })
    }

    async fn store_key(&self, who: &Actor, new: &NewKey, secret: &KeySecret) -> DeskResult<ApiKey> {
        let purpose = new.purpose.trim();
        let life = new.expires_in.map(|life| life.as_secs_f64());
        let mut transaction = self.engine().access().begin().await?;
        // Whoever makes another one of this purpose waits here, and counts this one.
        sqlx::query!("lock table leadrail.api_key in share row exclusive mode")
            .execute(&mut *transaction)
            .await?;
        let row = sqlx::query_as!(
            KeyRow,
            r#"
            insert into leadrail.api_key (id, shown, hash, purpose, role, account, created_by, expires_at, mode)
            select $1, $2, $3, $4, $5, $6, $7, leadrail.now() + $8 * interval '1 second', $10
            where (
                select count(*)
                from leadrail.api_key k
                where k.purpose = $4 and k.account is not distinct from $6 and k.mode = $10 and k.revoked_at is null
                  and (k.expires_at is null or k.expires_at > leadrail.now())
            ) < $9
            returning id, shown, purpose, role, account, mode, created_at, expires_at, last_used_at, revoked_at,
                   revoked_at is null and (expires_at is null or expires_at > leadrail.now()) as "works!"
            "#,
            Uuid::new_v4(),
            secret.shown(),
            &secret.hash()[..],
            purpose,
            new.role.as_str(),
            new.account,
            who.to_string(),
            life,
            AT_A_TIME,
            new.mode.as_str()
        )
        .fetch_optional(&mut *transaction)
        .await?;
        transaction.commit().await?;
        row.map(ApiKey::from).ok_or_else(|| {
            let rule = "two keys of this purpose work already: revoke one first (`leadrail key list` shows them)";
            DeskError::refused("purpose", rule)
        })
    }
}
