//! `bursar trigger`: makes something happen, with test cards, so that its event does.

use std::time::Duration;

use bursar::compose::SetupError;
use clap::Args;
use domain::event::EventKind;
use reqwest::Method;
use serde_json::Value;

use super::api::{Api, ApiArgs, text};
use super::{failed, say};

/// How often the event is looked for: what a bank confirms later takes a moment.
const LOOKS: u32 = 40;
const PAUSE: Duration = Duration::from_millis(250);

#[derive(Args)]
pub(super) struct Trigger {
    #[command(flatten)]
    api: ApiArgs,
    /// The type of the event, as `payment_intent.succeeded`.
    #[arg(env = "BURSAR_EVENT_TYPE")]
    event: String,
}

/// A request; `{0}` in it is the id in the first answer, `{0.latest_charge}` another field of it.
#[derive(Clone, Copy)]
struct Step(&'static str, &'static str, &'static str);

const fn pays(form: &'static str) -> Step {
    Step("POST", "/v1/payment_intents", form)
}

const PAID: Step = pays("amount=2000&currency=usd&confirm=true&payment_method=pm_card_visa");
const HELD: Step = pays("amount=2000&currency=usd&confirm=true&payment_method=pm_card_visa&capture_method=manual");
const UNPAID: Step = pays("amount=2000&currency=usd");
const BUYER: Step = Step("POST", "/v1/customers", "name=Jenny+Rosen&email=jenny%40example.com");
const CARD: Step = Step("POST", "/v1/payment_methods/pm_card_visa/attach", "customer={0}");
const REFUND: Step = Step("POST", "/v1/refunds", "payment_intent={0}&amount=500");

const fn sets_up(form: &'static str) -> Step {
    Step("POST", "/v1/setup_intents", form)
}

/// What makes an event of a kind; `None` of those that come with time or trouble only.
fn steps(kind: EventKind) -> Option<Vec<Step>> {
    Some(match kind {
        EventKind::PaymentIntentCreated => vec![UNPAID],
        EventKind::PaymentIntentSucceeded | EventKind::ChargeSucceeded => vec![PAID],
        EventKind::PaymentIntentPaymentFailed | EventKind::ChargeFailed => {
            vec![pays("amount=2000&currency=usd&confirm=true&payment_method=pm_card_visa_chargeDeclined")]
        }
        EventKind::PaymentIntentRequiresAction => vec![pays(
            "amount=2000&currency=usd&confirm=true&payment_method=pm_card_threeDSecure2Required&return_url=https%3A%2F%2Fexample.com",
        )],
        EventKind::PaymentIntentAmountCapturableUpdated => vec![HELD],
        EventKind::ChargeCaptured => vec![HELD, Step("POST", "/v1/payment_intents/{0}/capture", "")],
        EventKind::PaymentIntentCanceled => vec![UNPAID, Step("POST", "/v1/payment_intents/{0}/cancel", "")],
        EventKind::ChargeRefunded | EventKind::RefundCreated => vec![PAID, REFUND],
        EventKind::RefundUpdated | EventKind::ChargeRefundUpdated => {
            vec![PAID, REFUND, Step("POST", "/v1/refunds/{1}", "metadata[order]=6735")]
        }
        EventKind::RefundFailed => {
            vec![pays("amount=2000&currency=usd&confirm=true&payment_method=pm_card_simulator_refundDeclined"), REFUND]
        }
        EventKind::ChargeUpdated => vec![PAID, Step("POST", "/v1/charges/{0.latest_charge}", "description=Order+6735")],
        EventKind::CustomerCreated => vec![BUYER],
        EventKind::CustomerUpdated => vec![BUYER, Step("POST", "/v1/customers/{0}", "name=Jenny")],
        EventKind::CustomerDeleted => vec![BUYER, Step("DELETE", "/v1/customers/{0}", "")],
        EventKind::PaymentMethodAttached => vec![BUYER, CARD],
        EventKind::PaymentMethodDetached => vec![BUYER, CARD, Step("POST", "/v1/payment_methods/{1}/detach", "")],
        EventKind::PaymentMethodUpdated => vec![BUYER, CARD, Step("POST", "/v1/payment_methods/{1}", "billing_details[name]=Jenny")],
        EventKind::SetupIntentCreated => vec![sets_up("")],
        EventKind::SetupIntentSucceeded => vec![sets_up("confirm=true&payment_method=pm_card_visa")],
        EventKind::SetupIntentRequiresAction => {
            vec![sets_up("confirm=true&payment_method=pm_card_threeDSecure2Required&return_url=https%3A%2F%2Fexample.com")]
        }
        EventKind::SetupIntentSetupFailed => vec![sets_up("confirm=true&payment_method=pm_card_visa_chargeDeclined")],
        EventKind::SetupIntentCanceled => vec![sets_up(""), Step("POST", "/v1/setup_intents/{0}/cancel", "")],
        EventKind::PaymentIntentProcessing | EventKind::ChargeExpired => return None,
    })
}

impl Trigger {
    pub(super) async fn run(self) -> Result<(), SetupError> {
        let kind = EventKind::ALL.iter().copied().find(|kind| kind.as_str() == self.event);
        let steps = kind.and_then(steps).ok_or_else(|| SetupError(format!("{} cannot be triggered; {}", self.event, those_that_can())))?;
        let api = self.api.api()?;
        let known = latest(&api, &self.event).await?;
        let mut answers = Vec::new();
        for Step(method, path, form) in &steps {
            let method = Method::from_bytes(method.as_bytes()).map_err(|e| failed("the method", e))?;
            answers.push(api.send(&method, &filled(path, &answers), &filled(form, &answers)).await?);
        }
        for _ in 0..LOOKS {
            let event = latest(&api, &self.event).await?;
            if event != known {
                say(&format!("{}  {}\n", text(&event, "id"), self.event));
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(SetupError(format!("all was done, and no {} came of it", self.event)))
    }
}

/// The last event of that type.
async fn latest(api: &Api, kind: &str) -> Result<Value, SetupError> {
    let page = api.get(&format!("/v1/events?limit=1&type={kind}")).await?;
    Ok(page.pointer("/data/0").cloned().unwrap_or_default())
}

fn those_that_can() -> String {
    let can: Vec<&str> = EventKind::ALL.iter().filter(|kind| steps(**kind).is_some()).map(|kind| kind.as_str()).collect();
    format!("those that can be are {}", can.join(", "))
}

/// A text with what earlier answers said.
fn filled(text_of: &str, answers: &[Value]) -> String {
    let mut filled = text_of.to_owned();
    for (index, answer) in answers.iter().enumerate() {
        filled = filled.replace(&format!("{{{index}}}"), text(answer, "id"));
        filled = filled.replace(&format!("{{{index}.latest_charge}}"), text(answer, "latest_charge"));
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_filled_with_what_earlier_ones_answered() {
        let answers = [serde_json::json!({"id": "pi_1", "latest_charge": "ch_1"}), serde_json::json!({"id": "re_1"})];
        assert_eq!(filled("/a/{0}/{0.latest_charge}/{1}?{2}", &answers), "/a/pi_1/ch_1/re_1?{2}");
    }
}
