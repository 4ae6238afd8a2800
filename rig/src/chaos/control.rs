//! Negative controls: one safeguard is taken away, from outside, and somebody must notice.
//!
//! The product has no switch for any of them. Without `look` the simulated CRM's lists show nothing
//! that was made, which equals not looking; without `settle` the connections say that effects land
//! at once while some land late; without `fence` the database's own function is rewritten.

/// The safeguard that is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Looking in the CRM after an unknown outcome, before making anything again.
    Look,
    /// Refusing writes of workers that were taken over.
    Fence,
    /// Waiting until an earlier call can no longer take effect.
    Settle,
}

impl Control {
    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::Fence => "fence",
            Self::Settle => "settle",
        }
    }
}
