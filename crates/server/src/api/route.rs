//! One operation: what it is reached by, which keys open it, and what is told of it.

use std::borrow::Cow;

use domain::permission::{Access, Resource};
use futures::future::BoxFuture;
use http::Method;
use payments::idempotency::Answered;
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use super::Failure;
use super::dispatch::Call;
use super::requests::ExpandOnly;

/// The ids that a path names, in order; empty where it names fewer.
pub(crate) type Ids<'a> = [&'a str; MAX_IDS];

/// No path names more objects.
const MAX_IDS: usize = 2;

/// Carries out an operation.
pub(crate) type Run = for<'a> fn(Call<'a>, Ids<'a>) -> BoxFuture<'a, Result<Answered, Failure>>;

/// Which keys open an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opens {
    /// Secret ones.
    Secret,
    /// Those of whoever runs the platform.
    Platform,
    /// Secret and publishable ones.
    Any,
    /// Secret ones, and publishable ones with the intent's client secret.
    ClientSecret(Intent),
}

/// What has a client secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    /// A payment.
    Payment,
    /// A set-up.
    Setup,
}

/// One operation.
pub(crate) struct Route {
    pub(crate) method: Method,
    /// `/v1/refunds/{refund}`: a name in braces stands for an id.
    pub(crate) template: &'static str,
    pub(crate) opens: Opens,
    /// What a restricted key must be allowed to do; no such key opens it when `None`.
    pub(crate) needs: Option<(Resource, Access)>,
    pub(crate) run: Run,
    pub(crate) told: Told,
}

/// What people and programs are told of an operation.
pub(crate) struct Told {
    /// In a few words, and no other operation's.
    pub(crate) title: &'static str,
    pub(crate) takes: Described,
    pub(crate) gives: Gives,
    /// A card can be refused on the way.
    pub(crate) asks_a_card: bool,
}

/// A type with a description of its own.
#[derive(Clone, Copy)]
pub(crate) struct Described {
    pub(crate) name: fn() -> Cow<'static, str>,
    pub(crate) schema: fn() -> RefOr<Schema>,
    /// The types it is made of.
    pub(crate) parts: fn(&mut Vec<(String, RefOr<Schema>)>),
}

impl Described {
    fn of<T: ToSchema>() -> Self {
        Self { name: T::name, schema: T::schema, parts: T::schemas }
    }
}

/// What an operation answers when it goes well.
pub(crate) enum Gives {
    /// An object, of one of these kinds.
    One(Vec<Described>),
    /// A page of objects.
    Page(Described),
}

impl Route {
    pub(super) fn new(method: Method, template: &'static str, run: Run) -> Self {
        let (takes, gives) = (Described::of::<ExpandOnly>(), Gives::One(Vec::new()));
        let told = Told { title: "", takes, gives, asks_a_card: false };
        let needs = needs(&method, template);
        Self { method, template, opens: Opens::Secret, needs, run, told }
    }

    pub(super) fn titled(self, title: &'static str) -> Self {
        Self { told: Told { title, ..self.told }, ..self }
    }

    pub(super) fn takes<T: ToSchema>(self) -> Self {
        Self { told: Told { takes: Described::of::<T>(), ..self.told }, ..self }
    }

    pub(super) fn gives<T: ToSchema>(self) -> Self {
        Self { told: Told { gives: Gives::One(vec![Described::of::<T>()]), ..self.told }, ..self }
    }

    pub(super) fn gives_either<T: ToSchema, U: ToSchema>(self) -> Self {
        Self { told: Told { gives: Gives::One(vec![Described::of::<T>(), Described::of::<U>()]), ..self.told }, ..self }
    }

    /// Or an object of this kind.
    pub(super) fn or_gives<T: ToSchema>(mut self) -> Self {
        if let Gives::One(kinds) = &mut self.told.gives {
            kinds.push(Described::of::<T>());
        }
        self
    }

    pub(super) fn pages<T: ToSchema>(self) -> Self {
        Self { told: Told { gives: Gives::Page(Described::of::<T>()), ..self.told }, ..self }
    }

    pub(super) fn asks_a_card(self) -> Self {
        Self { told: Told { asks_a_card: true, ..self.told }, ..self }
    }

    pub(super) fn opens(self, opens: Opens) -> Self {
        Self { opens, ..self }
    }

    /// The ids in the path, if it is this operation's.
    pub(super) fn matches<'p>(&self, path: &'p str) -> Option<Ids<'p>> {
        let mut ids = [""; MAX_IDS];
        let mut slots = ids.iter_mut();
        let mut segments = path.split('/');
        for expected in self.template.split('/') {
            let segment = segments.next()?;
            if expected.starts_with('{') {
                *slots.next()? = segment;
            } else if expected != segment {
                return None;
            }
        }
        segments.next().is_none().then_some(ids)
    }
}

/// What a restricted key needs for an operation, by the first part of its path.
fn needs(method: &Method, template: &str) -> Option<(Resource, Access)> {
    let name = template.strip_prefix("/v1/")?.split('/').next()?;
    let resource = match name {
        "balance_transactions" => Some(Resource::Balance),
        name => Resource::from_name(name),
    };
    let access = if *method == Method::GET { Access::Read } else { Access::Write };
    resource.map(|resource| (resource, access))
}
