//! Composition: the bank simulator's books, as `verify` reads them.

use async_trait::async_trait;
use domain::provider_key::ProviderKey;
use payments::Error;
use payments::verify::bank::{Moved, Statement};
use providers::Connector as _;
use providers::simulator::client::{RemoteSimulator, Timeouts};
use providers::simulator::{Kind, OPERATIONS_MAX, OperationRecord};

use crate::compose::SetupError;

/// A bank simulator's books.
pub struct BankBooks(RemoteSimulator);

impl BankBooks {
    /// Those of the simulator at an address (`http://host:port`).
    ///
    /// # Errors
    /// The connection cannot be set up.
    pub fn at(url: &str) -> Result<Self, SetupError> {
        RemoteSimulator::new(url, Timeouts::default()).map(Self).map_err(|e| SetupError(format!("the bank: {e}")))
    }

    /// The provider's name in our records.
    #[must_use]
    pub fn provider(&self) -> &'static str {
        self.0.capabilities().provider
    }
}

#[async_trait]
impl Statement for BankBooks {
    async fn after(&self, key: Option<&ProviderKey>) -> Result<Vec<Moved>, Error> {
        let page = self.0.operations(key, OPERATIONS_MAX).await;
        let page = page.map_err(|reason| Error::Unavailable(format!("the bank's books cannot be read: {reason:?}")))?;
        Ok(page.into_iter().map(moved).collect())
    }
}

fn moved(operation: OperationRecord) -> Moved {
    let OperationRecord { key, kind, currency, moved, .. } = operation;
    let (taken, given_back) = match kind {
        Kind::Authorize | Kind::Capture => (moved, 0),
        Kind::Refund => (0, moved),
        Kind::VerifyCard | Kind::Void => (0, 0),
    };
    Moved { key, taken, given_back, currency }
}
