//! A copy of the store while it is being used: consistent, complete and synced before it gets its name.
//!
//! The copy is read as of one moment. It is written beside its destination and linked there at the end, so
//! under the name there is never half a backup, and an existing file is never overwritten.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::files;

/// All pages at once: between two steps others could commit, and the copy would have to begin again.
const ALL_PAGES: i32 = -1;
const BUSY_PAUSE: std::time::Duration = std::time::Duration::from_millis(50);
/// For so many pauses (ten seconds) a locked file is waited for.
const BUSY_PAUSES: u32 = 200;

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is a file at the destination.
    #[error("{} exists; a backup never overwrites", .0.display())]
    Exists(PathBuf),
    /// The copy could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// The destination.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The store could not be read or copied.
    #[error("cannot copy the store: {0}")]
    Engine(String),
}

/// Copies what `source` sees to `destination`.
pub(super) fn backup(source: &Connection, destination: &Path) -> Result<(), BackupError> {
    let failed = |source: io::Error| BackupError::Io { path: destination.to_owned(), source };
    if destination.try_exists().map_err(failed)? {
        return Err(BackupError::Exists(destination.to_owned()));
    }
    let partial = Partial::create(destination).map_err(failed)?;
    copy(source, &partial.0).map_err(|error| BackupError::Engine(error.to_string()))?;
    File::open(&partial.0).and_then(|file| file.sync_all()).map_err(failed)?;
    match std::fs::hard_link(&partial.0, destination) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(BackupError::Exists(destination.to_owned())),
        // Some file systems have no links; there the check above has to do.
        Err(_) => std::fs::rename(&partial.0, destination).map_err(failed)?,
    }
    drop(partial);
    files::sync_directory_of(destination).map_err(failed)
}

/// The file that is written under another name first, and goes away whatever happens.
struct Partial(PathBuf);

impl Partial {
    fn create(destination: &Path) -> io::Result<Self> {
        let mut name = OsString::from(destination);
        name.push(format!(".partial-{}", std::process::id()));
        let path = PathBuf::from(name);
        files::create_private(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // Already renamed, or nothing can be done about it.
        drop(std::fs::remove_file(&self.0));
    }
}

fn copy(source: &Connection, path: &Path) -> rusqlite::Result<()> {
    let mut target = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    // The file is synced once, as a whole, before it gets its name.
    target.pragma_update(None, "synchronous", "OFF")?;
    target.pragma_update_and_check(None, "journal_mode", "OFF", |_| Ok(()))?;
    let backup = Backup::new(source, &mut target)?;
    for _ in 0..BUSY_PAUSES {
        match backup.step(ALL_PAGES)? {
            StepResult::Done => return Ok(()),
            _ => std::thread::sleep(BUSY_PAUSE),
        }
    }
    Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY), Some("the store stayed locked".to_owned())))
}
