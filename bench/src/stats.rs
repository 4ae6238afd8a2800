//! Figures from samples.

use serde::Serialize;

/// How long samples took.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Quantiles {
    /// The median, in milliseconds.
    pub p50_ms: f64,
    /// The 95th percentile, in milliseconds.
    pub p95_ms: f64,
    /// The 99th percentile, in milliseconds.
    pub p99_ms: f64,
    /// The longest, in milliseconds.
    pub max_ms: f64,
}

impl Quantiles {
    /// Of these milliseconds; not a number without any.
    pub(crate) fn of(mut millis: Vec<f64>) -> Self {
        millis.sort_by(f64::total_cmp);
        let last = millis.len().saturating_sub(1);
        let at = |share: usize| {
            let place = (millis.len() * share / 100).min(last);
            millis.get(place).copied().unwrap_or(f64::NAN)
        };
        Self {
            p50_ms: at(50),
            p95_ms: at(95),
            p99_ms: at(99),
            max_ms: at(100),
        }
    }
}

/// The middle one; not a number without any.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantiles_of_a_hundred_are_where_they_should_be() {
        let of = Quantiles::of((1..=100).rev().map(f64::from).collect());
        assert_eq!((of.p50_ms, of.p95_ms), (51.0, 96.0));
        assert_eq!((of.p99_ms, of.max_ms), (100.0, 100.0));
        assert!(Quantiles::of(Vec::new()).p50_ms.is_nan());
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), 2.0);
    }
}
