//! What the disk can do, and what is on it.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use crate::Error;
use crate::figures::{Micros, median};

/// The smallest thing that a database syncs.
const BLOCK: [u8; 4096] = [0x5A; 4096];
/// Enough for a steady median, well under a second on most disks.
const SYNCS: usize = 200;

/// The median time of appending 4 kB to a file in that directory and syncing its data.
///
/// # Errors
/// If the file cannot be written.
pub fn sync_time(directory: &Path) -> Result<Micros, Error> {
    let mut file: File = tempfile::tempfile_in(directory)?;
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let began = Instant::now();
        file.write_all(&BLOCK)?;
        file.sync_data()?;
        times.push(Micros::from(began.elapsed()));
    }
    Ok(median(times).unwrap_or_default())
}

/// The lengths of all files under a path, in bytes.
///
/// # Errors
/// If a directory cannot be read.
pub fn size_of(path: &Path) -> Result<u64, Error> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_dir() {
        return Ok(metadata.len());
    }
    let mut total: u64 = 0;
    for entry in fs::read_dir(path)? {
        total = total.saturating_add(size_of(&entry?.path())?);
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_added_over_directories() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("a"), [0; 10]).unwrap();
        fs::create_dir(directory.path().join("d")).unwrap();
        fs::write(directory.path().join("d/b"), [0; 5]).unwrap();
        assert_eq!(size_of(directory.path()).unwrap(), 15);
    }

    #[test]
    fn a_sync_takes_time_and_leaves_no_file() {
        let directory = tempfile::tempdir().unwrap();
        assert!(sync_time(directory.path()).unwrap().0 > 0);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
