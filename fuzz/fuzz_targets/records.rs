//! Any bytes as a stored record of each kind: refused, or read such that writing it again gives the same record.
#![no_main]

use domain::account::{Account, ApiKey};
use domain::balance_transaction::BalanceTransaction;
use domain::charge::Charge;
use domain::customer::Customer;
use domain::event::Event;
use domain::ledger::JournalEntry;
use domain::payment_attempt::PaymentAttempt;
use domain::payment_intent::PaymentIntent;
use domain::payment_method::{PaymentMethod, Token};
use domain::refund::Refund;
use domain::setup_intent::SetupIntent;
use payments::records::{Record, decode, encode};

fn same_again<T: Record>(bytes: &[u8]) {
    let Ok(record) = decode::<T>(bytes) else { return };
    let written = encode(&record).expect("what was read can be written");
    let again: T = decode(&written).expect("what was written can be read");
    assert_eq!(encode(&again).expect("it was written before"), written);
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    same_again::<Account>(bytes);
    same_again::<ApiKey>(bytes);
    same_again::<BalanceTransaction>(bytes);
    same_again::<Charge>(bytes);
    same_again::<Customer>(bytes);
    same_again::<Event>(bytes);
    same_again::<JournalEntry>(bytes);
    same_again::<PaymentAttempt>(bytes);
    same_again::<PaymentIntent>(bytes);
    same_again::<PaymentMethod>(bytes);
    same_again::<Refund>(bytes);
    same_again::<SetupIntent>(bytes);
    same_again::<Token>(bytes);
});
