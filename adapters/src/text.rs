//! Words fit for a CRM's fields, and the note that a dispatcher reads.

pub(crate) mod html;
pub(crate) mod line;
pub(crate) mod note;
pub(crate) mod place;
