//! Which fields of which objects are references that a client can have expanded.
//!
//! To be asked when a request comes in: once a provider has been paid it is too late to refuse an answer.

use domain::permission::Resource;
use payments::Error;
use payments::outcome::Object;
use payments::payment_methods::create::masked;

/// How deep a path may go, as with Stripe.
const MAX_DEPTH: usize = 4;
/// How many paths a request may have; each costs up to four reads of as many objects as a page has.
const MAX_PATHS: usize = 20;

/// What a path begins at, or has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the variants are the objects
pub enum Shape {
    BalanceTransaction,
    CardError,
    Charge,
    Customer,
    InvoiceSettings,
    /// Whatever else: nothing in it can be expanded.
    Opaque,
    PaymentIntent,
    PaymentMethod,
    Refund,
    SetupIntent,
}

/// What an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Root {
    shape: Shape,
    is_list: bool,
}

impl Root {
    /// An object of that shape.
    #[must_use]
    pub const fn one(shape: Shape) -> Self {
        Self { shape, is_list: false }
    }

    /// A page of a list of such objects.
    #[must_use]
    pub const fn list(of: Self) -> Self {
        Self { is_list: true, ..of }
    }

    /// An answer that is this object.
    #[must_use]
    pub const fn of(object: &Object) -> Self {
        Self::one(match object {
            Object::Account(_)
            | Object::ApiKey(_)
            | Object::AuditEntry(_)
            | Object::Event(_)
            | Object::Token(_)
            | Object::User(_)
            | Object::WebhookEndpoint(_) => Shape::Opaque,
            Object::BalanceTransaction(_) => Shape::BalanceTransaction,
            Object::Charge(_) => Shape::Charge,
            Object::Customer(_) => Shape::Customer,
            Object::PaymentIntent(_) => Shape::PaymentIntent,
            Object::PaymentMethod(_) => Shape::PaymentMethod,
            Object::Refund(_) => Shape::Refund,
            Object::SetupIntent(_) => Shape::SetupIntent,
        })
    }
}

/// What a field leads to; more than one shape where the reference can be to either.
///
/// Fields that are always null can be expanded as well, and stay null.
const fn leads_to(shape: Shape, field: &str) -> Option<&'static [Shape]> {
    use Shape::{
        BalanceTransaction, CardError, Charge, Customer, InvoiceSettings, Opaque, PaymentIntent, PaymentMethod, Refund, SetupIntent,
    };
    match (shape, field.as_bytes()) {
        (Charge | PaymentIntent | PaymentMethod | Refund | SetupIntent, b"customer") => Some(&[Customer]),
        (CardError | PaymentIntent | Refund | SetupIntent, b"payment_method") | (InvoiceSettings, b"default_payment_method") => {
            Some(&[PaymentMethod])
        }
        (PaymentIntent, b"latest_charge") | (Refund, b"charge") => Some(&[Charge]),
        (Charge | Refund, b"payment_intent") => Some(&[PaymentIntent]),
        (Charge | Refund, b"balance_transaction" | b"failure_balance_transaction") => Some(&[BalanceTransaction]),
        (BalanceTransaction, b"source") => Some(&[Charge, Refund]),
        (Customer, b"invoice_settings") => Some(&[InvoiceSettings]),
        (PaymentIntent, b"last_payment_error") | (SetupIntent, b"last_setup_error") => Some(&[CardError]),
        (Charge | PaymentIntent | SetupIntent, b"application" | b"on_behalf_of")
        | (Charge | PaymentIntent, b"review")
        | (PaymentIntent, b"source")
        | (Charge, b"application_fee" | b"source_transfer")
        | (Customer, b"default_source" | b"test_clock")
        | (Refund, b"source_transfer_reversal" | b"transfer_reversal")
        | (SetupIntent, b"mandate" | b"single_use_mandate") => Some(&[Opaque]),
        _ => None,
    }
}

/// What is shown of a merchant's where the reference of that name is expanded.
pub(crate) const fn shows(field: &str) -> &'static [Resource] {
    match field.as_bytes() {
        b"customer" => &[Resource::Customers],
        b"payment_method" | b"default_payment_method" => &[Resource::PaymentMethods],
        b"latest_charge" | b"charge" => &[Resource::Charges],
        b"payment_intent" => &[Resource::PaymentIntents],
        b"balance_transaction" | b"failure_balance_transaction" => &[Resource::Balance],
        b"source" => &[Resource::Charges, Resource::Refunds],
        _ => &[],
    }
}

/// A path to references, in its parts.
pub type Path<'a> = Vec<&'a str>;

fn refused(message: String) -> Error {
    Error::Parameter { param: "expand", code: None, message }
}

fn parse(root: Root, text: &str) -> Result<Path<'_>, Error> {
    let unknown = || refused(format!("This property cannot be expanded ({}).", shown(text)));
    let path: Path<'_> = text.split('.').take(MAX_DEPTH.saturating_add(2)).collect();
    let inside = match path.split_first() {
        Some((&"data", rest)) if root.is_list => rest,
        Some(_) if !root.is_list => path.as_slice(),
        _ => return Err(unknown()),
    };
    if inside.len() > MAX_DEPTH {
        return Err(refused(format!("Properties can be expanded to {MAX_DEPTH} levels at most ({}).", shown(text))));
    }
    let mut shapes = vec![root.shape];
    for field in inside {
        shapes = shapes.iter().filter_map(|shape| leads_to(*shape, field)).flatten().copied().collect();
        if shapes.is_empty() {
            return Err(unknown());
        }
    }
    Ok(path)
}

/// A path as an error may show it: part by part, none that could hold a card number.
fn shown(text: &str) -> String {
    let parts: Vec<String> = text.split('.').take(MAX_DEPTH.saturating_add(2)).map(masked).collect();
    parts.join(".")
}

/// The paths of a request's `expand`, if an answer of that kind has them all.
///
/// # Errors
/// A path leads to nothing that can be expanded, or too deep, or there are too many.
pub fn paths(root: Root, expand: &[String]) -> Result<Vec<Path<'_>>, Error> {
    if expand.len() > MAX_PATHS {
        return Err(refused(format!("At most {MAX_PATHS} properties can be expanded.")));
    }
    expand.iter().map(|text| parse(root, text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(root: Root, path: &str) -> Result<(), String> {
        paths(root, &[path.to_owned()]).map(|_| ()).map_err(|error| error.to_string())
    }

    #[test]
    fn references_can_be_expanded_and_other_fields_cannot() {
        let payment = Root::one(Shape::PaymentIntent);
        for path in ["customer", "latest_charge.balance_transaction.source.charge", "review", "last_payment_error.payment_method"] {
            assert_eq!(check(payment, path), Ok(()), "{path}");
        }
        for path in ["", "amount", "customer.name", "latest_charge.", "data.customer", "charge", "metadata.customer"] {
            assert_eq!(check(payment, path), Err(format!("This property cannot be expanded ({path}).")), "{path}");
        }
    }

    #[test]
    fn what_every_reference_shows_is_known() {
        let fields = ["customer", "payment_method", "default_payment_method", "latest_charge", "charge", "payment_intent", "source"];
        let fields = fields.iter().chain(&["balance_transaction", "failure_balance_transaction"]);
        let resource = |shape| match shape {
            Shape::BalanceTransaction => Some(Resource::Balance),
            Shape::Charge => Some(Resource::Charges),
            Shape::Customer => Some(Resource::Customers),
            Shape::PaymentIntent => Some(Resource::PaymentIntents),
            Shape::PaymentMethod => Some(Resource::PaymentMethods),
            Shape::Refund => Some(Resource::Refunds),
            Shape::SetupIntent => Some(Resource::SetupIntents),
            // They are within the object that was asked for.
            Shape::CardError | Shape::InvoiceSettings | Shape::Opaque => None,
        };
        let shapes = [Shape::BalanceTransaction, Shape::CardError, Shape::Charge, Shape::Customer, Shape::InvoiceSettings];
        let shapes = shapes.into_iter().chain([Shape::PaymentIntent, Shape::PaymentMethod, Shape::Refund, Shape::SetupIntent]);
        for shape in shapes {
            for field in fields.clone() {
                for led in leads_to(shape, field).unwrap_or_default() {
                    assert!(resource(*led).is_none_or(|resource| shows(field).contains(&resource)), "{shape:?} {field}");
                }
            }
        }
    }

    #[test]
    fn lists_are_expanded_through_their_data() {
        let payments = Root::list(Root::one(Shape::PaymentIntent));
        assert_eq!(check(payments, "data.latest_charge.balance_transaction.source.payment_intent"), Ok(()));
        for path in ["customer", "data", "data.data.customer"] {
            let refused = check(payments, path).is_err();
            assert_eq!(refused, path != "data", "{path}");
        }
    }

    #[test]
    fn paths_are_four_levels_deep_and_twenty_at_most() {
        let charge = Root::one(Shape::Charge);
        assert_eq!(check(charge, "payment_intent.latest_charge.payment_intent.customer"), Ok(()));
        let deep = check(charge, "payment_intent.latest_charge.payment_intent.latest_charge.customer").unwrap_err();
        assert!(deep.contains("4 levels"), "{deep}");
        let many = vec!["customer".to_owned(); 20];
        assert!(paths(charge, &many).is_ok());
        assert!(paths(charge, &[many, vec!["customer".to_owned()]].concat()).is_err());
    }

    #[test]
    fn a_card_number_in_a_path_is_not_shown() {
        for path in ["4242424242424242", "customer.4242424242424242", "4242-4242-4242-4242"] {
            let error = check(Root::one(Shape::Charge), path).unwrap_err();
            assert!(!error.contains("4242"), "{error}");
        }
    }

    #[test]
    fn whether_a_line_is_about_a_charge_or_a_refund_both_can_be_expanded() {
        let line = Root::one(Shape::BalanceTransaction);
        for path in ["source.charge", "source.payment_intent", "source.balance_transaction"] {
            assert_eq!(check(line, path), Ok(()), "{path}");
        }
        assert!(check(line, "source.latest_charge").is_err());
    }
}
