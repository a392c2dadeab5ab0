//! `bursar records`: what is kept, readable without this program's help from there on.

use std::io::{self, Write as _};

use bursar::compose::SetupError;
use clap::Args;
use serde::Serialize;
use serde_json::value::RawValue;
use store::contract::MAX_LIMIT;
use store::{Exported, Key, Kind};

use super::{StoreArgs, failed};

#[derive(Args)]
pub(super) struct Records {
    #[command(flatten)]
    store: StoreArgs,
}

/// One line.
#[derive(Serialize)]
struct Line<'a> {
    kind: &'static str,
    account: String,
    mode: String,
    key: String,
    revision: u64,
    record: Option<&'a RawValue>,
}

impl Records {
    pub(super) async fn run(self) -> Result<(), SetupError> {
        let store = self.store.snapshot().await?;
        for kind in Kind::ALL {
            let mut after = None;
            loop {
                let page = store.export(*kind, after, MAX_LIMIT).await.map_err(|e| failed("the store", e))?;
                after = page.last().map(|last| last.cursor.clone());
                if after.is_none() {
                    break;
                }
                match print(*kind, &page) {
                    Ok(()) => {}
                    // Who reads has seen enough.
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
                    Err(error) => return Err(failed("printing", error)),
                }
            }
        }
        Ok(())
    }
}

fn print(kind: Kind, page: &[Exported]) -> io::Result<()> {
    let mut text = Vec::new();
    for Exported { key, item, .. } in page {
        let scope = key.scope();
        let line = Line {
            kind: kind.table(),
            account: scope.account.to_string(),
            mode: scope.mode.to_string(),
            key: match key {
                Key::Object(key) => key.id.to_string(),
                Key::Named(key) => String::from_utf8_lossy(&key.name).into_owned(),
            },
            revision: item.revision,
            record: serde_json::from_slice(&item.body).ok(),
        };
        serde_json::to_writer(&mut text, &line)?;
        text.push(b'\n');
    }
    let mut out = io::stdout().lock();
    out.write_all(&text)?;
    out.flush()
}
