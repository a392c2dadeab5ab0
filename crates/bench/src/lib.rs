//! Bursar from outside: how fast it is beside what it could at best be, and what it remembers after a crash.
//!
//! Everything here talks HTTP to a server in a process of its own and looks at that process and its files;
//! only [`baseline`] runs inside a server, as the handlers that Bursar is compared with.
//!
//! - [`http`], [`request`]: the client; [`workload`], [`load`]: what is asked and how often; [`figures`]: what was seen
//! - [`process`], [`disk`]: the server and its files, watched from outside
//! - [`target`], [`suite`], [`growth`], [`compare`], [`postgres`], [`report`]: the measurements and their table
//! - [`overload`]: what is left when more is asked than can be done; [`webhooks`]: how soon and how often events are told, also after an outage
//! - [`crash`]: the harness that kills the server and compares what it told with what it kept
//!
//! Absent on purpose: knowledge of how Bursar works inside. Amounts are integers and so are all figures.

pub mod baseline;
pub mod compare;
pub mod crash;
pub mod disk;
mod error;
pub mod figures;
pub mod growth;
pub mod http;
pub mod load;
pub mod overload;
pub mod postgres;
pub mod process;
pub mod report;
pub mod request;
pub mod rng;
pub mod suite;
pub mod target;
pub mod webhooks;
pub mod workload;

pub use error::Error;
