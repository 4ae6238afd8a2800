//! The ids of links: they say nothing to anybody but us, and nobody else can make one.
//!
//! An id is 32 bytes in base64url. The first 16 are a keyed hash of the run and the kind: 128 bits that
//! nobody can tell from random ones or guess. The other 16 are the run's id, hidden under a keyed hash of
//! the first. So the row is found without a table of links, and what was made up is told from what is ours
//! without asking the database. (It is the construction of SIV: the tag of a message as the nonce of
//! its encryption.)

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use leadrail_engine::RunId;
use secrecy::{ExposeSecret as _, SecretBox};
use sha2::Sha256;
use uuid::Uuid;

use super::LinkKind;

const HALF: usize = 16;
/// Of 32 bytes in base64url without padding.
const CHARS: usize = 43;

/// The key of a database's links. Made with the database, the same for its whole life: another one
/// would be the end of every link that stands in a CRM.
pub struct LinkKey(SecretBox<[u8; 32]>);

/// What stands behind `/r/`.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkId(String);

impl LinkKey {
    /// The key in these bytes.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self(SecretBox::new(Box::new(key)))
    }

    /// The id of a lead's link.
    #[must_use]
    pub fn id(&self, run: RunId, kind: LinkKind) -> LinkId {
        let tag = self.tag(run, kind);
        let hidden = self.hidden(run.0.as_bytes(), &tag);
        LinkId(URL_SAFE_NO_PAD.encode([tag, hidden].concat()))
    }

    /// What an id leads to; none for one that is not ours.
    #[must_use]
    pub fn read(&self, id: &str) -> Option<(RunId, LinkKind)> {
        let bytes = (id.len() == CHARS).then(|| URL_SAFE_NO_PAD.decode(id).ok())??;
        let (tag, hidden) = bytes.split_first_chunk::<HALF>()?;
        let run = RunId(Uuid::from_bytes(self.hidden(hidden.first_chunk()?, tag)));
        let ours = |kind: &LinkKind| {
            let mac = self.mac(&tagged(&run, *kind));
            mac.verify_truncated_left(tag).is_ok()
        };
        let kind = LinkKind::ALL.into_iter().find(ours)?;
        Some((run, kind))
    }

    fn tag(&self, run: RunId, kind: LinkKind) -> [u8; HALF] {
        first_half(self.mac(&tagged(&run, kind)))
    }

    /// Hides 16 bytes under a tag, or shows them again.
    fn hidden(&self, bytes: &[u8; HALF], tag: &[u8; HALF]) -> [u8; HALF] {
        let mask = first_half(self.mac(&[b"run", tag]));
        std::array::from_fn(|at| bytes[at] ^ mask[at])
    }

    fn mac(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mac = Hmac::new_from_slice(self.0.expose_secret());
        let mut mac = mac.expect("a key of any length will do");
        parts.iter().for_each(|part| mac.update(part));
        mac
    }
}

/// What the tag of a lead's link is made from.
fn tagged(run: &RunId, kind: LinkKind) -> [&[u8]; 3] {
    [b"link", run.0.as_bytes(), kind.as_str().as_bytes()]
}

fn first_half(mac: Hmac<Sha256>) -> [u8; HALF] {
    let whole: [u8; 32] = mac.finalize().into_bytes().into();
    std::array::from_fn(|at| whole[at])
}

impl fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkKey")
    }
}

impl LinkId {
    /// For the address that a CRM gets, and nowhere else: whoever has it has the recording.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkId")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn key(byte: u8) -> LinkKey {
        LinkKey::new([byte; 32])
    }

    #[test]
    fn an_id_leads_to_its_lead_and_kind_and_is_the_same_every_time() {
        let run = RunId::new();
        for kind in LinkKind::ALL {
            let id = key(7).id(run, kind);
            assert_eq!(id, key(7).id(run, kind));
            assert_eq!(key(7).read(id.as_str()), Some((run, kind)));
            assert_eq!(key(8).read(id.as_str()), None, "another database's");
        }
    }

    #[test]
    fn ids_do_not_tell_the_run_the_time_or_each_other() {
        let runs: Vec<_> = (0..200).map(|_| RunId::new()).collect();
        let ids = runs
            .iter()
            .flat_map(|run| LinkKind::ALL.map(|kind| key(7).id(*run, kind)));
        let ids: Vec<_> = ids
            .map(|id| URL_SAFE_NO_PAD.decode(id.as_str()).unwrap())
            .collect();
        for at in [0, HALF] {
            let eighths: HashSet<_> = ids.iter().map(|id| id[at..at + 8].to_vec()).collect();
            assert_eq!(eighths.len(), ids.len(), "no two begin alike");
        }
    }

    #[test]
    fn what_is_not_an_id_of_ours_leads_nowhere() {
        let id = key(7).id(RunId::new(), LinkKind::Recording);
        let id = id.as_str();
        for at in 0..CHARS - 1 {
            let mut other = id.to_owned();
            let instead = if &id[at..=at] == "A" { "B" } else { "A" };
            other.replace_range(at..=at, instead);
            assert_eq!(key(7).read(&other), None, "{at}");
        }
        let long = id.repeat(1_000);
        for other in [
            "",
            "x",
            &id[1..],
            &format!("{id}="),
            &long,
            "é".repeat(43).as_str(),
        ] {
            assert_eq!(key(7).read(other), None, "{other}");
        }
    }
}
