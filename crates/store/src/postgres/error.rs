//! What the database and the connections to it say, in our words. Details of the database's are left out: they may hold
//! parts of records.

use deadpool_postgres::PoolError;
use tokio_postgres::Error;

/// What a failure of a statement or connection says.
pub(super) fn text(error: &Error) -> String {
    if let Some(said) = error.as_db_error() {
        return format!("{} ({})", said.message(), said.code().code());
    }
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// Why there is no connection.
pub(super) fn pool(error: &PoolError) -> String {
    match error {
        PoolError::Timeout(_) => "all connections are in use, or none could be made in time".to_owned(),
        PoolError::Backend(error) => text(error),
        PoolError::Closed | PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => hook(error),
    }
}

fn hook(error: &PoolError) -> String {
    match std::error::Error::source(error).and_then(std::error::Error::source) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
