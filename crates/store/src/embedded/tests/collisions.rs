//! Two things that want the same place: rows of identifiers, hashes of names.

use domain::id::Ulid;
use std::sync::Arc;

use super::{Place, put};
use crate::batch::{Batch, Precondition};
use crate::conformance::{everything, id, scope};
use crate::contract::{CommitError, Store};
use crate::embedded::fresh::Fresh;
use crate::embedded::{Embedded, Options};
use crate::key::{Key, Kind};

/// So few names gather before a sweep that one is nearly always under way.
const GATHER: usize = 2;

fn sharing_a_row() -> [Key; 2] {
    let (one, other) = (id(1), Ulid::from_bits(id(1).bits() ^ 1));
    assert_eq!(one.row(), other.row());
    [one, other].map(|id| Key::object(scope(), Kind::Charge, id))
}

#[tokio::test]
async fn another_object_in_the_row_reads_as_absent_and_can_be_neither_created_nor_put() {
    let place = Place::new();
    let store = place.open();
    let [one, other] = sharing_a_row();
    store.commit(put(one.clone(), b"one", Precondition::Absent)).await.unwrap();
    let before = everything(&*store).await;
    assert_eq!(store.get_one(&other).await, Ok(None));
    for precondition in [Precondition::Absent, Precondition::Any, Precondition::Revision(1)] {
        assert_eq!(store.commit(put(other.clone(), b"other", precondition)).await, Err(CommitError::PreconditionFailed { write: 0 }));
    }
    let mut harmless = Batch::new();
    harmless.delete(other.clone(), Precondition::Any);
    store.commit(harmless).await.unwrap();
    let mut assertion = Batch::new();
    assertion.assert(other, Precondition::Absent);
    store.commit(assertion).await.unwrap();
    assert_eq!(everything(&*store).await, before);
}

#[tokio::test]
async fn two_objects_that_share_a_row_are_refused_in_one_batch() {
    let place = Place::new();
    let store = place.open();
    let [one, other] = sharing_a_row();
    let mut batch = Batch::new();
    batch.create(one, b"one".to_vec()).put(other, b"other".to_vec(), Precondition::Any);
    assert_eq!(store.commit(batch).await, Err(CommitError::PreconditionFailed { write: 1 }));
    assert_eq!(everything(&*store).await, (vec![], vec![]));
}

#[tokio::test]
async fn names_with_the_same_hash_live_side_by_side() {
    let place = Place::new();
    let name = |n: u32| Key::named(scope(), if n.is_multiple_of(3) { Kind::ApiKey } else { Kind::IdempotencyRecord }, format!("name {n}"));
    let open = || Embedded::open_tuned(&place.file(), Options::default(), 0, Fresh::gathering(GATHER)).unwrap();
    let store = open();
    for n in 0..20 {
        store.commit(put(name(n), n.to_string().as_bytes(), Precondition::Absent)).await.unwrap();
        assert_eq!(store.commit(put(name(n), b"again", Precondition::Absent)).await, Err(CommitError::PreconditionFailed { write: 0 }));
    }
    for n in (0..20).step_by(2) {
        let mut batch = Batch::new();
        batch.delete(name(n), Precondition::Revision(1));
        store.commit(batch).await.unwrap();
    }
    drop(store);
    let store = open();
    store.commit(put(name(3), b"changed", Precondition::Revision(1))).await.unwrap();
    store.commit(put(name(4), b"back", Precondition::Absent)).await.unwrap();
    for n in 0..20 {
        let body = store.get_one(&name(n)).await.unwrap().map(|item| String::from_utf8(item.body).unwrap());
        let expected = match n {
            3 => Some("changed".to_owned()),
            4 => Some("back".to_owned()),
            n if n % 2 == 0 => None,
            n => Some(n.to_string()),
        };
        assert_eq!(body, expected, "{n}");
    }
}

mod with_every_hash_the_same {
    use super::*;

    crate::conformance_tests!({
        let place = Place::new();
        (Arc::new(Embedded::open_tuned(&place.file(), Options::default(), 0, Fresh::gathering(GATHER)).unwrap()), place)
    });
}
