//! A shop in miniature, without an SDK: a customer, a payment, a refused card, a refund in part, the balance.
//!
//! `BURSAR_URL=http://127.0.0.1:8420 BURSAR_KEY=sk_test_… cargo run -p bursar --example shop`
//!
//! Absent: repeating what got no answer, which Stripe's SDKs do by themselves. Under the same idempotency key it is safe.
#![allow(clippy::print_stdout)]

use std::env;
use std::error::Error;
use std::time::{SystemTime, UNIX_EPOCH};

use reqwest::{Client, Response};
use serde_json::Value;

/// What an answer is, once it is known to be one of the API's.
type Answer = Result<Value, Box<dyn Error>>;

struct Shop {
    http: Client,
    url: String,
    key: String,
}

impl Shop {
    fn from_environment() -> Result<Self, Box<dyn Error>> {
        let url = env::var("BURSAR_URL")?.trim_end_matches('/').to_owned();
        Ok(Self { http: Client::new(), url, key: env::var("BURSAR_KEY")? })
    }

    async fn get(&self, path: &str) -> Answer {
        let answer = self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.key).send().await?;
        read(answer).await
    }

    /// The same idempotency key gets the same answer, however often it is sent.
    async fn post(&self, path: &str, form: &[(&str, &str)], idempotency_key: &str) -> Answer {
        let request = self.http.post(format!("{}{path}", self.url)).bearer_auth(&self.key).form(form);
        read(request.header("Idempotency-Key", idempotency_key).send().await?).await
    }

    /// The order's payment, not yet paid by any card.
    async fn open(&self, order: &str, amount: &str, customer: &str) -> Result<String, Box<dyn Error>> {
        let form = [("amount", amount), ("currency", "usd"), ("customer", customer), ("payment_method_types[]", "card")];
        let intent = self.post("/v1/payment_intents", &form, &format!("{order}-open")).await?;
        Ok(text(&intent, "/id").to_owned())
    }

    /// One try with one card; says whether the order is paid. Another card is another attempt, with another key.
    async fn pay(&self, order: &str, intent: &str, card: &str, attempt: u32) -> Result<bool, Box<dyn Error>> {
        let path = format!("/v1/payment_intents/{intent}/confirm");
        let answer = self.post(&path, &[("payment_method", card)], &format!("{order}-pay-{attempt}")).await?;
        if text(&answer, "/error/type") == "card_error" {
            // The payment stays open for another card.
            println!("{order}: the card was refused ({}, {})", text(&answer, "/error/code"), text(&answer, "/error/decline_code"));
            return Ok(false);
        }
        if let Some(error) = answer.get("error") {
            return Err(format!("{order}: {error}").into());
        }
        match text(&answer, "/status") {
            "succeeded" => println!("{order}: paid {} by {intent}", money(&answer, "/amount_received")),
            "requires_action" => println!("{order}: send the buyer to {}", text(&answer, "/next_action/redirect_to_url/url")),
            // processing: nobody knows yet. Neither ship nor charge again; an event tells what it came to.
            other => println!("{order}: {other}, not paid yet"),
        }
        Ok(text(&answer, "/status") == "succeeded")
    }
}

/// A refused card is an answer like others; all else that failed is an error.
async fn read(answer: Response) -> Answer {
    let status = answer.status();
    let body: Value = answer.json().await?;
    if status.is_success() || status.as_u16() == 402 { Ok(body) } else { Err(format!("{status}: {body}").into()) }
}

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

/// An amount in hundredths, as people write it. Not every currency has hundredths.
fn money(value: &Value, path: &str) -> String {
    let amount = value.pointer(path).and_then(Value::as_i64).unwrap_or_default();
    let (sign, amount) = (if amount < 0 { "-" } else { "" }, amount.unsigned_abs());
    format!("{sign}{}.{:02} {}", amount / 100, amount % 100, text(value, "/currency").to_uppercase())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let shop = Shop::from_environment()?;
    let run = SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros();
    let (first, second) = (format!("order-{run}-1"), format!("order-{run}-2"));
    let customer = shop.post("/v1/customers", &[("name", "Ada Buyer")], &format!("customer-{run}")).await?;
    let customer = text(&customer, "/id");
    println!("customer {customer}");

    let payment = shop.open(&first, "2000", customer).await?;
    let paid = shop.pay(&first, &payment, "pm_card_visa", 1).await?;
    if shop.open(&first, "2000", customer).await? == payment && shop.pay(&first, &payment, "pm_card_visa", 1).await? == paid {
        println!("{first}: asked twice, paid once");
    }

    let payment = shop.open(&second, "4550", customer).await?;
    if !shop.pay(&second, &payment, "pm_card_visa_chargeDeclinedInsufficientFunds", 1).await? {
        shop.pay(&second, &payment, "pm_card_mastercard", 2).await?;
    }

    let form = [("payment_intent", payment.as_str()), ("amount", "1550")];
    let refund = shop.post("/v1/refunds", &form, &format!("{second}-return-1")).await?;
    println!("{second}: {} given back, {}", money(&refund, "/amount"), text(&refund, "/status"));

    // What is paid by card becomes available days later.
    let balance = shop.get("/v1/balance").await?;
    for part in ["available", "pending"] {
        for sum in balance.get(part).and_then(Value::as_array).into_iter().flatten() {
            println!("balance: {} {part}", money(sum, "/amount"));
        }
    }
    let lines = shop.get("/v1/balance_transactions?limit=3").await?;
    for line in lines.get("data").and_then(Value::as_array).into_iter().flatten() {
        let (amount, fee, net) = (money(line, "/amount"), money(line, "/fee"), money(line, "/net"));
        println!("statement: {} {amount}, fee {fee}, net {net}", text(line, "/type"));
    }
    Ok(())
}
