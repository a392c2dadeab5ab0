//! Texts with rules of their own, checked by the domain before they are kept.

use domain::contact::is_email;
use domain::statement::{self, Part};

use crate::change::Change;
use crate::error::Error;

/// # Errors
/// The text cannot be an e-mail address.
pub(crate) fn email(param: &'static str, text: Option<&String>) -> Result<(), Error> {
    if text.is_none_or(|text| is_email(text)) {
        return Ok(());
    }
    Err(Error::Parameter { param, code: Some("email_invalid"), message: "Invalid email address.".to_owned() })
}

/// # Errors
/// The text cannot be that part of a statement's line.
pub(crate) fn statement(part: Part, text: Option<&String>) -> Result<(), Error> {
    let Some(Err(refusal)) = text.map(|text| statement::check(part, text)) else { return Ok(()) };
    let (param, what) = match part {
        Part::Whole => ("statement_descriptor", "The statement descriptor"),
        Part::Prefix => ("statement_descriptor_prefix", "The statement descriptor's prefix"),
        Part::Suffix => ("statement_descriptor_suffix", "The statement descriptor's suffix"),
    };
    Err(Error::Parameter { param, code: None, message: format!("{what} {refusal}.") })
}

/// What a change sets, if it sets anything.
pub(crate) const fn set<T>(change: &Change<T>) -> Option<&T> {
    match change {
        Change::Set(value) => Some(value),
        Change::Keep | Change::Clear => None,
    }
}
