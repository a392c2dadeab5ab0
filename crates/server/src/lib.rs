//! How the world reaches Bursar: the HTTP API, its documentation page, configuration and composition.
//!
//! Absent on purpose: payment rules.

pub mod api;
pub mod audit_files;
pub mod compose;
pub mod connections;
pub mod docs_page;
pub mod engines;
#[cfg(feature = "lambda")]
pub mod lambda;
pub mod limits;
pub mod metrics;
mod oauth;
pub mod params;
pub mod presenter;
pub mod serve;
mod sessions;
pub mod statement;
pub mod tls;
pub mod traces;
pub mod views;
pub mod webhooks;

pub use oauth::is_safe as is_safe_issuer;
