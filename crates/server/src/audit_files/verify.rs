//! Verifying the trail from files alone.

use std::collections::{BTreeMap, BTreeSet};

use domain::audit::AuditEntry;
use domain::audit::Digest;
use domain::audit::chain::{Difference, Found, FoundRow, Segment};
use domain::audit::signing::PublicKey;
use domain::audit::walk::Walk;
use domain::id::{AccountId, Ulid};
use domain::scope::{Mode, Scope};
use futures::TryStreamExt as _;
use object_store::path::Path;
use object_store::{ObjectStore as _, ObjectStoreExt as _};
use payments::records::decode;
use payments::verify::Report;
use payments::verify::audit::Trail;

use super::{ENDING, Place, UNSEALED};
use crate::compose::SetupError;

/// What was found.
#[derive(Debug, Default)]
pub struct Verified {
    /// What the files come to.
    pub trail: Trail,
    /// What differs.
    pub report: Report,
    /// Chains of which the files do not have the beginning, with the number they begin at.
    pub beginnings: BTreeMap<Scope, u64>,
}

/// Verifies the files of a trail. If keys are named, only they may have signed it.
///
/// # Errors
/// A file cannot be read, or there is none.
pub async fn verify(at: &Place, keys: &[PublicKey]) -> Result<Verified, SetupError> {
    let (chains, unsealed) = files(at).await?;
    if chains.is_empty() && unsealed.is_empty() {
        return Err(SetupError(format!("{}: no file of an audit trail", at.prefix)));
    }
    let (mut verified, mut ends) = (Verified::default(), BTreeMap::new());
    for (scope, numbers) in chains {
        let mut walk = Walk::new(scope, keys);
        let first = numbers.first_key_value().map_or(1, |(number, _)| *number);
        if first > 1 {
            verified.beginnings.insert(scope, first);
            walk.skip();
        }
        let mut next = first;
        for (number, path) in numbers {
            if number > next {
                differ(&mut verified, scope, &Difference::SegmentsMissing(next, number.saturating_sub(1)));
                walk.skip();
            }
            next = number.saturating_add(1);
            segment(&mut verified, &mut walk, scope, number, &read(at, &path).await?);
        }
        ends.extend(walk.head().map(|head| (scope, head.last)));
    }
    for (scope, path) in unsealed {
        // What was written before its rows were sealed tells nothing any more.
        let sealed = ends.get(&scope).copied().unwrap_or(Ulid::NIL);
        let text = read(at, &path).await?;
        let names = lines(&text).map(|line| decode::<AuditEntry>(line).map_or(Ulid::MAX, |entry| entry.id.ulid()));
        let rows = u64::try_from(names.filter(|name| *name > sealed).count()).unwrap_or(u64::MAX);
        verified.trail.rows = verified.trail.rows.saturating_add(rows);
        verified.trail.unsealed = verified.trail.unsealed.saturating_add(rows);
    }
    Ok(verified)
}

fn segment(verified: &mut Verified, walk: &mut Walk<'_>, scope: Scope, number: u64, text: &[u8]) {
    let mut lines = lines(text);
    let head: Option<Segment> = lines.next().and_then(|line| decode(line).ok());
    let Some(segment) = head.filter(|segment: &Segment| segment.number == number) else {
        differ(verified, scope, &Difference::SegmentAltered(number));
        walk.skip();
        return;
    };
    let marks = segment.rows.as_slice();
    let found: Vec<Found> = lines
        .enumerate()
        .filter_map(|(position, line)| {
            let says = decode::<AuditEntry>(line).ok().map(|entry| entry.id.ulid());
            // One that cannot be read is taken for the row whose place it has.
            let id = says.or_else(|| marks.get(position).map(domain::audit::chain::Mark::id))?;
            Some(Found { id, row: Some(FoundRow { digest: Digest::of(line), says }) })
        })
        .collect();
    verified.trail.rows = verified.trail.rows.saturating_add(u64::try_from(found.len()).unwrap_or(u64::MAX));
    verified.trail.segments = verified.trail.segments.saturating_add(1);
    if let Some(signature) = &segment.signature {
        verified.trail.signed = verified.trail.signed.saturating_add(1);
        verified.trail.keys.insert(signature.key);
    }
    for difference in walk.step(&segment, &found) {
        differ(verified, scope, &difference);
    }
}

fn differ(verified: &mut Verified, scope: Scope, difference: &Difference) {
    verified.report.differ(format!("{} {}: {difference}", scope.account, scope.mode));
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

type Chains = BTreeMap<Scope, BTreeMap<u64, Path>>;

/// The files there are: each chain's segments, and those of rows that no segment has.
async fn files(at: &Place) -> Result<(Chains, BTreeSet<(Scope, Path)>), SetupError> {
    let (mut chains, mut unsealed) = (Chains::new(), BTreeSet::new());
    let mut listed = at.store.list(Some(&at.prefix));
    while let Some(file) = listed.try_next().await.map_err(|e| SetupError(format!("{}: {e}", at.prefix)))? {
        let path = file.location;
        let Some((scope, name)) = parsed(&path) else { continue };
        if name.starts_with(UNSEALED) {
            unsealed.insert((scope, path));
        } else if let Some(number) = name.strip_suffix(ENDING).and_then(|digits| digits.parse().ok()) {
            chains.entry(scope).or_default().insert(number, path);
        }
    }
    Ok((chains, unsealed))
}

/// Whose file it is, and its own name.
fn parsed(path: &Path) -> Option<(Scope, String)> {
    let parts: Vec<String> = path.parts().map(|part| part.as_ref().to_owned()).collect();
    let [.., account, mode, name] = parts.as_slice() else { return None };
    let account: AccountId = account.parse().ok()?;
    let mode = [Mode::Test, Mode::Live].into_iter().find(|is| is.to_string() == *mode)?;
    Some((Scope { account, mode }, name.clone()))
}

async fn read(at: &Place, path: &Path) -> Result<Vec<u8>, SetupError> {
    let failed = |e: object_store::Error| SetupError(format!("{path}: {e}"));
    let file = at.store.get(path).await.map_err(failed)?;
    Ok(file.bytes().await.map_err(failed)?.to_vec())
}
