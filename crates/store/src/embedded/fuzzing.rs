//! What a fuzzer may hand to the codecs, which are private otherwise: only with the feature `fuzzing`, which no build
//! that is used has.
#![allow(clippy::panic, reason = "a panic is how a fuzzer is told")]

use super::codec;
use crate::bodies::{Bodies, DICTIONARY};

/// Bytes as they might stand in the file.
#[derive(Clone, Copy, Debug)]
pub struct Kept<'a> {
    /// A row number.
    pub row: i64,
    /// A key, or a body.
    pub bytes: &'a [u8],
}

/// Reads the bytes as everything that they could be. What can be read as a key is a key of just these bytes, or of
/// the shorter ones that the engine would have written; a body that was packed comes back.
///
/// # Panics
/// If one of this does not hold.
pub fn check(kept: &Kept<'_>) {
    let bytes = kept.bytes;
    if let Some((scope, id)) = codec::parse_object_key(kept.row, bytes) {
        assert_eq!(codec::parse_object_key(id.row(), &codec::object_key(scope, id)), Some((scope, id)));
    }
    if let Some((scope, name)) = codec::parse_named_key(bytes) {
        assert_eq!(codec::parse_named_key(&codec::named_key(scope, name)), Some((scope, name)));
    }
    if let Some((scope, index, parent)) = codec::parse_list_key(bytes) {
        assert_eq!(codec::parse_list_key(&codec::list_key(scope, index, parent)), Some((scope, index, parent)));
    }
    let Some(bodies) = Bodies::new(DICTIONARY) else { panic!("the dictionary cannot be used") };
    let _ = bodies.unpack(bytes);
    let packed = bodies.pack(bytes.to_vec());
    assert_eq!(packed.and_then(|packed| bodies.unpack(&packed)).as_deref(), Ok(bytes));
}
