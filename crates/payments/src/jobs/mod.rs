//! What goes on without a request.

pub mod books;
pub mod checkpoint;
pub mod due;
pub mod expire;
pub mod notices;
pub mod recover;
pub mod seal;
pub mod waits;
