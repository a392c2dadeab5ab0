//! The audit trail in files: JSON Lines in a directory or an object store.
//!
//! `ACCOUNT/MODE/NUMBER.jsonl` is a segment: its record in the first line, then its rows, each as it is stored, so that the
//! hashes can be made again from the files alone. `ACCOUNT/MODE/unsealed-ROW.jsonl` holds rows that no segment has yet.
//! A segment never changes, so writing it again writes the same.

mod client;
mod verify;
mod write;

use std::path::PathBuf;

use domain::scope::Scope;
use object_store::ObjectStore;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;

use crate::compose::SetupError;

pub use verify::{Verified, verify};
pub use write::{Between, Written, write};

/// Digits of a segment's number in its file's name: names are then in the numbers' order.
const DIGITS: usize = 20;
/// How files of the trail end.
const ENDING: &str = ".jsonl";
/// How files begin of rows that no segment has.
const UNSEALED: &str = "unsealed-";

/// Where files are.
pub struct Place {
    store: Box<dyn ObjectStore>,
    prefix: Path,
}

impl Place {
    /// To write to: a directory, which is made, or a URL as `file:///DIRECTORY` or `s3://BUCKET/PREFIX`; what else a store needs
    /// to know it takes from the environment, as `AWS_REGION`, `AWS_ACCESS_KEY_ID` or `AWS_ENDPOINT`.
    ///
    /// # Errors
    /// There is no such kind of store, or something that it needs is missing.
    pub fn to_write(text: &str) -> Result<Self, SetupError> {
        if let Some(path) = directory(text) {
            std::fs::create_dir_all(path).map_err(|e| SetupError(format!("{text}: {e}")))?;
        }
        Self::to_read(text)
    }

    /// To read from; as [`to_write`](Self::to_write), and it must be there.
    ///
    /// # Errors
    /// As [`to_write`](Self::to_write), or it is not there.
    pub fn to_read(text: &str) -> Result<Self, SetupError> {
        let failed = |e: object_store::Error| SetupError(format!("{text}: {e}"));
        if let Some(path) = directory(text) {
            let store = LocalFileSystem::new_with_prefix(path).map_err(failed)?;
            return Ok(Self { store: Box::new(store), prefix: Path::default() });
        }
        let Some(rest) = text.strip_prefix("s3://") else {
            return Err(SetupError(format!("{text}: neither a directory nor file:///DIRECTORY nor s3://BUCKET/PREFIX")));
        };
        let prefix = rest.split_once('/').map_or("", |(_, prefix)| prefix);
        let prefix = Path::parse(prefix).map_err(|e| failed(e.into()))?;
        let store = AmazonS3Builder::from_env().with_url(text).with_http_connector(client::Connector).build().map_err(failed)?;
        Ok(Self { store: Box::new(store), prefix })
    }

    fn file(&self, scope: Scope, name: &str) -> Path {
        let directories = [scope.account.to_string(), scope.mode.to_string()];
        let place = directories.into_iter().fold(self.prefix.clone(), Path::join);
        place.join(name.to_owned())
    }
}

fn directory(text: &str) -> Option<PathBuf> {
    match text.split_once("://") {
        Some(("file", path)) => Some(path.into()),
        Some(_) => None,
        None => Some(text.into()),
    }
}

fn segment_name(number: u64) -> String {
    format!("{number:0DIGITS$}{ENDING}")
}
