//! Who is let in: under which names the API may be called, and whether a key is asked for.

/// Under which names the API may be called, and whether a key is asked for.
///
/// Whoever is on this machine and calls it by one of its own names needs no key unless `keys_required`;
/// whoever calls it by any other name always needs one.
#[derive(Clone, Debug, Default)]
pub struct Admission {
    /// Names besides this machine's own, lower-case and without a port: those of a proxy before it.
    pub hosts: Vec<String>,
    /// Whether even callers on this machine need a key.
    pub keys_required: bool,
}

impl Admission {
    /// Whether this is one of the names that were configured.
    pub(crate) fn names(&self, host: &str) -> bool {
        self.hosts
            .iter()
            .any(|known| known.eq_ignore_ascii_case(host))
    }
}
