//! All there is: the records of a kind shard by shard, the entries of lists by a scan of the whole table.

use std::collections::HashMap;

use futures::future::try_join_all;

use super::error::{Failure, failure};
use super::item::{Attributes, LISTS, NAME, Place, SORT_KEY, binary, blob, parse_listed, parse_record, place, record, records_of};
use super::pace::Pace;
use super::query::{Page, Query, bound, query};
use super::read::WITHIN;
use super::table::Table;
use crate::contract::{Cursor, Exported, ExportedLink, InvalidRead, ReadError};
use crate::key::Kind;

/// The most shards asked at a time. A kind with many records needs one for a page, a kind with few nearly all.
const SHARDS_AT_ONCE: u16 = 64;
/// Below and above the sort key of any record.
const BELOW: [u8; 1] = [0];
const ABOVE: [u8; 1] = [u8::MAX];

/// Where an export of records goes on: in this shard, after this sort key.
pub(super) struct From {
    shard: u16,
    after: Option<Vec<u8>>,
}

/// Reads a cursor of [`export`].
pub(super) fn after_record(table: &Table, cursor: Option<&Cursor>) -> Result<From, InvalidRead> {
    let Some(cursor) = cursor else { return Ok(From { shard: 0, after: None }) };
    let (shard, after) = cursor.as_bytes().split_first_chunk().ok_or(InvalidRead::Cursor)?;
    let shard = u16::from_be_bytes(*shard);
    // A sort key holds at least an identifier, or whose it is.
    if shard >= table.layout.plan.record_shards || after.len() <= size_of::<u128>() {
        return Err(InvalidRead::Cursor);
    }
    Ok(From { shard, after: Some(after.to_vec()) })
}

/// Records of a kind.
pub(super) async fn export(table: &Table, kind: Kind, from: From, limit: usize) -> Result<Vec<Exported>, ReadError> {
    let mut exported = Vec::new();
    let (mut shard, mut after, mut at_once) = (from.shard, from.after, 1_u16);
    while exported.len() < limit && shard < table.layout.plan.record_shards {
        let end = shard.saturating_add(at_once).min(table.layout.plan.record_shards);
        let wanted = limit.saturating_sub(exported.len());
        let pages: Vec<_> = (shard..end).map(|one| some_of(table, kind, one, after.take(), wanted)).collect();
        for (one, page) in (shard..end).zip(try_join_all(pages).await?) {
            for item in page {
                if exported.len() < limit {
                    exported.push(exported_of(table, kind, one, &item)?);
                }
            }
        }
        (shard, at_once) = (end, at_once.saturating_mul(2).min(SHARDS_AT_ONCE));
    }
    Ok(exported)
}

/// As many of a shard's records as are wanted, or all.
async fn some_of(table: &Table, kind: Kind, shard: u16, mut after: Option<Vec<u8>>, wanted: usize) -> Result<Vec<Attributes>, ReadError> {
    let mut all = Vec::new();
    loop {
        let (partition, limit) = (records_of(kind, shard), wanted.saturating_sub(all.len()));
        let question = Query { partition, from: BELOW.to_vec(), to: ABOVE.to_vec(), after, ascending: true, limit };
        let Page { items, is_last } = query(table, &question).await?;
        after = items.last().and_then(|item| binary(item, SORT_KEY)).map(<[u8]>::to_vec).or(question.after);
        all.extend(items);
        if is_last || all.len() >= wanted {
            return Ok(all);
        }
    }
}

fn exported_of(table: &Table, kind: Kind, shard: u16, item: &Attributes) -> Result<Exported, ReadError> {
    let sort = binary(item, SORT_KEY).unwrap_or_default();
    let key = parse_record(kind, sort, binary(item, NAME));
    let key = key.ok_or_else(|| ReadError::Corrupt(format!("a key of {} makes no sense", kind.table())))?;
    let cursor = Cursor::from_bytes([&shard.to_be_bytes(), sort].concat());
    Ok(Exported { cursor, key, item: record(&table.layout, item)? })
}

/// Reads a cursor of [`export_links`].
pub(super) fn after_entry(cursor: Option<&Cursor>) -> Result<Option<Place>, InvalidRead> {
    let Some(cursor) = cursor else { return Ok(None) };
    let split = cursor.as_bytes().split_last_chunk::<{ size_of::<u128>() }>().ok_or(InvalidRead::Cursor)?;
    let place = Place { partition: split.0.to_vec(), sort: split.1.to_vec() };
    parse_listed(&place).map(|_| Some(place)).ok_or(InvalidRead::Cursor)
}

/// Entries of lists.
pub(super) async fn export_links(table: &Table, after: Option<Place>, limit: usize) -> Result<Vec<ExportedLink>, ReadError> {
    let mut exported = Vec::new();
    let mut start = after.map(|place| place.key());
    while exported.len() < limit {
        // As many are looked at each time, however few are still wanted: most items of a table are no entries of lists.
        let page = scanned(table, start, limit).await?;
        for item in page.0.iter().take(limit.saturating_sub(exported.len())) {
            let place = place(item)?;
            let (list, id) = parse_listed(&place).ok_or_else(|| ReadError::Corrupt("an entry of no list".to_owned()))?;
            exported.push(ExportedLink { cursor: Cursor::from_bytes([place.partition, place.sort].concat()), list, id });
        }
        start = page.1.filter(|key| !key.is_empty());
        if start.is_none() {
            break;
        }
    }
    Ok(exported)
}

/// The entries among the next so many items of the table, and where to go on.
async fn scanned(table: &Table, start: Option<Attributes>, limit: usize) -> Result<(Vec<Attributes>, Option<Attributes>), ReadError> {
    let mut pace = Pace::new(WITHIN);
    loop {
        let failed = match table.turn().await {
            None => Failure::Disturbed("too much is under way".to_owned()),
            Some(_turn) => {
                let request = table
                    .client
                    .scan()
                    .table_name(&table.name)
                    .consistent_read(true)
                    .projection_expression("p, s")
                    .filter_expression("begins_with(p, :lists)")
                    .set_expression_attribute_values(Some(HashMap::from([(":lists".to_owned(), blob(&[LISTS]))])))
                    .set_exclusive_start_key(start.clone())
                    .limit(bound(limit));
                match request.send().await {
                    Ok(answer) => return Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key)),
                    Err(error) => failure(&error),
                }
            }
        };
        pace.after(failed).await?;
    }
}
