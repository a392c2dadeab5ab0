//! Changes to the shop's own notes, as a request asks for them.

use domain::metadata::{self, Metadata};

use crate::error::Error;

/// What a request says of `metadata`.
#[derive(Clone, Debug, Default)]
pub enum Changes {
    /// Nothing.
    #[default]
    Keep,
    /// Remove all.
    Clear,
    /// Set these; an empty value removes its key.
    Merge(Vec<(String, String)>),
}

impl Changes {
    /// The notes after the change.
    ///
    /// # Errors
    /// Too many keys, or a key or value that is too long.
    pub fn apply(&self, current: &Metadata) -> Result<Metadata, Error> {
        match self {
            Self::Keep => Ok(current.clone()),
            Self::Clear => Ok(Metadata::default()),
            Self::Merge(changes) => current.merge(changes).map_err(|e| refused(&e)),
        }
    }
}

fn refused(error: &metadata::Error) -> Error {
    Error::Parameter { param: "metadata", code: None, message: format!("The metadata cannot be kept: {error}.") }
}
