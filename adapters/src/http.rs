//! The layer that all CRMs share: from an adapter's request to a verdict and its evidence.

pub(crate) mod answer;
pub(crate) mod budget;
pub(crate) mod classify;
pub(crate) mod cut;
pub(crate) mod error;
pub(crate) mod evidence;
pub(crate) mod graphql;
mod keys;
mod named_secrets;
pub(crate) mod renewal;
pub(crate) mod request;
pub(crate) mod retry_after;
pub(crate) mod secrets;
pub(crate) mod session;
pub(crate) mod settings;
pub(crate) mod target;
pub(crate) mod verdict;
pub(crate) mod wire;

#[cfg(test)]
mod session_tests;
