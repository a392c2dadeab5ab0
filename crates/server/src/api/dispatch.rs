//! From an authenticated call to its operation.

use std::sync::Arc;

use domain::payment_intent::ConfirmationMethod;
use domain::permission::{Access, Permissions, Resource};
use payments::Request;
use payments::idempotency::Answered;
use payments::ports::Audience;

use super::credential::{Credential, Grant};
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
    pub(crate) credential: Arc<Credential>,
    pub(crate) path: &'a str,
    /// Its place among the requests under way.
    pub(crate) place: &'a Place,
    pub(crate) tree: Tree,
    pub(crate) request: Request,
}

/// Carries out the operation, if the credential opens it.
pub(crate) async fn dispatch<'a>(route: &Route, ids: Ids<'a>, call: Call<'a>) -> Result<Answered, Failure> {
    match (route.opens, &call.credential.grant) {
        (Opens::Platform, Grant::Platform) => {}
        (Opens::Platform, Grant::Secret | Grant::Publishable | Grant::Restricted(_) | Grant::Person(_)) => {
            return Err(Failure::PlatformOnly);
        }
        (_, Grant::Platform) => return Err(Failure::NoMerchant),
        (Opens::Secret, Grant::Publishable) => return Err(Failure::Forbidden),
        (Opens::ClientSecret(intent), Grant::Secret) => check_secret(&call, intent, ids, Audience::Shop).await?,
        (Opens::ClientSecret(intent), Grant::Publishable) => check_secret(&call, intent, ids, Audience::Browser).await?,
        (_, Grant::Restricted(permissions)) => {
            check_permission(permissions, route)?;
            check_expansions(permissions, &call.tree).map_err(|(resource, access)| Failure::NotPermitted(resource, access))?;
        }
        (_, Grant::Person(permissions)) => {
            check_role(permissions, route)?;
            check_expansions(permissions, &call.tree).map_err(|(resource, access)| Failure::NotInRole(resource, access))?;
        }
        (Opens::Secret, Grant::Secret) | (Opens::Any, Grant::Secret | Grant::Publishable) => {}
    }
    (route.run)(call, ids).await
}

/// What is restricted opens what it was made for, and never keys or people.
fn check_permission(permissions: &Permissions, route: &Route) -> Result<(), Failure> {
    match route.needs {
        Some((resource, _)) if !resource.is_for_keys() => Err(Failure::Forbidden),
        Some((resource, access)) if permissions.allow(resource, access) => Ok(()),
        Some((resource, access)) => Err(Failure::NotPermitted(resource, access)),
        None => Err(Failure::Forbidden),
    }
}

/// A person does what their role is for.
fn check_role(permissions: &Permissions, route: &Route) -> Result<(), Failure> {
    match route.needs {
        Some((resource, access)) if permissions.allow(resource, access) => Ok(()),
        Some((resource, access)) => Err(Failure::NotInRole(resource, access)),
        None => Err(Failure::Forbidden),
    }
}

/// What an answer is to show in the place of a reference, the credential must be allowed to read.
fn check_expansions(permissions: &Permissions, tree: &Tree) -> Result<(), (Resource, Access)> {
    let mut paths = Vec::new();
    if let Some(expand) = tree.get("expand") {
        texts(expand, &mut paths);
    }
    let shown = paths.iter().flat_map(|path| path.split('.')).flat_map(shows);
    let denied = shown.copied().find(|resource| !permissions.allow(*resource, Access::Read));
    denied.map_or(Ok(()), |resource| Err((resource, Access::Read)))
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
async fn check_secret(call: &Call<'_>, intent: Intent, [id, _]: Ids<'_>, audience: Audience) -> Result<(), Failure> {
    let secret = match call.tree.get("client_secret") {
        Some(Tree::Text(text)) if !text.is_empty() => text,
        Some(Tree::Text(_) | Tree::Null) => return Err(ParamError::of_kind(ParamErrorKind::Empty, "client_secret").into()),
        Some(_) => return Err(ParamError::of_kind(ParamErrorKind::InvalidString, "client_secret").into()),
        None if audience == Audience::Shop => return Ok(()),
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
    match audience {
        Audience::Shop => Ok(()),
        Audience::Browser if confirms && confirmation == ConfirmationMethod::Manual => Err(Failure::Forbidden),
        Audience::Browser => match FOR_THE_SHOP.into_iter().find(|name| call.tree.get(name).is_some()) {
            Some(name) => Err(ParamError::invalid(name, format!("The parameter {name} cannot be given with a publishable key.")).into()),
            None => Ok(()),
        },
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::api::routes;

    #[test]
    fn nothing_restricted_looks_after_keys_or_people_whatever_it_is_said_to_be_allowed() {
        let everything = Permissions::of(Resource::ALL.iter().map(|resource| (*resource, Access::Write)));
        for (path, opens) in [("/v1/users", false), ("/v1/api_keys", false), ("/v1/refunds", true)] {
            let (route, _) = routes::find(&Method::POST, path).unwrap();
            assert_eq!(check_permission(&everything, route).is_ok(), opens, "{path}");
            assert!(check_role(&everything, route).is_ok(), "{path}");
        }
    }
}
