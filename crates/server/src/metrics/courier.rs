//! A courier whose posts are timed, and their ends counted.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use domain::scope::Mode;
use domain::webhook_delivery::Told;
use metrics::{counter, histogram};
use payments::ports::{Courier, Parcel};

use super::meters::{DELIVERIES, DELIVERY_SECONDS, Meters};

/// A courier, and what counts its posts.
pub(crate) struct Metered {
    courier: Arc<dyn Courier>,
    meters: Meters,
}

impl Metered {
    /// The courier as it is, if nothing is counted.
    pub(crate) fn over(courier: Arc<dyn Courier>, meters: &Meters) -> Arc<dyn Courier> {
        if meters.are_on() { Arc::new(Self { courier, meters: meters.clone() }) } else { courier }
    }
}

/// How an attempt ended, in a word.
pub(crate) const fn word(told: &Told) -> &'static str {
    match told {
        Told::Failed(failure) => failure.as_str(),
        Told::Answered { .. } if told.is_taken() => "delivered",
        Told::Answered { .. } => "refused",
    }
}

#[async_trait]
impl Courier for Metered {
    fn check(&self, url: &str, mode: Mode) -> Result<(), String> {
        self.courier.check(url, mode)
    }

    async fn post(&self, parcel: Parcel<'_>) -> Told {
        let begun = Instant::now();
        let told = self.courier.post(parcel).await;
        let took = begun.elapsed();
        self.meters.record(|| {
            counter!(DELIVERIES, "outcome" => word(&told)).increment(1);
            histogram!(DELIVERY_SECONDS).record(took);
        });
        told
    }
}
