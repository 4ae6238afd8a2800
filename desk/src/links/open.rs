//! Follows a link of ours: where it leads now, or what may be said instead.

use crate::desk::Desk;
use crate::error::DeskResult;
use chrono::{DateTime, Utc};
use leadrail_connections::links::{FreshLinkError, LinkKind, Wanted};
use leadrail_engine::{RunId, kind_of_database_error};
use leadrail_lead::Lead;
use leadrail_outbound::OutboundUrl;
use serde_json::Value;

/// Where a link leads.
#[derive(Debug)]
pub enum Opened {
    /// There: the address opens the recording, so it is for the caller's eyes alone.
    There(OutboundUrl),
    /// Nowhere now.
    Lost {
        /// Why.
        why: Lost,
        /// What may be said of the call; nothing where nothing may be said any more.
        call: Option<ToldCall>,
    },
}

/// Why a link leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// It is none of ours.
    Unknown,
    /// Its lead was erased, or is older than we keep leads.
    Forgotten,
    /// It was taken back.
    Revoked,
    /// The payload's own link has died, and nobody is asked for another.
    Ended,
    /// The recording is kept no more.
    NotKept,
    /// Whoever keeps the recordings did not answer. Another time it may be there.
    NotNow,
}

impl Lost {
    /// In a word, for figures and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Forgotten => "forgotten",
            Self::Revoked => "revoked",
            Self::Ended => "ended",
            Self::NotKept => "not_kept",
            Self::NotNow => "not_now",
        }
    }
}

/// What whoever has a link may be told of its call: nothing of the caller, and nothing that was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldCall {
    /// What the link was to.
    pub kind: LinkKind,
    /// The call's id, by which to ask for it; empty where it has none.
    pub call_id: String,
    /// When the call was, or when it was told.
    pub at: DateTime<Utc>,
}

/// A link's lead, as it is now.
struct Kept {
    account: String,
    input: Value,
    created_at: DateTime<Utc>,
    now: DateTime<Utc>,
    revoked: bool,
}

/// What a link may lead to.
struct Held {
    account: String,
    lead: Lead,
    /// The payload's own link.
    link: String,
    /// The same, while it opens.
    original: Option<OutboundUrl>,
}

impl Desk {
    /// Follows the link with this id. Nothing is used up by it: it may be followed again, by anybody.
    ///
    /// # Errors
    /// No vault key, as a service always has, or when the database cannot be read.
    pub async fn open_link(&self, id: &str) -> DeskResult<Opened> {
        let Some((run, kind)) = self.doors()?.links().read(id).await? else {
            return Ok(said(None, Opened::lost(Lost::Unknown)));
        };
        let Some(kept) = self.kept(run, kind).await? else {
            return Ok(said(Some(kind), Opened::lost(Lost::Forgotten)));
        };
        let opened = self.follow(kind, kept).await;
        if matches!(opened, Opened::There(_)) {
            self.count_opened(run, kind).await;
        }
        Ok(said(Some(kind), opened))
    }

    /// Whether a link leads anywhere, without asking whoever keeps the recordings and without counting; as far
    /// as can be said so, what following it says.
    ///
    /// # Errors
    /// As [`Desk::open_link`].
    pub async fn look_at_link(&self, id: &str) -> DeskResult<Option<Lost>> {
        let Some((run, kind)) = self.doors()?.links().read(id).await? else {
            return Ok(Some(Lost::Unknown));
        };
        Ok(match self.kept(run, kind).await? {
            None => Some(Lost::Forgotten),
            Some(kept) => match self.held(kind, kept) {
                Err(why) => Some(why),
                Ok(held) => self.leads_nowhere(&held).then_some(Lost::Ended),
            },
        })
    }

    async fn follow(&self, kind: LinkKind, kept: Kept) -> Opened {
        let held = match self.held(kind, kept) {
            Ok(held) => held,
            Err(why) => return Opened::lost(why),
        };
        let fresh = self.fresh(kind, &held).await;
        let Held { lead, original, .. } = held;
        let told = ToldCall {
            kind,
            at: lead.call.started_at.unwrap_or(lead.timestamp_utc),
            call_id: lead.call.call_id,
        };
        match (fresh, original) {
            (Some(Ok(url)), _) => Opened::There(url),
            (Some(Err(FreshLinkError::Gone)), _) => told.lost(Lost::NotKept),
            (_, Some(url)) => Opened::There(url),
            (Some(Err(FreshLinkError::NoAnswer(_))), None) => told.lost(Lost::NotNow),
            (None, None) => told.lost(Lost::Ended),
        }
    }

    /// What there is of a link before anybody is asked; or why there is nothing.
    fn held(&self, kind: LinkKind, kept: Kept) -> Result<Held, Lost> {
        if kept.revoked {
            return Err(Lost::Revoked);
        }
        let lead = Lead::received(kept.input, kept.created_at).map_err(|_| Lost::Forgotten)?;
        let link = match kind {
            LinkKind::Recording => lead.call.recording_url.as_deref(),
            LinkKind::Transcript => lead.call.transcript_url.as_deref(),
        };
        let link = link.map(str::trim).ok_or(Lost::Forgotten)?.to_owned();
        let lives = kept.now < dies_at(&link).unwrap_or_else(|| lead.links_expire_at());
        let original = OutboundUrl::parse(bare_of_fragment(&link)).ok();
        Ok(Held {
            account: kept.account,
            original: original.filter(|url| lives && self.may_lead_to(url)),
            lead,
            link,
        })
    }

    fn leads_nowhere(&self, held: &Held) -> bool {
        let asks = self
            .doors()
            .is_ok_and(|doors| doors.link_source().is_some());
        held.original.is_none() && !asks
    }

    fn may_lead_to(&self, url: &OutboundUrl) -> bool {
        self.doors().is_ok_and(|doors| doors.may_lead_to(url))
    }

    /// A link that opens now; none where nobody is asked.
    async fn fresh(
        &self,
        kind: LinkKind,
        held: &Held,
    ) -> Option<Result<OutboundUrl, FreshLinkError>> {
        let source = self.doors().ok()?.link_source()?;
        let wanted = Wanted {
            kind,
            account: &held.account,
            event_id: &held.lead.event_id.to_string(),
            call_id: &held.lead.call.call_id,
            url: held.link.split(['?', '#']).next().unwrap_or_default(),
        };
        let fresh = source.link(&wanted).await;
        if let Err(FreshLinkError::NoAnswer(why)) = fresh {
            tracing::warn!(why, "links.refresh_url gave no link for a {kind}: {why}");
        }
        Some(fresh)
    }

    /// The lead of a link; none where there is none any more.
    async fn kept(&self, run: RunId, kind: LinkKind) -> DeskResult<Option<Kept>> {
        let kept = sqlx::query_as!(
            Kept,
            r#"
            select l.account, r.input as "input!", r.created_at as "created_at!",
                   leadrail.now() as "now!", k.revoked_at is not null as "revoked!"
            from leadrail.link k
            right join leadrail.lead l on k.run_id = l.run_id and k.kind = $2
            join leadrail.seen_run r on r.id = l.run_id
            where l.run_id = $1
            "#,
            run.0,
            kind.as_str()
        );
        Ok(kept.fetch_optional(self.engine().access()).await?)
    }

    /// Whoever follows a link is not to wait for it, nor to hear that it could not be counted.
    async fn count_opened(&self, run: RunId, kind: LinkKind) {
        let counted = sqlx::query!(
            "
            insert into leadrail.link as k (run_id, kind, opened, last_opened_at)
            values ($1, $2, 1, leadrail.now())
            on conflict (run_id, kind) do update
            set opened = k.opened + 1, last_opened_at = excluded.last_opened_at
            ",
            run.0,
            kind.as_str()
        );
        if let Err(error) = counted.execute(self.engine().access()).await {
            let why = kind_of_database_error(&error);
            tracing::warn!(why, "A followed link could not be counted: {why}");
        }
    }
}

impl Opened {
    fn lost(why: Lost) -> Self {
        Self::Lost { why, call: None }
    }
}

impl ToldCall {
    fn lost(self, why: Lost) -> Opened {
        Opened::Lost {
            why,
            call: Some(self),
        }
    }
}

/// Counts it, without saying whose it is.
fn said(kind: Option<LinkKind>, opened: Opened) -> Opened {
    let outcome = match &opened {
        Opened::There(_) => "opened",
        Opened::Lost { why, .. } => why.as_str(),
    };
    let kind = kind.map_or("none", LinkKind::as_str);
    metrics::counter!("leadrail_links_followed_total", "kind" => kind, "outcome" => outcome)
        .increment(1);
    tracing::debug!(kind, outcome, "A link was followed: {outcome}");
    opened
}

/// What is behind `#` is never sent.
fn bare_of_fragment(link: &str) -> &str {
    link.split('#').next().unwrap_or_default()
}

/// When a link dies by what its own signature says, as the large storages write it.
fn dies_at(link: &str) -> Option<DateTime<Utc>> {
    let url = OutboundUrl::parse(bare_of_fragment(link)).ok()?;
    let pairs: Vec<_> = url.as_url().query_pairs().collect();
    let value = |name: &str| {
        let mut pairs = pairs.iter();
        let found = pairs.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_ref())
    };
    for storage in ["X-Amz", "X-Goog"] {
        let signed = value(&format!("{storage}-Date")).and_then(basic_time);
        let lives = value(&format!("{storage}-Expires")).and_then(|text| text.parse().ok());
        if let (Some(signed), Some(seconds)) = (signed, lives) {
            return signed.checked_add_signed(chrono::TimeDelta::try_seconds(seconds)?);
        }
    }
    let until = value("Expires").and_then(|text| text.parse().ok());
    until
        .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
        .or_else(|| {
            DateTime::parse_from_rfc3339(value("se")?)
                .ok()
                .map(Into::into)
        })
}

/// `20261127T201800Z`.
fn basic_time(text: &str) -> Option<DateTime<Utc>> {
    let time = chrono::NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%SZ");
    time.ok().map(|time| time.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_says_when_its_link_dies() {
        let base = "https://storage.example/r.mp3";
        let rows = [
            (
                "?X-Amz-Date=20261127T201800Z&X-Amz-Expires=3600",
                Some("2026-11-27T21:18:00Z"),
            ),
            (
                "?x-goog-date=20261127T201800Z&x-goog-expires=60#t=3",
                Some("2026-11-27T20:19:00Z"),
            ),
            (
                "?Expires=1795810680&Signature=x",
                Some("2026-11-27T20:18:00Z"),
            ),
            (
                "?sv=1&se=2026-11-27T20%3A18%3A00Z&sig=x",
                Some("2026-11-27T20:18:00Z"),
            ),
            ("?X-Amz-Date=yesterday&X-Amz-Expires=3600", None),
            (
                "?X-Amz-Date=20261127T201800Z&X-Amz-Expires=9223372036854775807",
                None,
            ),
            ("?Expires=9223372036854775807", None),
            ("?signature=5f2c", None),
            ("", None),
        ];
        for (query, expected) in rows {
            let expected = expected.map(|time| time.parse().unwrap());
            assert_eq!(dies_at(&format!("{base}{query}")), expected, "{query}");
        }
        assert_eq!(dies_at("not a link"), None);
    }
}
