//! Any bytes as the typed parameters that lists, expansions, filters, texts and updates are made of.
#![no_main]

use std::collections::BTreeSet;

use bursar::params::{ExpandParam, MAX_EXPAND_LEVELS, MetadataParam, RangeParam, Text, Update, from_tree, parse_form, parse_json};
use serde::Deserialize;

#[derive(Deserialize)]
struct Parameters {
    limit: Option<i64>,
    created: Option<RangeParam>,
    #[serde(default)]
    expand: ExpandParam,
    #[serde(default)]
    metadata: MetadataParam,
    #[serde(default)]
    amount: Update<i64>,
    note: Option<Text<22>>,
    confirm: Option<bool>,
    types: Option<Vec<String>>,
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for tree in [parse_form(bytes), parse_json(bytes)].into_iter().flatten() {
        match from_tree::<Parameters>(&tree) {
            Ok(read) => check(read),
            Err(refused) => assert!(!refused.to_string().is_empty()),
        }
    }
});

fn check(read: Parameters) {
    if let Some(range) = read.created {
        for edge in [range.first, range.last].into_iter().flatten() {
            let empty = range.first.zip(range.last).is_some_and(|(first, last)| first > last);
            assert_eq!(range.contains(edge), !empty);
        }
    }
    let paths: Vec<&str> = read.expand.paths().collect();
    assert_eq!(paths.iter().collect::<BTreeSet<_>>().len(), paths.len());
    // One level more may name the elements of a list.
    assert!(paths.iter().all(|path| path.split('.').count() <= MAX_EXPAND_LEVELS + 1));
    assert!(read.note.is_none_or(|note| (1..=22).contains(&note.into_string().chars().count())));
    let _ = (read.limit, read.metadata, read.amount, read.confirm, read.types);
}
