//! What the load generator asks for: one request after another of each scenario.
//!
//! A payment is create and confirm in one request with a test card, under an idempotency key of its own.
//! Absent on purpose: reading answers. A scenario needs only what was put in stock before.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::request::{Call, Caller};
use crate::rng::Rng;

/// Amount of every payment, in cents.
pub const PAYMENT_AMOUNT: u64 = 10_000;
/// Amount of every refund, in cents: a payment in stock bears a hundred of them.
const REFUND_AMOUNT: u64 = 100;
/// The form of a payment without its order number.
const PAYMENT_FORM: &str = "amount=10000&currency=usd&payment_method=pm_card_visa&payment_method_types[]=card&confirm=true";

/// A scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Workload {
    /// Create and confirm a payment.
    Payments,
    /// Retrieve one of the payments in stock.
    Retrieve,
    /// First page of 20 of all payments.
    List,
    /// First page of 20 of one customer's payments.
    ListByCustomer,
    /// Refund 1.00 of a payment in stock.
    Refund,
    /// Of ten requests four payments, four retrievals, one list, one refund.
    Mixed,
}

impl Workload {
    /// All of them, in the order of the tables.
    pub const ALL: [Self; 6] = [Self::Payments, Self::Retrieve, Self::List, Self::ListByCustomer, Self::Refund, Self::Mixed];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Payments => "payments",
            Self::Retrieve => "retrieve",
            Self::List => "list",
            Self::ListByCustomer => "list-by-customer",
            Self::Refund => "refund",
            Self::Mixed => "mixed",
        }
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Payments => "payments",
            Self::Retrieve => "retrieve",
            Self::List => "list of 20",
            Self::ListByCustomer => "list of 20 by customer",
            Self::Refund => "refund",
            Self::Mixed => "mixed",
        })
    }
}

/// Objects made beforehand, for the scenarios that need some.
#[derive(Debug, Default)]
pub struct Stock {
    /// Ids of succeeded payments.
    pub payments: Vec<String>,
    /// Ids of customers, each with at least 20 of the payments.
    pub customers: Vec<String>,
    refunds_begun: AtomicU64,
}

impl Stock {
    /// A stock of those.
    #[must_use]
    pub fn new(payments: Vec<String>, customers: Vec<String>) -> Self {
        Self { payments, customers, refunds_begun: AtomicU64::new(0) }
    }
}

/// Writes the requests of one scenario for one worker.
#[derive(Debug)]
pub struct Writer {
    workload: Workload,
    caller: Arc<Caller>,
    stock: Arc<Stock>,
    rng: Rng,
    prefix: String,
    turn: u64,
}

impl Writer {
    /// `run` must differ between measurements on one server: idempotency keys are made from it.
    #[must_use]
    pub fn new(workload: Workload, caller: Arc<Caller>, stock: Arc<Stock>, run: &str, worker: u64) -> Self {
        let prefix = format!("{run}-{worker}-");
        Self { workload, caller, stock, rng: Rng::fork(1, worker), prefix, turn: 0 }
    }

    /// Replaces the buffer's contents by the next request.
    pub fn write_next(&mut self, out: &mut Vec<u8>) {
        self.turn = self.turn.saturating_add(1);
        let workload = match self.workload {
            Workload::Mixed => match self.turn % 10 {
                0 | 3 | 5 | 8 => Workload::Payments,
                1 | 4 | 6 | 9 => Workload::Retrieve,
                2 => Workload::List,
                _ => Workload::Refund,
            },
            plain => plain,
        };
        match workload {
            Workload::Payments | Workload::Mixed => {
                let form = format!("{PAYMENT_FORM}&metadata[order]={}{}", self.prefix, self.turn);
                self.post("/v1/payment_intents", &form, out);
            }
            Workload::Retrieve => {
                let id = self.rng.pick(&self.stock.payments).map_or("none", String::as_str);
                self.caller.write(&Call::Get(&format!("/v1/payment_intents/{id}")), out);
            }
            Workload::List => self.caller.write(&Call::Get("/v1/payment_intents?limit=20"), out),
            Workload::ListByCustomer => {
                let id = self.rng.pick(&self.stock.customers).map_or("none", String::as_str);
                self.caller.write(&Call::Get(&format!("/v1/payment_intents?limit=20&customer={id}")), out);
            }
            Workload::Refund => {
                let turn = self.stock.refunds_begun.fetch_add(1, Ordering::Relaxed);
                let count = u64::try_from(self.stock.payments.len()).unwrap_or(0);
                let index = usize::try_from(turn.checked_rem(count).unwrap_or(0)).unwrap_or(0);
                let id = self.stock.payments.get(index).map_or("none", String::as_str);
                let form = format!("payment_intent={id}&amount={REFUND_AMOUNT}");
                self.post("/v1/refunds", &form, out);
            }
        }
    }

    fn post(&self, path: &str, form: &str, out: &mut Vec<u8>) {
        let key = format!("{}{}", self.prefix, self.turn);
        self.caller.write(&Call::Post { path, key: &key, form }, out);
    }
}

/// The form of a payment for a customer.
#[must_use]
pub fn payment_form(customer: &str) -> String {
    format!("{PAYMENT_FORM}&customer={customer}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn writer(workload: Workload) -> Writer {
        let caller = Arc::new(Caller { host: "h".into(), api_key: "k".into() });
        let stock = Arc::new(Stock::new(vec!["pi_1".into(), "pi_2".into()], vec!["cus_1".into()]));
        Writer::new(workload, caller, stock, "run", 3)
    }

    fn texts(workload: Workload, count: usize) -> Vec<String> {
        let mut writer = writer(workload);
        let mut out = Vec::new();
        (0..count)
            .map(|_| {
                writer.write_next(&mut out);
                String::from_utf8(out.clone()).unwrap()
            })
            .collect()
    }

    #[test]
    fn every_payment_has_an_idempotency_key_of_its_own() {
        let requests = texts(Workload::Payments, 50);
        let keys: BTreeSet<_> =
            requests.iter().map(|text| text.lines().find(|line| line.starts_with("idempotency-key")).unwrap()).collect();
        assert_eq!(keys.len(), 50);
        assert!(requests.iter().all(|text| text.contains("confirm=true") && text.contains("pm_card_visa")));
    }

    #[test]
    fn refunds_go_round_the_payments_in_stock() {
        let requests = texts(Workload::Refund, 4);
        let of = |index: usize, id: &str| requests[index].ends_with(&format!("payment_intent={id}&amount=100"));
        assert!(of(0, "pi_1") && of(1, "pi_2") && of(2, "pi_1") && of(3, "pi_2"));
    }

    #[test]
    fn of_ten_mixed_requests_four_pay_four_retrieve_one_lists_one_refunds() {
        let requests = texts(Workload::Mixed, 10);
        let count = |head: &str| requests.iter().filter(|text| text.starts_with(head)).count();
        assert_eq!(count("POST /v1/payment_intents "), 4);
        assert_eq!(count("GET /v1/payment_intents/pi_"), 4);
        assert_eq!(count("GET /v1/payment_intents?"), 1);
        assert_eq!(count("POST /v1/refunds "), 1);
    }
}
