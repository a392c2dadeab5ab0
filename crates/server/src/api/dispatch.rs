//! From an authenticated call to its operation.

use std::sync::Arc;

use domain::account::{ApiKey, ApiKeyKind};
use domain::payment_intent::ConfirmationMethod;
use domain::permission::Access;
use payments::Request;
use payments::idempotency::Answered;

use super::route::{Ids, Intent, Opens, Route};
use super::{App, Failure, payment_intents, setup_intents};
use crate::limits::load::Place;
use crate::params::{ParamError, ParamErrorKind, Tree};
use crate::presenter::expandable::shows;

/// What a browser may not decide when it confirms an intent, because the shop did.
const FOR_THE_SHOP: [&str; 4] = ["capture_method", "error_on_requires_action", "off_session", "payment_method_options"];

/// One authenticated call.
pub(crate) struct Call<'a> {
    pub(crate) app: &'a App,
    pub(crate) key: Arc<ApiKey>,
    pub(crate) path: &'a str,
    /// Its place among the requests under way.
    pub(crate) place: &'a Place,
    pub(crate) tree: Tree,
    pub(crate) request: Request,
}

/// Carries out the operation, if the key opens it.
pub(crate) async fn dispatch<'a>(route: &Route, ids: Ids<'a>, call: Call<'a>) -> Result<Answered, Failure> {
    match (route.opens, call.key.kind) {
        (Opens::Secret, ApiKeyKind::Publishable) => return Err(Failure::Forbidden),
        (Opens::ClientSecret(intent), kind @ (ApiKeyKind::Secret | ApiKeyKind::Publishable)) => {
            check_secret(&call, intent, ids, kind).await?;
        }
        (_, ApiKeyKind::Restricted) => {
            check_permission(&call.key, route)?;
            check_expansions(&call)?;
        }
        (Opens::Secret, ApiKeyKind::Secret) | (Opens::Any, ApiKeyKind::Secret | ApiKeyKind::Publishable) => {}
    }
    (route.run)(call, ids).await
}

/// A restricted key opens what it was made for.
fn check_permission(key: &ApiKey, route: &Route) -> Result<(), Failure> {
    match route.needs {
        Some((resource, access)) if key.permissions.allow(resource, access) => Ok(()),
        Some((resource, access)) => Err(Failure::NotPermitted(resource, access)),
        None => Err(Failure::Forbidden),
    }
}

/// What an answer is to show in the place of a reference, the key must be allowed to read.
fn check_expansions(call: &Call<'_>) -> Result<(), Failure> {
    let mut paths = Vec::new();
    if let Some(expand) = call.tree.get("expand") {
        texts(expand, &mut paths);
    }
    let shown = paths.iter().flat_map(|path| path.split('.')).flat_map(shows);
    let denied = shown.copied().find(|resource| !call.key.permissions.allow(*resource, Access::Read));
    denied.map_or(Ok(()), |resource| Err(Failure::NotPermitted(resource, Access::Read)))
}

fn texts<'t>(tree: &'t Tree, into: &mut Vec<&'t str>) {
    match tree {
        Tree::Text(text) => into.push(text),
        Tree::List(items) => items.iter().for_each(|item| texts(item, into)),
        Tree::Map(fields) => fields.values().for_each(|field| texts(field, into)),
        Tree::Integer(_) | Tree::OtherNumber | Tree::Bool(_) | Tree::Null => {}
    }
}

/// A browser must prove that the shop handed it the intent; a shop may.
async fn check_secret(call: &Call<'_>, intent: Intent, [id, _]: Ids<'_>, kind: ApiKeyKind) -> Result<(), Failure> {
    let secret = match call.tree.get("client_secret") {
        Some(Tree::Text(text)) if !text.is_empty() => text,
        Some(Tree::Text(_) | Tree::Null) => return Err(ParamError::of_kind(ParamErrorKind::Empty, "client_secret").into()),
        Some(_) => return Err(ParamError::of_kind(ParamErrorKind::InvalidString, "client_secret").into()),
        None if kind == ApiKeyKind::Secret => return Ok(()),
        None => return Err(ParamError::missing("client_secret").into()),
    };
    let (platform, scope) = (&call.app.platform, call.request.scope);
    let confirmation = match intent {
        Intent::Payment => platform.check_payment_secret(scope, payment_intents::id(id)?, secret).await?,
        Intent::Setup => {
            platform.check_setup_secret(scope, setup_intents::id(id)?, secret).await?;
            ConfirmationMethod::Automatic
        }
    };
    let confirms = call.path.ends_with("/confirm");
    match kind {
        ApiKeyKind::Secret | ApiKeyKind::Restricted => Ok(()),
        ApiKeyKind::Publishable if confirms && confirmation == ConfirmationMethod::Manual => Err(Failure::Forbidden),
        ApiKeyKind::Publishable => match FOR_THE_SHOP.into_iter().find(|name| call.tree.get(name).is_some()) {
            Some(name) => Err(ParamError::invalid(name, format!("The parameter {name} cannot be given with a publishable key.")).into()),
            None => Ok(()),
        },
    }
}
