//! How much of a list is asked for at once.

use super::error::AdapterResult;

/// How many records a page has at first: what most CRMs allow, of records of any usual length.
pub(crate) const FEW: u32 = 50;

/// How many pages of the first size are read before a look-up gives up.
pub(crate) const MOST_PAGES: u32 = 40;

/// The next piece of a list. Where one is longer than we read, smaller ones are asked for: one
/// customer with hundreds of addresses must not make a look-up impossible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    size: u32,
    read: u32,
    most: u32,
}

impl Cut {
    /// The first piece.
    pub(crate) fn of(size: u32) -> Self {
        Self {
            size,
            read: 0,
            most: size * MOST_PAGES,
        }
    }

    /// How many records it has.
    pub(crate) fn size(self) -> u32 {
        self.size
    }

    /// Its number, where pages of that size are counted from 1.
    pub(crate) fn page(self) -> u32 {
        self.read / self.size + 1
    }

    /// Whether so much of the list was read that nobody reads on.
    pub(crate) fn is_too_far(self) -> bool {
        self.read >= self.most
    }

    /// The piece after it.
    pub(crate) fn next(self) -> Self {
        Self {
            read: self.read + self.size,
            ..self
        }
    }

    /// The piece that begins at the same place and is shorter, where this one was too long to read.
    /// Its size divides this one's, so pages still begin where records were left off.
    pub(crate) fn instead_of<T>(self, answer: &AdapterResult<T>) -> Option<Self> {
        let too_long = answer
            .as_ref()
            .is_err_and(super::error::AdapterError::is_too_long);
        let part = [2, 5]
            .into_iter()
            .find(|part| self.size.is_multiple_of(*part));
        let size = part.map_or(1, |part| self.size / part);
        (too_long && size < self.size).then_some(Self { size, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::error::{AdapterError, Failure};

    fn failed(reason: &'static str) -> AdapterResult<()> {
        Err(AdapterError::NotDone(Failure::new(reason, "")))
    }

    #[test]
    fn a_piece_that_is_too_long_is_cut_until_it_has_one_record() {
        for start in [1, 7, FEW, 500] {
            let mut cut = Cut::of(start).next().next();
            let at = cut.read;
            while let Some(smaller) = cut.instead_of(&failed("body_too_large")) {
                assert!(smaller.size() < cut.size());
                cut = smaller;
                assert_eq!((cut.page() - 1) * cut.size(), at, "from {start}: {cut:?}");
            }
            assert_eq!(cut.size(), 1, "from {start}");
        }
    }

    #[test]
    fn no_other_failure_makes_a_piece_smaller() {
        assert_eq!(Cut::of(FEW).instead_of(&failed("timeout")), None);
        assert_eq!(Cut::of(FEW).instead_of(&Ok(())), None);
    }
}
