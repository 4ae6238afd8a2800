//! Links of ours to recordings and transcripts: what CRMs get instead of the payload's own, which die.
//!
//! A link is `https://<public_url>/r/<id>`, one a lead and kind. Its id follows from the run and the
//! kind under a key of this database ([`LinkKey`]), so nothing is written when a lead is accepted or
//! filed, and every retry and replay writes the same one.

mod fresh;
mod id;
mod maker;
mod public_url;

pub use fresh::{FreshLinkError, LinkSource, Wanted};
pub use id::{LinkId, LinkKey};
pub use maker::{LinkMaker, OurLinks};
pub use public_url::{PublicUrl, PublicUrlError};

use leadrail_outbound::OutboundUrl;
use secrecy::SecretString;
use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// What a link leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// The recording of a call.
    Recording,
    /// Its transcript.
    Transcript,
}

/// Where links are, and where fresh ones come from.
#[derive(Debug, Clone, Default)]
pub struct LinkSettings {
    /// The address under which people outside reach us; without one no CRM gets a link.
    pub public_url: Option<PublicUrl>,
    /// Whom to ask for a link that opens now, at each click; without one a link leads to the payload's
    /// own, as long as that lives.
    pub refresh_url: Option<OutboundUrl>,
    /// What we show there as a bearer token.
    pub refresh_secret: Option<SecretString>,
}

impl LinkKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Recording, Self::Transcript];

    /// The name in JSON, SQL and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recording => "recording",
            Self::Transcript => "transcript",
        }
    }
}

impl fmt::Display for LinkKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for LinkKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        known.ok_or_else(|| "a link is to a recording or a transcript".to_owned())
    }
}
