//! A disk that fails when it is told to, and loses what was not synced: `failing_disk.c`, compiled and put under the server.
//!
//! It fails syncs and writes of the store's own files, so that what is tested is the store and not the bank.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::Error;

const SOURCE: &str = include_str!("failing_disk.c");

/// What a disk does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failing {
    /// Some syncs fail.
    Sync,
    /// There is no room.
    Space,
    /// When the server is started next, everything that was not synced is lost.
    Power,
}

impl Failing {
    const fn switch(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Space => "space",
            Self::Power => "cut",
        }
    }
}

/// The disk of a server.
#[derive(Debug)]
pub(super) struct FailingDisk {
    library: PathBuf,
    switch: PathBuf,
    files: PathBuf,
}

impl FailingDisk {
    /// Compiles it into that directory, for files whose names begin with `files`.
    pub(super) async fn prepare(directory: &Path, files: PathBuf) -> Result<Self, Error> {
        let (source, library, switch) = (directory.join("failing_disk.c"), directory.join("failing_disk.so"), directory.join("faults"));
        std::fs::write(&source, SOURCE)?;
        std::fs::create_dir_all(&switch)?;
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o"]).arg(&library).arg(&source).args(["-ldl", "-lpthread"]);
        let status = compiler.status().await.map_err(|source| Error::Program { program: "cc".into(), source })?;
        if !status.success() {
            return Err(Error::Compiler);
        }
        Ok(Self { library, switch, files })
    }

    /// What a program needs in its environment to have this disk.
    pub(super) fn environment(&self) -> [(String, String); 3] {
        let text = |path: &Path| path.display().to_string();
        [
            ("LD_PRELOAD".to_owned(), text(&self.library)),
            ("FAILING_DISK_SWITCH".to_owned(), text(&self.switch)),
            ("FAILING_DISK_FILES".to_owned(), text(&self.files)),
        ]
    }

    /// Begins to fail.
    pub(super) fn begin(&self, failing: Failing) -> Result<(), Error> {
        match std::fs::remove_file(self.switch.join("met")) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
            Ok(()) | Err(_) => Ok(std::fs::write(self.switch.join(failing.switch()), [])?),
        }
    }

    /// Ends to fail; whether anything met with it.
    pub(super) fn end(&self, failing: Failing) -> Result<bool, Error> {
        match failing {
            // The server's next start takes it away. Before, everything that is going to be lost is to be seen.
            Failing::Power => {
                let mut unsynced = false;
                for file in std::fs::read_dir(&self.switch)? {
                    let name = file?.file_name();
                    unsynced |= ["undo-", "lost-"].iter().any(|prefix| name.to_string_lossy().starts_with(prefix));
                }
                Ok(unsynced)
            }
            Failing::Sync | Failing::Space => {
                std::fs::remove_file(self.switch.join(failing.switch()))?;
                Ok(self.switch.join("met").try_exists()?)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One byte written by `dd`, which opens what it writes at the beginning of for writing only, and synced or not.
    async fn write(disk: &FailingDisk, to: &Path, at: u64, sync: bool) -> bool {
        let mut dd = Command::new("dd");
        dd.args(["if=/dev/zero", "bs=1", "count=1", "status=none", if sync { "conv=notrunc,fdatasync" } else { "conv=notrunc" }]);
        dd.arg(format!("seek={at}")).arg(format!("of={}", to.display())).envs(disk.environment());
        dd.stderr(std::process::Stdio::null()).status().await.unwrap().success()
    }

    async fn prepared() -> (tempfile::TempDir, PathBuf, FailingDisk) {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().canonicalize().unwrap();
        let disk = FailingDisk::prepare(&path, path.join("store.db")).await.unwrap();
        (home, path, disk)
    }

    #[tokio::test]
    async fn a_full_disk_refuses_the_named_files_while_it_is_told_to_and_no_others() {
        let (_home, path, disk) = prepared().await;
        let (log, other) = (path.join("store.db-wal"), path.join("other.db"));
        assert!(write(&disk, &log, 1, true).await);
        disk.begin(Failing::Space).unwrap();
        assert!(!write(&disk, &log, 1, false).await && write(&disk, &other, 0, true).await);
        assert!(disk.end(Failing::Space).unwrap());
        assert!(write(&disk, &log, 1, false).await);
        disk.begin(Failing::Space).unwrap();
        assert!(!disk.end(Failing::Space).unwrap(), "nothing met with it this time");
    }

    /// Cuts the power; whether there was anything to lose. Any start of a program is a start after that.
    async fn cut(disk: &FailingDisk, path: &Path) -> bool {
        disk.begin(Failing::Power).unwrap();
        let loses = disk.end(Failing::Power).unwrap();
        assert!(write(disk, &path.join("other.db"), 0, false).await);
        loses
    }

    #[tokio::test]
    async fn what_a_sync_failed_to_keep_is_lost_in_a_power_cut_unless_it_is_written_again() {
        let (_home, path, disk) = prepared().await;
        let file = path.join("store.db");
        let mut failed = 0;
        for again in [false, true].repeat(20) {
            std::fs::write(&file, "ab").unwrap();
            disk.begin(Failing::Sync).unwrap();
            let synced = write(&disk, &file, 1, true).await;
            assert_ne!(disk.end(Failing::Sync).unwrap(), synced);
            assert_eq!(std::fs::read(&file).unwrap(), b"a\0", "all the same it can be read");
            failed += u32::from(!synced);
            assert!(write(&disk, &file, if again { 1 } else { 2 }, true).await);
            assert_eq!(cut(&disk, &path).await, !synced && !again);
            let expected: &[u8] = match (synced, again) {
                (true, false) => b"a\0\0",
                (false, false) => b"ab\0",
                (_, true) => b"a\0",
            };
            assert_eq!(std::fs::read(&file).unwrap(), expected);
        }
        assert!((1..40).contains(&failed), "{failed} of 40 syncs failed");
    }

    #[tokio::test]
    async fn a_power_cut_loses_what_was_not_synced_and_a_killed_process_loses_nothing() {
        let (_home, path, disk) = prepared().await;
        let file = path.join("store.db");
        std::fs::write(&file, "ab").unwrap();
        assert!(write(&disk, &file, 1, true).await, "synced");
        assert!(write(&disk, &file, 2, false).await, "not synced");
        assert!(write(&disk, &file, 3, false).await, "not synced by another process either");
        assert_eq!(std::fs::read(&file).unwrap(), b"a\0\0\0");
        assert!(cut(&disk, &path).await);
        assert_eq!(std::fs::read(&file).unwrap(), b"a\0");
        assert!(!cut(&disk, &path).await, "nothing is left to lose");
    }
}
