//! Any bytes as a JSON body: read or refused, within the bounds of a request; what is read is JSON.
#![no_main]

use bursar::params::{MAX_DEPTH, MAX_FIELDS, parse_json};
use bursar_fuzz::{depth, size};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    match parse_json(bytes) {
        Ok(tree) => {
            assert!(serde_json::from_slice::<serde_json::Value>(bytes).is_ok());
            assert!(depth(&tree) <= MAX_DEPTH && size(&tree) <= MAX_FIELDS);
        }
        Err(refused) => assert!(!refused.to_string().is_empty()),
    }
});
