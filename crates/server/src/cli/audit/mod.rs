//! `bursar audit`: the audit trail, verified, sealed, exported, and the key that signs it.

mod export;
mod keygen;
mod seal;
mod verify;

use std::path::PathBuf;

use bursar::compose::SetupError;
use clap::Subcommand;
use domain::audit::signing::PublicKey;
use payments::verify::audit::Trail;

use super::{StoreArgs, failed, say};

#[derive(Subcommand)]
pub(super) enum Audit {
    /// Make every segment again of its rows, compare objects with what rows say, and name what differs; also while a server runs.
    Verify(verify::Verify),
    /// Write the trail to files, as lines of JSON that can be verified on their own; also while a server runs.
    Export(export::Export),
    /// Seal all rows of a store in a file now. No server may run on it meanwhile.
    Seal(seal::Seal),
    /// Make a key that signs the chain.
    Keygen(keygen::Keygen),
}

impl Audit {
    pub(super) async fn run(self) -> Result<(), SetupError> {
        match self {
            Self::Verify(verify) => verify.run().await,
            Self::Export(export) => export.run().await,
            Self::Seal(seal) => seal.run().await,
            Self::Keygen(keygen) => keygen.run(),
        }
    }
}

/// What the trail comes to, in a line.
pub(super) fn line(trail: &Trail) -> String {
    let Trail { rows, segments, unsealed, signed, keys } = trail;
    let by = if keys.is_empty() {
        String::new()
    } else {
        format!(" by {}", keys.iter().map(PublicKey::to_string).collect::<Vec<_>>().join(", "))
    };
    format!("audit trail: {rows} rows, {unsealed} of them not sealed yet; {segments} segments, {signed} of them signed{by}\n")
}

/// The keys in these files.
fn public_keys(paths: &[PathBuf]) -> Result<Vec<PublicKey>, SetupError> {
    let read = |path: &PathBuf| {
        let what = format!("the public key {}", path.display());
        let text = std::fs::read_to_string(path).map_err(|e| failed(&what, e))?;
        PublicKey::from_pem(&text).map_err(|e| failed(&what, e))
    };
    paths.iter().map(read).collect()
}
