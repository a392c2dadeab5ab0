//! What can be wrong with a request's parameters, in the words of the API.
//!
//! Invariant: `message` and `param` hold names and rules, never a value that was sent.

use http::StatusCode;

use super::name;

/// How many unknown parameters one message lists: enough to repair a typo, too few to be an echo.
const MAX_NAMES: usize = 10;

/// Why parameters were refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParamErrorKind {
    /// The operation has no such parameter.
    Unknown,
    /// The operation needs this parameter.
    Missing,
    /// An integer was asked for.
    InvalidInteger,
    /// `true` or `false` was asked for.
    InvalidBoolean,
    /// Text was asked for.
    InvalidString,
    /// Named values were asked for.
    InvalidHash,
    /// A list was asked for.
    InvalidArray,
    /// One of these words was asked for.
    InvalidEnum {
        /// The words that are accepted.
        allowed: &'static [&'static str],
    },
    /// Empty, where nothing can be unset.
    Empty,
    /// Only white space.
    Blank,
    /// Longer than allowed.
    TooLong,
    /// Given twice, or as two different shapes.
    Repeated,
    /// The body is of a kind the API does not read.
    UnsupportedMediaType,
    /// Anything else; the message says it.
    Invalid,
}

/// Parameters that were refused: what the API answers with status 400 (415 for a body of another kind).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParamError {
    /// Why.
    pub kind: ParamErrorKind,
    /// Which one, as `card[exp_month]`; absent when the request as a whole is meant.
    pub param: Option<String>,
    /// For the developer who reads the answer.
    pub message: String,
}

impl ParamError {
    /// The machine-readable code, where the API has one for this kind.
    #[must_use]
    pub fn code(&self) -> Option<&'static str> {
        match self.kind {
            ParamErrorKind::Unknown => Some("parameter_unknown"),
            ParamErrorKind::Missing => Some("parameter_missing"),
            ParamErrorKind::InvalidInteger => Some("parameter_invalid_integer"),
            ParamErrorKind::Empty => Some("parameter_invalid_empty"),
            ParamErrorKind::Blank => Some("parameter_invalid_string_blank"),
            ParamErrorKind::InvalidBoolean
            | ParamErrorKind::InvalidString
            | ParamErrorKind::InvalidHash
            | ParamErrorKind::InvalidArray
            | ParamErrorKind::InvalidEnum { .. }
            | ParamErrorKind::TooLong
            | ParamErrorKind::Repeated
            | ParamErrorKind::UnsupportedMediaType
            | ParamErrorKind::Invalid => None,
        }
    }

    /// The HTTP status of the answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self.kind {
            ParamErrorKind::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// A parameter the operation needs is not there.
    #[must_use]
    pub fn missing(param: &str) -> Self {
        Self::about(ParamErrorKind::Missing, Some(name::shown(param)), "")
    }

    /// A parameter breaks a rule of its own; `message` must not repeat its value.
    #[must_use]
    pub fn invalid(param: &str, message: impl Into<String>) -> Self {
        Self { kind: ParamErrorKind::Invalid, param: Some(name::shown(param)), message: message.into() }
    }

    /// A parameter is not there, or breaks the rule its kind stands for.
    #[must_use]
    pub fn of_kind(kind: ParamErrorKind, param: &str) -> Self {
        Self::about(kind, Some(name::shown(param)), "")
    }

    /// The request as a whole cannot be read.
    pub(super) fn unreadable(message: impl Into<String>) -> Self {
        Self { kind: ParamErrorKind::Invalid, param: None, message: message.into() }
    }

    /// The operation has none of these parameters; `paths` are fit to be shown.
    pub(super) fn unknown(paths: Vec<String>) -> Self {
        let plural = if paths.len() == 1 { "" } else { "s" };
        let listed = paths.iter().take(MAX_NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = if paths.len() > MAX_NAMES { ", …" } else { "" };
        let message = format!("Received unknown parameter{plural}: {listed}{more}");
        Self { kind: ParamErrorKind::Unknown, param: paths.into_iter().next(), message }
    }

    /// `param` is fit to be shown; `rule` says what would have been right, where the kind alone does not.
    pub(super) fn about(kind: ParamErrorKind, param: Option<String>, rule: &str) -> Self {
        let what = param.as_deref().unwrap_or("request");
        let message = match &kind {
            ParamErrorKind::Unknown => format!("Received unknown parameter: {what}"),
            ParamErrorKind::Missing => format!("Missing required param: {what}."),
            ParamErrorKind::InvalidInteger => format!("Invalid integer: {what} must be a whole number in range."),
            ParamErrorKind::InvalidBoolean => format!("Invalid boolean: {what} must be true or false."),
            ParamErrorKind::InvalidString => format!("Invalid string: {what} must be text."),
            ParamErrorKind::InvalidHash => format!("Invalid object: {what} must have named values."),
            ParamErrorKind::InvalidArray => {
                format!("Invalid array: {what} must be a list, and indexes must count up from 0 without gaps.")
            }
            ParamErrorKind::InvalidEnum { allowed } => format!("Invalid {what}: must be one of {}", choices(allowed)),
            ParamErrorKind::Empty => {
                format!("{what} is empty. An empty value unsets a parameter, and {what} cannot be unset: leave it out or give it a value.")
            }
            ParamErrorKind::Blank => format!("{what} must not be blank."),
            ParamErrorKind::TooLong => format!("Invalid {what}: must be {rule}"),
            ParamErrorKind::Repeated => format!("{what} was given more than once, or in more than one shape."),
            ParamErrorKind::UnsupportedMediaType => {
                "The body must be application/x-www-form-urlencoded or application/json, in UTF-8.".to_owned()
            }
            ParamErrorKind::Invalid if rule.is_empty() => format!("Invalid {what}."),
            ParamErrorKind::Invalid => format!("Invalid {what}: {rule}"),
        };
        Self { kind, param, message }
    }
}

fn choices(allowed: &[&str]) -> String {
    match allowed {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first, second] => format!("{first} or {second}"),
        [all @ .., last] => format!("{}, or {last}", all.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_unknown_parameters_are_named_and_the_first_is_the_param() {
        let error = ParamError::unknown(vec!["foo".to_owned(), "bar".to_owned()]);
        assert_eq!(error.message, "Received unknown parameters: foo, bar");
        assert_eq!(error.param.as_deref(), Some("foo"));
        assert_eq!(error.code(), Some("parameter_unknown"));
    }

    #[test]
    fn choices_are_listed_as_a_sentence() {
        assert_eq!(choices(&["a"]), "a");
        assert_eq!(choices(&["a", "b"]), "a or b");
        assert_eq!(choices(&["a", "b", "c"]), "a, b, or c");
    }

    #[test]
    fn only_a_wrong_media_type_is_answered_with_415() {
        let media = ParamError::about(ParamErrorKind::UnsupportedMediaType, None, "");
        assert_eq!(media.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert_eq!(ParamError::missing("amount").status(), StatusCode::BAD_REQUEST);
    }

    #[test]
    fn a_card_number_given_as_a_name_is_masked_in_param_and_message() {
        let error = ParamError::missing("4242-4242-4242-4242");
        assert!(!format!("{error:?}").contains("4242"), "{error:?}");
    }
}
