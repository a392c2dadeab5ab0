//! What access tokens need of the store: the keys that sign those of this platform, and the outside issuers that are trusted.
//!
//! A server knows both as they were a few seconds ago at most. Absent on purpose: tokens, which are written and read where HTTP is;
//! and the keys of outside issuers, which they publish.

mod issuers;
mod keys;

use std::sync::Arc;

use domain::time::Timestamp;
use domain::token_issuer::TokenIssuer;
use domain::token_key::TokenKey;
use parking_lot::Mutex;

pub use issuers::NewIssuer;
pub use keys::Signer;

use crate::audit::Learned;

/// Something that was read, and when.
type Read<T> = Mutex<Option<(Learned, Arc<Vec<T>>)>>;

/// What this process knows.
#[derive(Default)]
pub(crate) struct Known {
    keys: Read<TokenKey>,
    issuers: Read<TokenIssuer>,
}

fn fresh<T>(read: &Read<T>, now: Timestamp) -> Option<Arc<Vec<T>>> {
    let now = Learned::at(now);
    read.lock().as_ref().filter(|(learned, _)| learned.is_fresh(now)).map(|(_, all)| Arc::clone(all))
}

fn keep<T>(read: &Read<T>, learned: Learned, all: Vec<T>) -> Arc<Vec<T>> {
    let all = Arc::new(all);
    *read.lock() = Some((learned, Arc::clone(&all)));
    all
}
