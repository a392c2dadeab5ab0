//! `bursar events`: what happened, told again.

use bursar::compose::SetupError;
use clap::{Args, Subcommand};
use domain::id::{EventId, WebhookEndpointId};
use reqwest::Method;

use super::api::{ApiArgs, text};
use super::say;

#[derive(Subcommand)]
pub(super) enum Events {
    /// Send an event to a webhook endpoint again, whatever became of it before.
    Resend(Resend),
}

#[derive(Args)]
pub(super) struct Resend {
    #[command(flatten)]
    api: ApiArgs,
    /// The event.
    #[arg(env = "BURSAR_EVENT")]
    event: EventId,
    /// To which endpoint.
    #[arg(long, env = "BURSAR_WEBHOOK_ENDPOINT")]
    webhook_endpoint: WebhookEndpointId,
}

impl Events {
    pub(super) async fn run(self) -> Result<(), SetupError> {
        match self {
            Self::Resend(resend) => resend.run().await,
        }
    }
}

impl Resend {
    async fn run(self) -> Result<(), SetupError> {
        let api = self.api.api()?;
        let form = format!("webhook_endpoint={}", self.webhook_endpoint);
        let delivery = api.send(&Method::POST, &format!("/v1/events/{}/retry", self.event), &form).await?;
        say(&format!("{} ({}) is sent to {} again\n", self.event, text(&delivery, "type"), self.webhook_endpoint));
        Ok(())
    }
}
