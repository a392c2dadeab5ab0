//! `bursar audit keygen`.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use bursar::compose::SetupError;
use clap::Args;
use domain::audit::signing::SigningKey;
use zeroize::Zeroizing;

use super::{failed, say};

/// Of the file of a key: its owner's only.
const PRIVATE: u32 = 0o600;
/// Of the file of the key that checks signatures: anybody may.
const PUBLIC: u32 = 0o644;

#[derive(Args)]
pub(in crate::cli) struct Keygen {
    /// The file to write the key to; the key that checks its signatures goes beside it, with `.pub` at its end. Neither may exist.
    #[arg(env = "BURSAR_AUDIT_KEY_PATH")]
    path: PathBuf,
}

impl Keygen {
    pub(super) fn run(self) -> Result<(), SetupError> {
        let mut seed = Zeroizing::new([0; 32]);
        aws_lc_rs::rand::fill(seed.as_mut_slice()).map_err(|_| failed("the key", "no randomness"))?;
        let key = SigningKey::from_seed(&seed).map_err(|e| failed("the key", e))?;
        let public = key.public().map_err(|e| failed("the key", e))?;
        let private = key.to_pem().map_err(|e| failed("the key", e))?;
        let mut beside = self.path.clone().into_os_string();
        beside.push(".pub");
        let beside = PathBuf::from(beside);
        write(&self.path, PRIVATE, &private).map_err(|e| failed(&self.path.display().to_string(), e))?;
        write(&beside, PUBLIC, &public.to_pem()).map_err(|e| failed(&beside.display().to_string(), e))?;
        say(&format!("{public}\n\nIt signs with {}; give {} to whoever verifies.\n", self.path.display(), beside.display()));
        Ok(())
    }
}

fn write(path: &Path, mode: u32, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
