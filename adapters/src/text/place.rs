//! Whether two addresses are the same place, however they are written.

/// Whether two texts say the same; `None` if one of them says nothing.
pub(crate) fn agree(
    ours: Option<&str>,
    theirs: Option<&str>,
    key: fn(&str) -> String,
) -> Option<bool> {
    let ours = ours.map(key).filter(|key| !key.is_empty())?;
    let theirs = theirs.map(key).filter(|key| !key.is_empty())?;
    Some(ours == theirs)
}

/// Letters and digits only: case, punctuation and line breaks make no other place.
pub(crate) fn key(text: &str) -> String {
    let kept = text.chars().filter(|c| c.is_alphanumeric());
    kept.flat_map(char::to_lowercase).collect()
}

/// A postal code without the four digits that some add.
pub(crate) fn area(text: &str) -> String {
    key(text.split('-').next().unwrap_or_default())
}
