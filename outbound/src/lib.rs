//! One guarded way to every URL that is not ours.
//!
//! CRMs, hooks and whatever else people point us at are called through one [`Outbound`]. What comes
//! back is hostile input, and so is the URL itself: people paste it, and we call it from inside our
//! own network. So there are two questions, each answered in one place:
//!
//! - May it be **written** down? [`BaseUrl`] and [`OutboundUrl`] know: no password in it, `https`
//!   unless it names this machine, no host that nobody may ever call. Nothing is looked up.
//! - May it be **called**? The [`Guard`] knows: only public addresses, and what the configuration
//!   allows besides. It judges the addresses that the connection is then made to, at every
//!   connection, so a name that resolves differently the next time gains nothing.
//!
//! ```no_run
//! use std::time::Duration;
//! use leadrail_outbound::{Guard, Outbound, OutboundUrl};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let outbound = Outbound::new(Guard::public_only())?;
//! let url = OutboundUrl::parse("https://hooks.example.com/leads?key=1")?;
//! let request = reqwest::Request::new(http::Method::POST, url.into_url());
//! let received = outbound.call(request, Duration::from_secs(10), 1024).await;
//! println!("{:?} {:?}", received.head, received.fault);
//! # Ok(())
//! # }
//! ```

mod allow;
mod base_url;
mod client;
mod fault;
mod guard;
mod reach;
mod resolver;
mod url;

pub use self::allow::AllowError;
pub use self::base_url::BaseUrl;
pub use self::client::{Outbound, OutboundError, Received};
pub use self::fault::Fault;
pub use self::guard::{Forbidden, Guard};
pub use self::url::{OutboundUrl, UrlError};
