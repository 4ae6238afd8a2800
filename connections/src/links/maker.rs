//! Makes the links of leads, and reads them again.

use std::sync::{Arc, OnceLock};

use leadrail_adapters::Links;
use leadrail_engine::{Access, RunId, Sees};

use super::{LinkId, LinkKey, LinkKind, PublicUrl};

/// Makes and reads links. Cheap to clone; the key is read from the database once.
#[derive(Clone, Debug)]
pub struct LinkMaker {
    database: Access,
    public_url: Option<PublicUrl>,
    key: Arc<OnceLock<LinkKey>>,
}

/// A lead's links, as its CRM is told of them.
#[derive(Clone, Debug, Default)]
pub struct OurLinks {
    recording: Option<String>,
    transcript: Option<String>,
}

impl OurLinks {
    /// As an adapter sees them.
    #[must_use]
    pub fn as_links(&self) -> Links<'_> {
        Links {
            recording: self.recording.as_deref(),
            transcript: self.transcript.as_deref(),
        }
    }
}

impl LinkMaker {
    /// Without a public URL, which makes none.
    #[must_use]
    pub fn new(database: impl Into<Access>) -> Self {
        Self {
            database: database.into(),
            public_url: None,
            key: Arc::default(),
        }
    }

    /// The same, with the key as far as these see it.
    #[must_use]
    pub fn seeing(&self, sees: Sees) -> Self {
        Self {
            database: self.database.seeing(sees),
            ..self.clone()
        }
    }

    /// Under this address.
    #[must_use]
    pub fn at(self, public_url: Option<PublicUrl>) -> Self {
        Self { public_url, ..self }
    }

    /// Whether it makes links: it has an address for them.
    #[must_use]
    pub fn makes_any(&self) -> bool {
        self.public_url.is_some()
    }

    /// The links that the CRM of a run's lead gets; none where there is no public URL.
    ///
    /// # Errors
    /// When the key cannot be read.
    pub async fn links(&self, run: RunId) -> sqlx::Result<OurLinks> {
        if self.public_url.is_none() {
            return Ok(OurLinks::default());
        }
        Ok(OurLinks {
            recording: self.link(run, LinkKind::Recording).await?,
            transcript: self.link(run, LinkKind::Transcript).await?,
        })
    }

    /// One of them.
    ///
    /// # Errors
    /// When the key cannot be read.
    pub async fn link(&self, run: RunId, kind: LinkKind) -> sqlx::Result<Option<String>> {
        let Some(url) = &self.public_url else {
            return Ok(None);
        };
        let id: LinkId = self.key().await?.id(run, kind);
        Ok(Some(url.link(&id)))
    }

    /// What an id leads to; none for one that this database did not make.
    ///
    /// # Errors
    /// When the key cannot be read.
    pub async fn read(&self, id: &str) -> sqlx::Result<Option<(RunId, LinkKind)>> {
        Ok(self.key().await?.read(id))
    }

    async fn key(&self) -> sqlx::Result<&LinkKey> {
        if let Some(key) = self.key.get() {
            return Ok(key);
        }
        let key = sqlx::query_scalar!("select k.key from leadrail.link_key k");
        let key = key.fetch_one(&self.database).await?;
        let key = <[u8; 32]>::try_from(key).map_err(|_| {
            sqlx::Error::Decode("the key of the links does not have 32 bytes".into())
        })?;
        // Whoever came first has read the same.
        Ok(self.key.get_or_init(|| LinkKey::new(key)))
    }
}
