//! `/v1/api_keys`: a merchant's keys, for a secret key to look after, and for people whose role is that. No restricted key does, and
//! nobody makes a key that does more than they may.

use std::collections::BTreeMap;

use domain::account::ApiKeyKind;
use domain::id::ApiKeyId;
use domain::permission::{Access, Permissions, Resource};
use ipnet::IpNet;
use payments::accounts::NewKey;
use payments::idempotency::Answered;
use payments::outcome::Object;
use payments::payment_methods::create::masked;
use payments::ports::Answer;
use payments::{Error, Place};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Failure;
use super::customers::Nothing;
use super::dispatch::Call;
use super::lists::page::limit;
use crate::params::{self, ParamError};

/// Networks that a key may be bound to.
const MAX_NETWORKS: usize = 20;
/// For how long the key before opens what it did unless asked otherwise: a day, in seconds.
const DEFAULT_OVERLAP: i64 = 86_400;
/// For how long at most: a week.
const MAX_OVERLAP: i64 = 7 * 86_400;

/// A new key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateApiKey {
    /// `restricted` if left out; `publishable` or `secret`.
    kind: Option<String>,
    /// What a restricted one may do: `permissions[refunds]=write`, `permissions[charges]=read`.
    permissions: Option<BTreeMap<String, String>>,
    /// The networks that it may be used from, as `192.0.2.0/24`; any, if left out.
    allowed_from: Option<Vec<String>>,
}

/// A page of keys.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApiKeysParams {
    /// How many; 10 if left out.
    #[schema(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    /// The id of the last key of the page before.
    starting_after: Option<String>,
}

/// A key that takes the place of another.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RollApiKey {
    /// For how many seconds the one before opens what it did: a day if left out, a week at most.
    #[schema(minimum = 0, maximum = 604_800)]
    expires_in: Option<i64>,
}

fn no_cursor() -> ParamError {
    ParamError::invalid("starting_after", "No such object.")
}

fn kind(name: Option<&str>) -> Result<ApiKeyKind, Failure> {
    match name {
        None | Some("restricted") => Ok(ApiKeyKind::Restricted),
        Some("secret") => Ok(ApiKeyKind::Secret),
        Some("publishable") => Ok(ApiKeyKind::Publishable),
        Some(_) => Err(ParamError::invalid("kind", "The kind must be restricted, secret or publishable.").into()),
    }
}

fn permissions(kind: ApiKeyKind, named: &BTreeMap<String, String>) -> Result<Permissions, Failure> {
    let mut all = Vec::with_capacity(named.len());
    for (name, access) in named {
        let param = format!("permissions[{name}]");
        let resource = Resource::from_name(name).filter(|resource| resource.is_for_keys());
        let resource = resource.ok_or_else(|| ParamError::invalid(&param, "There is nothing of that name."))?;
        let access = Access::from_name(access).ok_or_else(|| ParamError::invalid(&param, "It must be read or write."))?;
        all.push((resource, access));
    }
    match (kind, all.is_empty()) {
        (ApiKeyKind::Restricted, true) => Err(ParamError::missing("permissions").into()),
        (ApiKeyKind::Secret | ApiKeyKind::Publishable | ApiKeyKind::Platform, false) => {
            Err(ParamError::invalid("permissions", "Only a restricted key has permissions.").into())
        }
        _ => Ok(Permissions::of(all)),
    }
}

fn networks(texts: &[String]) -> Result<Vec<IpNet>, Failure> {
    if texts.len() > MAX_NETWORKS {
        return Err(ParamError::invalid("allowed_from", "A key can be bound to 20 networks at most.").into());
    }
    let network = |(index, text): (usize, &String)| {
        let single = || text.parse::<std::net::IpAddr>().ok().map(IpNet::from);
        let wrong = || ParamError::invalid(&format!("allowed_from[{index}]"), "It must be an IP address or a network, as 192.0.2.0/24.");
        text.parse::<IpNet>().ok().or_else(single).ok_or_else(wrong)
    };
    Ok(texts.iter().enumerate().map(network).collect::<Result<_, _>>()?)
}

/// The key that a path names.
fn id(text: &str) -> Result<ApiKeyId, Failure> {
    let missing = || Error::NotFound { kind: "api_key", id: masked(text), param: "api_key", place: Place::Path };
    Ok(text.parse().map_err(|_| missing())?)
}

pub(crate) async fn create(call: Call<'_>) -> Result<Answered, Failure> {
    let params: CreateApiKey = params::from_tree(&call.tree)?;
    let kind = kind(params.kind.as_deref())?;
    let permissions = permissions(kind, &params.permissions.unwrap_or_default())?;
    if !call.credential.may_make(kind, &permissions) {
        return Err(Failure::AboveOwn);
    }
    let new = NewKey { kind, permissions, allowed_from: networks(&params.allowed_from.unwrap_or_default())? };
    Ok(call.app.platform.create_api_key(&call.request, &new).await?)
}

pub(crate) async fn roll(call: Call<'_>, text: &str) -> Result<Answered, Failure> {
    let params: RollApiKey = params::from_tree(&call.tree)?;
    let overlap = params.expires_in.unwrap_or(DEFAULT_OVERLAP);
    if !(0..=MAX_OVERLAP).contains(&overlap) {
        return Err(ParamError::invalid("expires_in", "The time must be from 0 to 604800 seconds.").into());
    }
    let id = id(text)?;
    if let Object::ApiKey(shown) = call.app.platform.api_key(&call.request, id).await?
        && !call.credential.may_make(shown.key.kind, &shown.key.permissions)
    {
        return Err(Failure::AboveOwn);
    }
    Ok(call.app.platform.roll_api_key(&call.request, id, overlap).await?)
}

pub(crate) async fn revoke(call: Call<'_>, text: &str) -> Result<Answered, Failure> {
    let Nothing {} = params::from_tree(&call.tree)?;
    Ok(call.app.platform.revoke_api_key(&call.request, id(text)?).await?)
}

pub(crate) async fn retrieve(call: Call<'_>, text: &str) -> Result<Answered, Failure> {
    let Nothing {} = params::from_tree(&call.tree)?;
    let key = call.app.platform.api_key(&call.request, id(text)?).await?;
    let body = call.app.presenter.render_one(call.request.scope, &key, &call.request.rendering).await?;
    Ok(Answered { answer: Answer { status: 200, body }, replayed: false })
}

pub(crate) async fn list(call: Call<'_>) -> Result<Answered, Failure> {
    let params: ApiKeysParams = params::from_tree(&call.tree)?;
    let limit = limit(params.limit)?;
    let after: Option<ApiKeyId> = params.starting_after.as_deref().map(str::parse).transpose().map_err(|_| no_cursor())?;
    let mut keys = call.app.platform.api_keys(&call.request, after).await?;
    let has_more = keys.len() > limit;
    keys.truncate(limit);
    let body = call.app.presenter.render_list(call.request.scope, keys, has_more, call.path, &[]).await?;
    Ok(Answered { answer: Answer { status: 200, body }, replayed: false })
}
