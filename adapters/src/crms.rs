//! The CRMs, a folder each. What they share stands in `http/` and `text/`.

pub mod gohighlevel;
pub mod housecall_pro;
pub mod hubspot;
pub mod jobber;
pub mod pipedrive;
pub mod servicetitan;
pub mod workiz;
