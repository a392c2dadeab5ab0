//! Items of one partition key, in the order of their sort keys.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::Select;

use super::error::{Failure, failure};
use super::item::{Attributes, Place, blob};
use super::pace::Pace;
use super::read::WITHIN;
use super::table::Table;
use crate::contract::ReadError;

/// Which of them.
pub(super) struct Query {
    pub(super) partition: Vec<u8>,
    /// The sort keys: from the first to the second, both included.
    pub(super) from: Vec<u8>,
    pub(super) to: Vec<u8>,
    /// Only what comes after this one, if it says so.
    pub(super) after: Option<Vec<u8>>,
    pub(super) ascending: bool,
    pub(super) limit: usize,
}

/// Some of them, and whether that was all there are.
pub(super) struct Page {
    pub(super) items: Vec<Attributes>,
    pub(super) is_last: bool,
}

pub(super) fn bound(limit: usize) -> i32 {
    i32::try_from(limit).unwrap_or(i32::MAX)
}

/// Asks once, and again while others are in the way.
pub(super) async fn query(table: &Table, query: &Query) -> Result<Page, ReadError> {
    let values = HashMap::from([
        (":p".to_owned(), blob(&query.partition)),
        (":from".to_owned(), blob(&query.from)),
        (":to".to_owned(), blob(&query.to)),
    ]);
    let start = query.after.as_ref().map(|sort| Place { partition: query.partition.clone(), sort: sort.clone() }.key());
    let mut pace = Pace::new(WITHIN);
    loop {
        let failed = match table.turn().await {
            None => Failure::Disturbed("too much is under way".to_owned()),
            Some(_turn) => {
                let request = table
                    .client
                    .query()
                    .table_name(&table.name)
                    .consistent_read(true)
                    .select(Select::AllAttributes)
                    .key_condition_expression("p = :p AND s BETWEEN :from AND :to")
                    .set_expression_attribute_values(Some(values.clone()))
                    .set_exclusive_start_key(start.clone())
                    .scan_index_forward(query.ascending)
                    .limit(bound(query.limit));
                match request.send().await {
                    Ok(answer) => {
                        let is_last = answer.last_evaluated_key().is_none_or(HashMap::is_empty);
                        return Ok(Page { items: answer.items.unwrap_or_default(), is_last });
                    }
                    Err(error) => failure(&error),
                }
            }
        };
        pace.after(failed).await?;
    }
}
