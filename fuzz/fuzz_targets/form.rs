//! Any bytes as a form: read or refused, within the bounds of a request, and a refusal can be told.
#![no_main]

use bursar::params::{MAX_DEPTH, MAX_FIELDS, parse_form};
use bursar_fuzz::{depth, size};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    match parse_form(bytes) {
        Ok(tree) => assert!(depth(&tree) <= MAX_DEPTH && size(&tree) <= MAX_FIELDS),
        Err(refused) => assert!(!refused.to_string().is_empty()),
    }
});
