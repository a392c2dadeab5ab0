//! Any bytes as what the embedded engine keeps: keys of records and lists, and packed bodies.
#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use store::embedded::fuzzing::{Kept, check};

#[derive(Arbitrary, Debug)]
struct Stored<'a> {
    row: i64,
    bytes: &'a [u8],
}

libfuzzer_sys::fuzz_target!(|stored: Stored<'_>| check(&Kept { row: stored.row, bytes: stored.bytes }));
