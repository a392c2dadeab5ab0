//! What goes on without a request.

pub mod expire;
pub mod recover;
