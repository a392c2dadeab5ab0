//! Making a table, and looking whether one is as it must be.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::operation::create_table::CreateTableOutput;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TableDescription, TableStatus,
    TimeToLiveSpecification, TimeToLiveStatus,
};

use super::OpenError;
use super::address::Address;
use super::error::text;
use super::item::{EXPIRY, PARTITION_KEY, SORT_KEY};
use super::layout::{Layout, Plan};
use super::table::{client, layout, layout_place};

/// How often a table that is being made is looked at, and with what pauses: together two minutes.
const LOOKS: u32 = 120;
const BETWEEN: Duration = Duration::from_secs(1);

fn said<E>(error: &SdkError<E, HttpResponse>) -> OpenError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match error.as_service_error() {
        Some(answer) => OpenError::Connection(format!("{}: {}", answer.code().unwrap_or_default(), answer.message().unwrap_or_default())),
        None => OpenError::Connection(text(error)),
    }
}

#[allow(clippy::needless_pass_by_value)] // for `map_err`
fn incomplete(error: BuildError) -> OpenError {
    OpenError::Unsuitable(error.to_string())
}

/// Makes what is not there yet: the table, the removal of what is out of date, the layout. Without a plan, a table that has a
/// layout keeps it and a new one gets the usual.
pub(super) async fn create(url: &str, plan: Option<Plan>) -> Result<Plan, OpenError> {
    let address = Address::parse(url)?;
    let client = client(&address).await;
    // Before anything is made.
    let new = Layout::new(plan.unwrap_or_default())?;
    match client.describe_table().table_name(&address.table).send().await {
        Ok(described) => check_keys(described.table())?,
        Err(error) if error.code() == Some("ResourceNotFoundException") => {
            make(&client, &address.table).await?;
        }
        Err(error) => return Err(said(&error)),
    }
    become_active(&client, &address.table).await?;
    if !expires(&client, &address.table).await? {
        let expiry = TimeToLiveSpecification::builder().enabled(true).attribute_name(EXPIRY).build().map_err(incomplete)?;
        client.update_time_to_live().table_name(&address.table).time_to_live_specification(expiry).send().await.map_err(|e| said(&e))?;
    }
    let mut item = layout_place().key();
    item.extend(new.attributes());
    let put = client.put_item().table_name(&address.table).set_item(Some(item)).condition_expression("attribute_not_exists(p)");
    match put.send().await {
        Ok(_) => Ok(new.plan),
        Err(error) if error.code() == Some("ConditionalCheckFailedException") => {
            let found = layout(&client, &address.table).await?.map_or(new.plan, |layout| layout.plan);
            match plan {
                Some(plan) if plan != found => Err(OpenError::Unsuitable(format!(
                    "it was made with {} shards of records and {} of lists, {}, and keeps these for good",
                    found.record_shards,
                    found.list_shards,
                    if found.plain { "plain" } else { "compressed" }
                ))),
                _ => Ok(found),
            }
        }
        Err(error) => Err(said(&error)),
    }
}

async fn make(client: &Client, table: &str) -> Result<(), OpenError> {
    let mut request = client.create_table().table_name(table).billing_mode(BillingMode::PayPerRequest).deletion_protection_enabled(true);
    for (name, role) in [(PARTITION_KEY, KeyType::Hash), (SORT_KEY, KeyType::Range)] {
        let kind = AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::B);
        let key = KeySchemaElement::builder().attribute_name(name).key_type(role);
        request = request.attribute_definitions(kind.build().map_err(incomplete)?).key_schema(key.build().map_err(incomplete)?);
    }
    let made: Result<CreateTableOutput, SdkError<CreateTableError, HttpResponse>> = request.send().await;
    match made {
        Ok(_) => Ok(()),
        // Somebody else is making it.
        Err(error) if error.code() == Some("ResourceInUseException") => Ok(()),
        Err(error) => Err(said(&error)),
    }
}

async fn become_active(client: &Client, table: &str) -> Result<(), OpenError> {
    for _ in 0..LOOKS {
        let described = client.describe_table().table_name(table).send().await.map_err(|e| said(&e))?;
        let status = described.table().and_then(TableDescription::table_status);
        if matches!(status, Some(TableStatus::Active | TableStatus::Updating)) {
            return Ok(());
        }
        tokio::time::sleep(BETWEEN).await;
    }
    Err(OpenError::Unsuitable("it does not become active".to_owned()))
}

fn check_keys(table: Option<&TableDescription>) -> Result<(), OpenError> {
    let is = |name: &str, role: &KeyType| {
        let key = table.is_some_and(|table| table.key_schema().iter().any(|key| key.attribute_name() == name && key.key_type() == role));
        let of = |kind: &AttributeDefinition| kind.attribute_name() == name && *kind.attribute_type() == ScalarAttributeType::B;
        key && table.is_some_and(|table| table.attribute_definitions().iter().any(of))
    };
    if is(PARTITION_KEY, &KeyType::Hash) && is(SORT_KEY, &KeyType::Range) {
        return Ok(());
    }
    Err(OpenError::Unsuitable(format!("its partition key must be `{PARTITION_KEY}` and its sort key `{SORT_KEY}`, both binary")))
}

async fn expires(client: &Client, table: &str) -> Result<bool, OpenError> {
    let described = client.describe_time_to_live().table_name(table).send().await.map_err(|e| said(&e))?;
    let Some(expiry) = described.time_to_live_description() else { return Ok(false) };
    let is_on = matches!(expiry.time_to_live_status(), Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling));
    Ok(is_on && expiry.attribute_name() == Some(EXPIRY))
}

/// Looks whether a table is as it must be.
pub(super) async fn check(url: &str) -> Result<Plan, OpenError> {
    let address = Address::parse(url)?;
    let client = client(&address).await;
    match client.describe_table().table_name(&address.table).send().await {
        Ok(described) => check_keys(described.table())?,
        Err(error) if error.code() == Some("ResourceNotFoundException") => return Err(OpenError::NotMade(url.to_owned())),
        Err(error) => return Err(said(&error)),
    }
    let layout = layout(&client, &address.table).await?.ok_or_else(|| OpenError::NotMade(url.to_owned()))?;
    if !expires(&client, &address.table).await? {
        return Err(OpenError::Unsuitable(format!(
            "items out of date are not removed by their `{EXPIRY}`: `bursar store create` has them removed"
        )));
    }
    Ok(layout.plan)
}
