//! Events: each object's are numbered from 1 without a gap, up to what the object says, and show that object.

use std::collections::BTreeMap;

use domain::charge::Charge;
use domain::customer::Customer;
use domain::event::{Event, Snapshot};
use domain::id::Ulid;
use domain::payment_intent::PaymentIntent;
use domain::payment_method::PaymentMethod;
use domain::refund::Refund;
use domain::scope::Scope;
use domain::setup_intent::SetupIntent;
use store::{Kind, Store};

use super::{Fingerprint, Page, Report, each, named};
use crate::error::Error;
use crate::records::Record;

type Subject = (Scope, Kind, Ulid);

/// An object that counts its events.
pub(super) trait Counted: Record {
    fn events(&self) -> u32;
}

macro_rules! counted {
    ($($type:ty),*) => {$(
        impl Counted for $type {
            fn events(&self) -> u32 {
                self.sequence
            }
        }
    )*};
}

counted!(PaymentIntent, SetupIntent, Charge, Refund, Customer, PaymentMethod);

fn subject(scope: Scope, event: &Event) -> (Subject, u32) {
    fn of<T: Counted>(scope: Scope, object: &T) -> (Subject, u32) {
        ((scope, T::KIND, object.ulid()), object.events())
    }
    match &event.object {
        Snapshot::PaymentIntent(object) => of(scope, &**object),
        Snapshot::Charge(object) => of(scope, &**object),
        Snapshot::Refund(object) => of(scope, &**object),
        Snapshot::Customer(object) => of(scope, &**object),
        Snapshot::PaymentMethod(object) => of(scope, &**object),
        Snapshot::SetupIntent(object) => of(scope, &**object),
    }
}

/// Calls `visit` with every object that counts its events, and their number.
async fn counts(store: &dyn Store, visit: &mut impl FnMut(Subject, u32)) -> Result<(), Error> {
    async fn of<T: Counted>(store: &dyn Store, visit: &mut impl FnMut(Subject, u32)) -> Result<(), Error> {
        each::<T>(store, |scope, object| visit((scope, T::KIND, object.ulid()), object.events())).await
    }
    of::<PaymentIntent>(store, visit).await?;
    of::<SetupIntent>(store, visit).await?;
    of::<Charge>(store, visit).await?;
    of::<Refund>(store, visit).await?;
    of::<Customer>(store, visit).await?;
    of::<PaymentMethod>(store, visit).await
}

/// The events that are there, and those that objects count.
#[derive(Default)]
pub(super) struct Sums {
    told: Fingerprint,
    counted: Fingerprint,
}

impl Sums {
    /// Takes in some events.
    pub(super) fn tell(&mut self, page: &Page<Event>, report: &mut Report) {
        for (scope, event) in page {
            let (subject, shown) = subject(*scope, event);
            report.expect(shown == event.sequence, || format!("{}: is number {}, and its object says {shown}", event.id, event.sequence));
            self.told.add(&(subject, event.sequence));
        }
    }

    /// Takes in some objects.
    pub(super) fn count<T: Counted>(&mut self, page: &Page<T>) {
        for (scope, object) in page {
            let subject: Subject = (*scope, T::KIND, object.ulid());
            (1..=object.events()).for_each(|sequence| self.counted.add(&(subject, sequence)));
        }
    }

    /// Compares them, once all were taken in.
    pub(super) async fn verify(self, store: &dyn Store, report: &mut Report) -> Result<(), Error> {
        if self.told == self.counted { Ok(()) } else { name(store, report).await }
    }
}

/// Finds the objects whose events are not all there once: only then are their numbers held in memory.
async fn name(store: &dyn Store, report: &mut Report) -> Result<(), Error> {
    let mut numbers: BTreeMap<Subject, Vec<u32>> = BTreeMap::new();
    each::<Event>(store, |scope, event| numbers.entry(subject(scope, &event).0).or_default().push(event.sequence)).await?;
    counts(store, &mut |subject, events| {
        let mut found = numbers.remove(&subject).unwrap_or_default();
        found.sort_unstable();
        report.expect(found.iter().copied().eq(1..=events), || {
            format!("{}: has {events} events, and those that are there are numbered {found:?}", named(subject.1, subject.2))
        });
    })
    .await?;
    for (_, kind, id) in numbers.keys() {
        report.differ(format!("{}: has events and is not there", named(*kind, *id)));
    }
    Ok(())
}
