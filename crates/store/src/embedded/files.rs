//! The files around the store: private, synced, and locked against a second writer.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::options::OpenError;

/// Cards are sealed, but names and amounts are nobody else's business.
const PRIVATE_FILE: u32 = 0o600;
const PRIVATE_DIRECTORY: u32 = 0o700;
/// What is written again at once. The log is 16 MB long as a rule.
const AT_ONCE: usize = 256 * 1024;

/// Held while the store is open for writing; the system lets go of it when the process ends, however it ends.
pub(super) struct Lock(#[expect(dead_code, reason = "held, not used")] File);

/// Creates an empty file that only its owner can read. `SQLite` gives the files beside it the same mode.
pub(super) fn create_private(path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(PRIVATE_FILE).open(path).map(drop)
}

/// Makes the names in a file's directory durable.
pub(super) fn sync_directory_of(path: &Path) -> io::Result<()> {
    File::open(directory_of(path))?.sync_all()
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// Takes the lock, then makes sure that there is a file and a directory, and that the log is on the disk.
pub(super) fn claim(path: &Path) -> Result<Lock, OpenError> {
    let failed = |at: &Path| {
        let path = at.to_owned();
        move |source: io::Error| OpenError::Io { path, source }
    };
    let directory = directory_of(path);
    DirBuilder::new().recursive(true).mode(PRIVATE_DIRECTORY).create(directory).map_err(failed(directory))?;
    let lock_path = beside(path, ".lock");
    let lock = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(PRIVATE_FILE)
        .open(&lock_path)
        .map_err(failed(&lock_path))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(OpenError::InUse(path.to_owned())),
        Err(TryLockError::Error(source)) => return Err(OpenError::Io { path: lock_path, source }),
    }
    if !path.try_exists().map_err(failed(path))? {
        create_private(path).map_err(failed(path))?;
        sync_directory_of(path).map_err(failed(path))?;
    }
    let log = beside(path, "-wal");
    if log.try_exists().map_err(failed(&log))? {
        write_again(&log).map_err(failed(&log))?;
    }
    Ok(Lock(lock))
}

/// Writes a file over itself and syncs it. A killed process may have left a log that is not on the disk, though it can be
/// read: not yet synced, or no more to be synced, since after a sync that failed the system takes what was to be written
/// for written. What is told from it, and what is appended to it, must not be lost with such a piece of it.
fn write_again(path: &Path) -> io::Result<()> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let mut buffer = vec![0; AT_ONCE];
    let mut offset = 0;
    loop {
        let length = file.read_at(&mut buffer, offset)?;
        let Some(bytes) = buffer.get(..length).filter(|bytes| !bytes.is_empty()) else { break };
        file.write_all_at(bytes, offset)?;
        offset = offset.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
    }
    file.sync_all()
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
