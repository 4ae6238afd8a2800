//! The payload's word lists. All but the event are open: a word we do not know is kept as it is.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What the call led to. The only closed list: it decides whether a CRM hears of the lead at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum LeadEvent {
    /// A lead to file in the CRM.
    #[serde(rename = "lead.qualified")]
    Qualified,
    /// A call that is recorded and offered to hooks, never pushed to a CRM.
    #[serde(rename = "lead.unqualified")]
    Unqualified,
}

impl LeadEvent {
    /// Every event there is.
    pub const ALL: [Self; 2] = [Self::Qualified, Self::Unqualified];

    /// The event as the payload writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Qualified => "lead.qualified",
            Self::Unqualified => "lead.unqualified",
        }
    }
}

impl fmt::Display for LeadEvent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// A word as the lists write it: `Same day` is `same_day`.
fn plain(word: &str) -> String {
    let parts = word.split(|c: char| c.is_whitespace() || matches!(c, '_' | '-'));
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    parts.join("_").to_ascii_lowercase()
}

/// Declares an open word list: the words we know, and `Other` for the rest.
macro_rules! open_words {
    ($(#[$about:meta])* $name:ident { $($(#[$word_about:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$word_about])* $variant,)+
            /// A word this version does not know, passed through unchanged.
            Other(String),
        }

        impl $name {
            /// The words this version knows.
            pub const KNOWN: &'static [&'static str] = &[$($word),+];

            /// The word as the payload writes it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word,
                }
            }

            /// Whether this version knows the word; the ingest door warns if it does not.
            #[must_use]
            pub fn is_known(&self) -> bool {
                !matches!(self, Self::Other(_))
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                match plain(word).as_str() {
                    $($word => Self::$variant,)+
                    _ => Self::Other(word.to_owned()),
                }
            }
        }

        impl FromStr for $name {
            type Err = Infallible;

            fn from_str(word: &str) -> Result<Self, Infallible> {
                Ok(Self::from(word))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                String::deserialize(from).map(|word| Self::from(word.as_str()))
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "examples": Self::KNOWN })
            }
        }
    };
}

open_words! {
    /// Who called whom.
    Direction {
        /// The customer called.
        Inbound = "inbound",
        /// The contractor called.
        Outbound = "outbound",
    }
}

open_words! {
    /// How soon the caller needs someone; it sets the run's priority.
    Urgency {
        /// Now.
        Emergency = "emergency",
        /// Today.
        SameDay = "same_day",
        /// Within the week.
        SameWeek = "same_week",
        /// Whenever it suits.
        Flexible = "flexible",
    }
}

impl Urgency {
    /// The priority of a run: 0 goes first. An unknown urgency ranks as same day.
    #[must_use]
    pub fn priority(&self) -> i16 {
        match self {
            Self::Emergency => 0,
            Self::SameDay | Self::Other(_) => 1,
            Self::SameWeek => 2,
            Self::Flexible => 3,
        }
    }
}

open_words! {
    /// The caller's mood, as the analysis heard it.
    Sentiment {
        /// Pleased.
        Positive = "positive",
        /// Neither.
        Neutral = "neutral",
        /// Displeased.
        Negative = "negative",
    }
}

open_words! {
    /// What the analysis made of the call.
    QualificationStatus {
        /// Worth filing.
        Qualified = "qualified",
        /// Not worth filing; `disqualification_reason` says why.
        Unqualified = "unqualified",
    }
}
