//! Why a measurement could not be made.

use std::path::PathBuf;
use std::time::Duration;

use crate::http::HttpError;

/// Why a measurement or a crash run could not be made; wrong results are findings, not errors.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Files or processes.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A program could not be started.
    #[error("cannot start {program}: {source}", program = program.display())]
    Program {
        /// The program.
        program: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The server gave no answer where one is needed.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The server answered otherwise than a measurement needs.
    #[error("{what} was answered with {status}: {body}")]
    Unexpected {
        /// What was asked.
        what: &'static str,
        /// The status.
        status: u16,
        /// The head of the answer.
        body: String,
    },
    /// The process ended, or ended with a failure.
    #[error("the server ended{}", said(log))]
    Ended {
        /// The end of its log; empty if none is kept.
        log: String,
    },
    /// There is no server any more, or it accepts nothing.
    #[error("there is no server that accepts anything")]
    Gone,
    /// The process did not become ready.
    #[error("the server was not ready within {0:?}")]
    NotReady(Duration),
    /// The process did not stop when asked.
    #[error("the server did not stop within {0:?} and was killed")]
    NotStopped(Duration),
    /// Answers were still due long after the end of a measurement.
    #[error("answers were still due {0:?} after the end")]
    Stuck(Duration),
    /// The log of the ceiling.
    #[error("ceiling: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A server with a stand-in for its operations could not be put together.
    #[error("stand-in: {0}")]
    StandIn(String),
    /// A program of PostgreSQL's failed.
    #[error("PostgreSQL's programs: {0}")]
    Pgbench(String),
    /// A histogram could not be made.
    #[error("histogram: {0}")]
    Histogram(#[from] hdrhistogram::CreationError),
    /// The failing disk could not be compiled.
    #[error("the C compiler failed")]
    Compiler,
    /// All ports that were tried are taken.
    #[error("no free port")]
    NoPort,
    /// A task of the load generator broke down.
    #[error("a worker of the load generator broke down")]
    Worker,
}

fn said(log: &str) -> String {
    if log.is_empty() { String::new() } else { format!("; its log ends:\n{log}") }
}
