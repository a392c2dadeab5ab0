//! How large an object may become, so that whatever is ever written of it fits a record of the store.
//!
//! Money that a provider took must be booked. What is booked is made of the objects as they were when it was taken, so
//! each is held to its size whenever a request makes or changes it, before the first commit: nothing that lands there can
//! be too large for the last one. An answer may grow beyond any bound by `expand`, so one that is kept goes without.
//!
//! Sizes are of the JSON that is written, in bytes: a character takes up to four.

use std::io;

use domain::charge::Charge;
use domain::contact::BillingDetails;
use domain::customer::Customer;
use domain::payment_intent::{CardError, PaymentIntent};
use domain::payment_method::{PaymentMethod, Token};
use domain::refund::Refund;
use domain::setup_intent::SetupIntent;
use serde::Serialize;
use store::batch::MAX_BODY;

use crate::error::Error;

/// What a request may say of one object: 50 notes of 500 characters, whatever they are, and all else beside them.
pub const MAX_OBJECT: usize = 120_000;
/// What may be said of a cardholder, which charges repeat: six lines of an address, name, e-mail and telephone.
pub const MAX_BILLING: usize = 20_000;
/// A charge: all that its payment and its cardholder are, and what its provider says.
pub const MAX_CHARGE: usize = MAX_OBJECT + MAX_BILLING + MARGIN;
/// The longest answer that is kept for a repeated request.
pub const MAX_KEPT: usize = MAX_BODY - MARGIN;
/// What is written around objects: identifiers, times, words of this program and of providers.
const MARGIN: usize = 20_000;

// The event of a change holds the object twice.
const _: () = assert!(2 * MAX_CHARGE + MARGIN <= MAX_BODY && 2 * MAX_OBJECT + MARGIN <= MAX_BODY);
// The answer to a declined payment holds the payment, the card of its last error within it, and the card.
const _: () = assert!(3 * MAX_OBJECT <= MAX_KEPT);

/// An object that requests make and change.
pub(crate) trait Bounded: Serialize {
    /// The most it may be.
    const MAX: usize = MAX_OBJECT;

    /// A copy of another object within it, which is held to its own size.
    fn copied(&self) -> Option<&PaymentMethod> {
        None
    }

    /// The cardholder, whom other objects repeat.
    fn billing_details(&self) -> Option<&BillingDetails> {
        None
    }
}

impl Bounded for Customer {}
impl Bounded for Refund {}

impl Bounded for Charge {
    const MAX: usize = MAX_CHARGE;
}

impl Bounded for PaymentIntent {
    fn copied(&self) -> Option<&PaymentMethod> {
        of_error(self.last_error.as_ref())
    }
}

impl Bounded for SetupIntent {
    fn copied(&self) -> Option<&PaymentMethod> {
        of_error(self.last_error.as_ref())
    }
}

impl Bounded for PaymentMethod {
    fn billing_details(&self) -> Option<&BillingDetails> {
        Some(&self.billing_details)
    }
}

impl Bounded for Token {
    fn billing_details(&self) -> Option<&BillingDetails> {
        Some(&self.billing_details)
    }
}

fn of_error(error: Option<&CardError>) -> Option<&PaymentMethod> {
    error?.payment_method.as_deref()
}

/// Refuses an object that would become too large. Few texts come near: only notes in scripts of four bytes a character.
///
/// # Errors
/// It is.
pub(crate) fn check<T: Bounded>(object: &T) -> Result<(), Error> {
    if let Some(details) = object.billing_details()
        && size(details)? > MAX_BILLING
    {
        return Err(too_large("billing_details", MAX_BILLING));
    }
    let copied = object.copied().map_or(Ok(0), size)?;
    if size(object)?.saturating_sub(copied) > T::MAX { Err(too_large("metadata", T::MAX)) } else { Ok(()) }
}

fn too_large(param: &'static str, max: usize) -> Error {
    let message =
        format!("All texts of this object together are too long: they must take at most {max} bytes as JSON. Shorten the {param}.");
    Error::Parameter { param, code: None, message }
}

/// Counts what is written and keeps nothing of it.
struct Count(usize);

impl io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn size(object: &impl Serialize) -> Result<usize, Error> {
    let mut count = Count(0);
    serde_json::to_writer(&mut count, object).map_err(|e| Error::Internal(format!("measure: {e}")))?;
    Ok(count.0)
}
