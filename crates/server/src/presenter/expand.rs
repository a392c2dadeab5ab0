//! Replaces references in an answer by the objects themselves, level by level.
//!
//! All references of one level are read together. Paths were checked before ([`expandable`](super::expandable)):
//! a field that is not there now belongs to the other shape a reference could have had, and is passed over.

use std::collections::{BTreeSet, HashMap};

use domain::id::{BalanceTransactionId, ChargeId, CustomerId, PaymentIntentId, PaymentMethodId, RefundId, Ulid};
use domain::scope::Scope;
use payments::Error;
use payments::outcome::Object;
use payments::records::decode;
use serde::Serialize;
use serde_json::Value;
use store::contract::MAX_KEYS;
use store::{Key, Kind, Store};

use super::expandable::Path;
use crate::views::{Context, Rendered};

/// What can be referred to: its prefix, where it is kept, and how it is read.
struct Target {
    prefix: &'static str,
    kind: Kind,
    read: fn(&[u8]) -> Result<Object, Error>,
}

macro_rules! targets {
    ($($id:ident = $object:ident;)*) => {
        const TARGETS: &[Target] = &[$(Target {
            prefix: $id::PREFIX,
            kind: Kind::$object,
            read: |body| Ok(Object::$object(Box::new(decode(body)?))),
        },)*];
    };
}

targets! {
    BalanceTransactionId = BalanceTransaction;
    ChargeId = Charge;
    CustomerId = Customer;
    PaymentIntentId = PaymentIntent;
    PaymentMethodId = PaymentMethod;
    RefundId = Refund;
}

fn target_of(id: &str) -> Option<(&'static Target, Ulid)> {
    TARGETS.iter().find_map(|target| Some((target, id.strip_prefix(target.prefix)?.parse().ok()?)))
}

fn id_of(object: &Object) -> String {
    match object {
        Object::Account(account) => account.id.to_string(),
        Object::ApiKey(shown) => shown.key.id.to_string(),
        Object::AuditEntry(entry) => entry.id.to_string(),
        Object::BalanceTransaction(line) => line.id.to_string(),
        Object::Charge(charge) => charge.id.to_string(),
        Object::Customer(customer) => customer.id.to_string(),
        Object::Event(shown) => shown.event.id.to_string(),
        Object::PaymentIntent(intent) => intent.id.to_string(),
        Object::PaymentMethod(method) => method.id.to_string(),
        Object::User(shown) => shown.user.id.to_string(),
        Object::Refund(refund) => refund.id.to_string(),
        Object::SetupIntent(intent) => intent.id.to_string(),
        Object::Token(token) => token.id.to_string(),
        Object::WebhookEndpoint(shown) => shown.endpoint.id.to_string(),
    }
}

/// Calls `act` on whatever the path leads to; lists on the way are passed through.
fn visit(value: &mut Value, path: &[&str], act: &mut impl FnMut(&mut Value)) {
    if let Value::Array(items) = value {
        items.iter_mut().for_each(|item| visit(item, path, act));
        return;
    }
    match path.split_first() {
        None => act(value),
        Some((field, rest)) => {
            if let Some(inner) = value.get_mut(*field) {
                visit(inner, rest, act);
            }
        }
    }
}

/// An answer's expansion: the objects it met, as they are written.
pub(super) struct Expansion<'a> {
    store: &'a dyn Store,
    scope: Scope,
    ctx: Context,
    fresh: HashMap<String, &'a Object>,
    written: HashMap<String, Value>,
}

impl<'a> Expansion<'a> {
    /// One that takes objects from `fresh` before it asks the store.
    pub(super) fn new(store: &'a dyn Store, scope: Scope, ctx: Context, fresh: &[&'a Object]) -> Self {
        let fresh = fresh.iter().map(|object| (id_of(object), *object)).collect();
        Self { store, scope, ctx, fresh, written: HashMap::new() }
    }

    /// The view with all references on the paths replaced.
    pub(super) async fn expand(mut self, view: &(impl Serialize + Sync), paths: &[Path<'_>]) -> Result<Value, Error> {
        let mut value = written(view)?;
        let depth = paths.iter().map(Vec::len).max().unwrap_or(0);
        for level in 1..=depth {
            let here: BTreeSet<&[&str]> = paths.iter().filter_map(|path| path.get(..level)).collect();
            let mut wanted = BTreeSet::new();
            for path in &here {
                visit(&mut value, path, &mut |found| wanted.extend(found.as_str().map(str::to_owned)));
            }
            self.meet(wanted).await?;
            for path in &here {
                visit(&mut value, path, &mut |found| {
                    if let Some(object) = found.as_str().and_then(|id| self.written.get(id)) {
                        *found = object.clone();
                    }
                });
            }
        }
        Ok(value)
    }

    async fn meet(&mut self, wanted: BTreeSet<String>) -> Result<(), Error> {
        let mut stored = Vec::new();
        for id in wanted {
            if self.written.contains_key(&id) {
                continue;
            }
            if let Some(object) = self.fresh.get(&id) {
                let value = written(&Rendered { object, ctx: self.ctx })?;
                self.written.insert(id, value);
            } else if let Some((target, ulid)) = target_of(&id) {
                stored.push((id, target, Key::object(self.scope, target.kind, ulid)));
            }
        }
        for chunk in stored.chunks(MAX_KEYS) {
            let keys: Vec<Key> = chunk.iter().map(|(_, _, key)| key.clone()).collect();
            let items = self.store.get(&keys).await?;
            for ((id, target, _), item) in chunk.iter().zip(items) {
                let item = item.ok_or_else(|| Error::Internal(format!("{id} is referred to and missing")))?;
                let object = (target.read)(&item.body)?;
                let value = written(&Rendered { object: &object, ctx: self.ctx })?;
                self.written.insert(id.clone(), value);
            }
        }
        Ok(())
    }
}

fn written(view: &impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(view).map_err(|e| Error::Internal(format!("write an answer: {e}")))
}
