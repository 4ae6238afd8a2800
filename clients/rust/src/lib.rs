//! Hands leads over to Leadrail and follows them.
//!
//! [`Client::push`] comes back with an answer or says that there was none: whatever passes (no
//! connection, a lost answer, 408, 425, 429, 5xx) is tried again with the same lead for as long as
//! [`Client::with_patience`] says. A lead that was handed over twice is kept once, because its `event_id`
//! is the same, so a lost answer is no trouble.
//!
//! ```no_run
//! # async fn hand_over() -> Result<(), leadrail_client::ClientError> {
//! let leadrail = leadrail_client::Client::new("https://leads.example.com", "lr_live_...")?;
//! let lead = leadrail_lead::example();
//! let kept = leadrail.push(&lead).await?;
//! println!("{} is {}", kept.event_id, kept.state);
//! # Ok(())
//! # }
//! ```

mod answers;
mod call;
mod client;
mod error;

pub use answers::{Accepted, Item, Problem, ProblemField, Warning};
pub use client::{Client, MAX_BATCH};
pub use error::ClientError;
