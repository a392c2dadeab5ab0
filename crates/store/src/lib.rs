//! What Bursar keeps, and the engines that keep it.
//!
//! One contract, [`Store`], shaped so that distributed engines are first class: records are found by
//! [`Key`], lists by [`List`], and everything that must happen together is one [`Batch`] whose writes carry
//! preconditions. All of a batch lands, durably, or nothing does.
//!
//! - [`key`], [`batch`], [`contract`]: the words of the contract.
//! - [`memory`]: the engine for tests and simulation; the contract's plainest reading.
//! - [`embedded`]: the default engine, one `SQLite` file.
//! - [`postgres`]: the engine for several machines, a `PostgreSQL` database.
//! - `dynamodb` (feature): the engine for as many as there are, a `DynamoDB` table.
//! - `conformance` (feature): the rules as tests that run on any engine.
//!
//! Absent on purpose: any knowledge of what a body means, interactive transactions, counters, queries by
//! content, and the choice of an engine (the server's).

pub mod batch;
mod bodies;
mod codec;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod contract;
#[cfg(test)]
mod differential;
#[cfg(feature = "dynamodb")]
pub mod dynamodb;
pub mod embedded;
pub mod key;
pub mod memory;
pub mod postgres;

pub use batch::{Batch, InvalidBatch, Precondition, Write};
pub use contract::{CommitError, Cursor, Exported, ExportedLink, InvalidRead, Item, Order, ReadError, Scan, Store};
pub use key::{Index, Key, Kind, List, NamedKey, ObjectKey};
