//! Which crate may use which: checked, not hoped for.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::path::Path;

/// The crates of the workspace that each may name among its dependencies.
const MAY_USE: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("store", &["domain"]),
    ("providers", &["domain"]),
    ("payments", &["domain", "store", "providers"]),
    ("server", &["domain", "store", "providers", "payments"]),
    ("simulation", &["domain", "store", "providers", "payments"]),
];
const OURS: &[&str] = &["domain", "store", "providers", "payments", "bursar"];

#[test]
fn dependencies_point_inwards_only() {
    for (name, allowed) in MAY_USE {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(name).join("Cargo.toml");
        let text = std::fs::read_to_string(manifest).unwrap();
        let used = text.lines().filter_map(|line| line.split(['.', ' ', '=']).next()).filter(|dependency| OURS.contains(dependency));
        for dependency in used {
            assert!(allowed.contains(&dependency), "{name} must not use {dependency}");
        }
    }
}
