//! A batch as a transaction's items.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem, Update};

use super::item::{BODY, EXPIRY, NAME, Place, REVISION, blob};
use super::layout::Layout;
use crate::batch::{Batch, Precondition, Write};
use crate::contract::CommitError;
use crate::key::{Key, Kind};

/// A batch, ready to be sent.
pub(super) struct Encoded {
    pub(super) items: Vec<TransactWriteItem>,
    /// Which write of the batch each item is.
    pub(super) writes: Vec<usize>,
}

/// A condition, and what it is told in.
struct Condition {
    expression: Option<&'static str>,
    values: HashMap<String, AttributeValue>,
}

impl Condition {
    fn new(precondition: Precondition) -> Self {
        let (expression, values) = match precondition {
            Precondition::Any => (None, HashMap::new()),
            Precondition::Absent => (Some("attribute_not_exists(p)"), HashMap::new()),
            Precondition::Revision(revision) => {
                (Some("r = :at"), HashMap::from([(":at".to_owned(), AttributeValue::N(revision.to_string()))]))
            }
        };
        Self { expression, values }
    }

    fn values(&self) -> Option<HashMap<String, AttributeValue>> {
        (!self.values.is_empty()).then(|| self.values.clone())
    }
}

#[allow(clippy::needless_pass_by_value)] // for `map_err`
fn incomplete(error: BuildError) -> CommitError {
    CommitError::Unavailable(error.to_string())
}

/// When a record that is put now may go, in seconds since 1970, if ever.
fn expiry(kind: Kind) -> Option<u64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    Some(now.checked_add(kind.kept_for()?)?.as_secs())
}

impl Encoded {
    /// Of a valid batch.
    pub(super) fn new(table: &str, layout: &Layout, batch: Batch) -> Result<Self, CommitError> {
        let writes = batch.into_writes();
        let mut this = Self { items: Vec::with_capacity(writes.len()), writes: Vec::with_capacity(writes.len()) };
        for (position, write) in writes.into_iter().enumerate() {
            if let Some(item) = item(table, layout, write)? {
                this.items.push(item);
                this.writes.push(position);
            }
        }
        Ok(this)
    }
}

fn item(table: &str, layout: &Layout, write: Write) -> Result<Option<TransactWriteItem>, CommitError> {
    let item = TransactWriteItem::builder();
    let item = match write {
        Write::Put { key, body, precondition } => return put(table, layout, &key, body, precondition).map(Some),
        Write::Check { precondition: Precondition::Any, .. } => return Ok(None),
        Write::Check { key, precondition } => {
            let condition = Condition::new(precondition);
            let check = ConditionCheck::builder()
                .table_name(table)
                .set_key(Some(Place::of_record(layout, &key).0.key()))
                .set_condition_expression(condition.expression.map(str::to_owned))
                .set_expression_attribute_values(condition.values());
            item.condition_check(check.build().map_err(incomplete)?)
        }
        Write::Delete { key, precondition } => {
            let condition = Condition::new(precondition);
            let delete = Delete::builder()
                .table_name(table)
                .set_key(Some(Place::of_record(layout, &key).0.key()))
                .set_condition_expression(condition.expression.map(str::to_owned))
                .set_expression_attribute_values(condition.values());
            item.delete(delete.build().map_err(incomplete)?)
        }
        Write::Link { list, id } => {
            let put = Put::builder().table_name(table).set_item(Some(Place::of_entry(layout, &list, id).key()));
            item.put(put.build().map_err(incomplete)?)
        }
        Write::Unlink { list, id } => {
            let delete = Delete::builder().table_name(table).set_key(Some(Place::of_entry(layout, &list, id).key()));
            item.delete(delete.build().map_err(incomplete)?)
        }
    };
    Ok(Some(item.build()))
}

/// Where the revision before is known the whole item is put, else it is updated.
fn put(table: &str, layout: &Layout, key: &Key, body: Vec<u8>, precondition: Precondition) -> Result<TransactWriteItem, CommitError> {
    let (place, name) = Place::of_record(layout, key);
    let body = blob(&layout.pack(body).map_err(CommitError::Unavailable)?);
    let mut more = Vec::new();
    more.extend(name.map(|name| (NAME, blob(&name))));
    more.extend(expiry(key.kind()).map(|at| (EXPIRY, AttributeValue::N(at.to_string()))));
    let revision = match precondition {
        Precondition::Absent => 1,
        // No record is at the last revision, so the sum never matters.
        Precondition::Revision(before) => before.saturating_add(1),
        Precondition::Any => return update(table, &place, body, more),
    };
    let condition = Condition::new(precondition);
    let mut attributes = place.key();
    attributes.insert(BODY.to_owned(), body);
    attributes.insert(REVISION.to_owned(), AttributeValue::N(revision.to_string()));
    attributes.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
    let put = Put::builder()
        .table_name(table)
        .set_item(Some(attributes))
        .set_condition_expression(condition.expression.map(str::to_owned))
        .set_expression_attribute_values(condition.values());
    Ok(TransactWriteItem::builder().put(put.build().map_err(incomplete)?).build())
}

fn update(table: &str, place: &Place, body: AttributeValue, more: Vec<(&str, AttributeValue)>) -> Result<TransactWriteItem, CommitError> {
    let mut expression = "SET b = :b, r = if_not_exists(r, :zero) + :one".to_owned();
    let number = |n: &str| AttributeValue::N(n.to_owned());
    let mut values = HashMap::from([(":b".to_owned(), body), (":zero".to_owned(), number("0")), (":one".to_owned(), number("1"))]);
    for (name, value) in more {
        expression.push_str(&format!(", {name} = :{name}"));
        values.insert(format!(":{name}"), value);
    }
    let update = Update::builder()
        .table_name(table)
        .set_key(Some(place.key()))
        .update_expression(expression)
        .set_expression_attribute_values(Some(values));
    Ok(TransactWriteItem::builder().update(update.build().map_err(incomplete)?).build())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::{id, scope};
    use crate::dynamodb::layout::Plan;
    use crate::key::{Index, List};

    fn encoded(build: impl FnOnce(&mut Batch)) -> Encoded {
        let mut batch = Batch::new();
        build(&mut batch);
        Encoded::new("table", &Layout::new(Plan::default()).unwrap(), batch).unwrap()
    }

    fn charge(n: u32) -> Key {
        Key::object(scope(), Kind::Charge, id(n))
    }

    #[test]
    fn items_name_their_writes_and_what_asserts_nothing_is_left_out() {
        let encoded = encoded(|batch| {
            batch.assert(charge(1), Precondition::Any).create(charge(2), vec![]).link(List::all(scope(), Index::Charges), id(2));
        });
        assert_eq!(encoded.writes, [1, 2]);
    }

    #[test]
    fn conditions_are_only_where_something_must_be_true() {
        let encoded = encoded(|batch| {
            batch.create(charge(1), vec![]).update(charge(2), vec![], 7).put(charge(3), vec![], Precondition::Any);
            batch.link(List::all(scope(), Index::Charges), id(2));
        });
        let puts: Vec<_> = encoded.items.iter().map(|item| item.put()).collect();
        assert_eq!(puts[0].unwrap().condition_expression(), Some("attribute_not_exists(p)"));
        assert_eq!(puts[1].unwrap().condition_expression(), Some("r = :at"));
        assert_eq!(puts[1].unwrap().item().get(REVISION), Some(&AttributeValue::N("8".to_owned())));
        assert!(encoded.items[2].update().unwrap().condition_expression().is_none());
        assert!(puts[3].unwrap().condition_expression().is_none());
    }

    #[test]
    fn only_what_may_be_forgotten_says_when() {
        let encoded = encoded(|batch| {
            batch.create(charge(1), vec![]).create(Key::named(scope(), Kind::IdempotencyRecord, "key"), vec![]);
        });
        let expires: Vec<bool> = encoded.items.iter().map(|item| item.put().unwrap().item().contains_key(EXPIRY)).collect();
        assert_eq!(expires, [false, true]);
    }
}
