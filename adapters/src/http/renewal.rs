//! The seam through which refused secrets are renewed in the middle of an attempt.

use async_trait::async_trait;

use super::secrets::{SecretVersion, Secrets};

/// Gets newer secrets for a connection than those that its CRM has just refused.
///
/// A session asks it once, and makes its call once more with what it gets: a refusal proves that
/// nothing was done.
#[async_trait]
pub trait Renewal: Send + Sync {
    /// Newer secrets than the refused version; `None` where there are none and none can be had.
    ///
    /// # Errors
    /// When it cannot be found out now; then the refusal is not held against the connection.
    async fn renew(&self, refused: SecretVersion) -> Result<Option<Secrets>, RenewalError>;
}

/// Why it cannot be found out whether there are newer secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RenewalError(
    /// One sentence for people, without secrets and personal data.
    pub String,
);

/// No newer secrets, ever: for checks of secrets that are not stored yet.
pub struct NoRenewal;

#[async_trait]
impl Renewal for NoRenewal {
    async fn renew(&self, _refused: SecretVersion) -> Result<Option<Secrets>, RenewalError> {
        Ok(None)
    }
}
