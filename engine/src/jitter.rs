//! The spread of waits, so that those who wait for the same thing do not come back together.

/// Uniform in -1.0..=1.0.
pub(crate) fn roll() -> f64 {
    #[cfg(test)]
    if let Some(simulated) = crate::simulation::roll() {
        return simulated;
    }
    rand::random_range(-1.0..=1.0)
}
