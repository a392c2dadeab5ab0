//! Records as of one moment.
//!
//! Also one alone is read by a transaction: a plain read, however consistent, may come between the parts of a commit under
//! way, and so after a scan that met another part of it. A payment that goes its usual way hardly reads, so what this costs
//! (twice the units, and one more step inside DynamoDB) is little.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::operation::transact_get_items::TransactGetItemsError;
use aws_sdk_dynamodb::types::{Get, TransactGetItem};

use super::error::{Failure, Obstacle, failure, obstacle};
use super::item::{Place, record};
use super::pace::Pace;
use super::table::Table;
use crate::contract::{Item, ReadError};
use crate::key::Key;

/// How long a read is tried.
pub(super) const WITHIN: Duration = Duration::from_secs(10);
/// So many records of the longest bodies are within the 4 MB of a transaction.
const PART: usize = 9;

/// What there is at some places.
type Found = Vec<Option<Item>>;

/// The records of these keys, in their order.
pub(super) async fn get(table: &Table, keys: &[Key]) -> Result<Found, ReadError> {
    let asked: Vec<Place> = keys.iter().map(|key| Place::of_record(&table.layout, key).0).collect();
    let mut places = asked.clone();
    places.sort_unstable();
    places.dedup();
    let mut pace = Pace::new(WITHIN);
    let items = match together(table, &places, &mut pace).await? {
        Some(items) => items,
        None => in_parts(table, &places, &mut pace).await?,
    };
    let found: BTreeMap<&Place, &Option<Item>> = places.iter().zip(&items).collect();
    Ok(asked.iter().map(|place| found.get(place).copied().cloned().flatten()).collect())
}

/// What is at these places at one moment; `None` if it is too much for that.
async fn together(table: &Table, places: &[Place], pace: &mut Pace) -> Result<Option<Found>, ReadError> {
    let gets = places.iter().map(|place| {
        let get = Get::builder().table_name(&table.name).set_key(Some(place.key())).build();
        get.map(|get| TransactGetItem::builder().get(get).build()).map_err(|e| ReadError::Unavailable(e.to_string()))
    });
    let gets: Vec<TransactGetItem> = gets.collect::<Result<_, _>>()?;
    loop {
        let failed = match table.turn().await {
            None => Failure::Disturbed("too much is under way".to_owned()),
            Some(_turn) => match table.client.transact_get_items().set_transact_items(Some(gets.clone())).send().await {
                Ok(answer) => {
                    let items = answer.responses().iter().map(|one| one.item().map(|item| record(&table.layout, item)).transpose());
                    let items: Found = items.collect::<Result<_, _>>()?;
                    if items.len() == places.len() {
                        return Ok(Some(items));
                    }
                    Failure::Lost("an answer without all that was asked for".to_owned())
                }
                Err(error) => match error.as_service_error() {
                    Some(TransactGetItemsError::TransactionCanceledException(canceled)) => {
                        match obstacle(canceled.cancellation_reasons()) {
                            Obstacle::Condition { .. } => Failure::Refused("a condition that nobody named".to_owned()),
                            Obstacle::Other(failure) => failure,
                        }
                    }
                    _ => failure(&error),
                },
            },
        };
        match failed {
            // The only thing that can be wrong with this question is that its answer is too long.
            Failure::Refused(_) if places.len() > PART => return Ok(None),
            Failure::Refused(why) => return Err(ReadError::Unavailable(why)),
            Failure::Disturbed(why) | Failure::Lost(why) => {
                if !pace.pause().await {
                    return Err(ReadError::Unavailable(why));
                }
            }
        }
    }
}

/// What is at more places than one transaction can read: read twice, until both times agree. Between the end of the first
/// and the beginning of the second it then was all so at once.
async fn in_parts(table: &Table, places: &[Place], pace: &mut Pace) -> Result<Found, ReadError> {
    let mut before = each_part(table, places, pace).await?;
    loop {
        let now = each_part(table, places, pace).await?;
        if now == before {
            return Ok(now);
        }
        if !pace.pause().await {
            return Err(ReadError::Unavailable("what is read together changes too often".to_owned()));
        }
        before = now;
    }
}

async fn each_part(table: &Table, places: &[Place], pace: &mut Pace) -> Result<Found, ReadError> {
    let mut all = Vec::with_capacity(places.len());
    for part in places.chunks(PART) {
        let items = together(table, part, pace).await?;
        all.extend(items.ok_or_else(|| ReadError::Unavailable("a record is too long to be read".to_owned()))?);
    }
    Ok(all)
}
