//! A table: the way to it, and what it must be like.

use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{Builder, Region};
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::OpenError;
use super::address::Address;
use super::error::{Failure, failure};
use super::item::Place;
use super::layout::{Layout, PARTITION, SORT};
use super::pace::Pace;

/// How long making a connection may take.
const CONNECT: Duration = Duration::from_secs(2);
/// How long one answer may take: DynamoDB itself gives up sooner, and what is lost is asked for again.
const ANSWER: Duration = Duration::from_secs(4);
/// How long opening is tried.
const OPENING: Duration = Duration::from_secs(10);
/// Requests of one process under way at a time; each has a connection of its own.
const UNDER_WAY: usize = 1_000;
/// How long a request waits for its turn.
const TURN: Duration = Duration::from_secs(5);

/// A table that can be worked with.
pub(super) struct Table {
    pub(super) client: Client,
    pub(super) name: String,
    pub(super) layout: Layout,
    turns: Semaphore,
}

/// The way to where an address points; nothing is asked yet.
pub(super) async fn client(address: &Address) -> Client {
    let mut loader = aws_config::defaults(BehaviorVersion::latest());
    if let Some(region) = &address.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(endpoint) = &address.endpoint {
        loader = loader.endpoint_url(endpoint.clone());
    }
    let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(ANSWER).build();
    // What is asked again, and when, depends on what was asked: that is decided here and not by the library.
    let config = Builder::from(&loader.load().await).retry_config(RetryConfig::disabled()).timeout_config(timeouts);
    Client::from_conf(config.build())
}

/// Where the layout is kept.
pub(super) fn layout_place() -> Place {
    Place { partition: PARTITION.to_vec(), sort: SORT.to_vec() }
}

/// What a table says of its layout; `None` if there is no such table, or it says nothing.
pub(super) async fn layout(client: &Client, table: &str) -> Result<Option<Layout>, OpenError> {
    let mut pace = Pace::new(OPENING);
    loop {
        let request = client.get_item().table_name(table).set_key(Some(layout_place().key())).consistent_read(true);
        let error = match request.send().await {
            Ok(answer) => return answer.item().map(Layout::read).transpose(),
            Err(error) => error,
        };
        if error.code() == Some("ResourceNotFoundException") {
            return Ok(None);
        }
        match failure(&error) {
            Failure::Refused(why) => return Err(OpenError::Connection(why)),
            Failure::Disturbed(why) | Failure::Lost(why) => {
                if !pace.pause().await {
                    return Err(OpenError::Connection(why));
                }
            }
        }
    }
}

impl Table {
    /// Opens a table that was made.
    pub(super) async fn open(url: &str) -> Result<Self, OpenError> {
        let address = Address::parse(url)?;
        let client = client(&address).await;
        let layout = layout(&client, &address.table).await?.ok_or_else(|| OpenError::NotMade(url.to_owned()))?;
        Ok(Self { client, name: address.table, layout, turns: Semaphore::new(UNDER_WAY) })
    }

    /// A turn to ask something; `None` if there is none soon.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        tokio::time::timeout(TURN, self.turns.acquire()).await.ok()?.ok()
    }
}
