//! Why a use case could not be carried out. One place in `server` maps these to HTTP.

use domain::{flow, payment_intent, payment_method, setup_intent, user};

/// Where a request named an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In its path: the request is about that object.
    Path,
    /// In a parameter: the request is about another one.
    Parameter,
}

/// Why a use case could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing of that name is there for this merchant.
    #[error("No such {kind}: '{id}'")]
    NotFound {
        /// The kind of object, as the API calls it.
        kind: &'static str,
        /// The name that was asked for, masked if it could be a card number.
        id: String,
        /// The parameter that held the name; in a path, what its part is called.
        param: &'static str,
        /// Which of both.
        place: Place,
    },
    /// A parameter's value cannot be used.
    #[error("{message}")]
    Parameter {
        /// The parameter, in bracket form.
        param: &'static str,
        /// The error's code, where the API has one.
        code: Option<&'static str>,
        /// What is wrong, without the value.
        message: String,
    },
    /// The payment's status does not take the command.
    #[error("This PaymentIntent could not be {verb} because it has a status of {}.", payment_intent.status.as_str())]
    PaymentIntentState {
        /// What was asked.
        verb: &'static str,
        /// The payment, as it is.
        payment_intent: Box<payment_intent::PaymentIntent>,
    },
    /// The set-up's status does not take the command.
    #[error("This SetupIntent could not be {verb} because it has a status of {}.", setup_intent.status.as_str())]
    SetupIntentState {
        /// What was asked.
        verb: &'static str,
        /// The set-up, as it is.
        setup_intent: Box<setup_intent::SetupIntent>,
    },
    /// The charge has nothing left to refund.
    #[error("Charge {0} has already been refunded.")]
    AlreadyRefunded(String),
    /// The card cannot be used.
    #[error("{0}")]
    PaymentMethod(#[from] payment_method::Refusal),
    /// The card was refused before anything was kept of it: bad number, date or code.
    #[error("{}", code.message())]
    Card {
        /// The error's code.
        code: domain::decline::CardErrorCode,
        /// The parameter at fault.
        param: &'static str,
    },
    /// The idempotency key was used for another request.
    #[error(
        "Keys for idempotent requests can only be used with the same parameters they were first used with. Use another key for another request."
    )]
    IdempotencyMismatch,
    /// The first request with this idempotency key is still under way.
    #[error("Another request with the same idempotency key is under way. Repeat this one in a moment.")]
    IdempotencyInFlight,
    /// Other requests changed the object each time this one tried.
    #[error("The object is being changed by other requests. Repeat this one in a moment.")]
    LockTimeout,
    /// It is not done for or to a person.
    #[error(transparent)]
    User(#[from] user::Refusal),
    /// So many passwords are being looked at that one more has no room.
    #[error("Too many people log in at the same time. Try again in a moment.")]
    Crowded,
    /// Nobody can carry the payment out.
    #[error("No payment provider is set up for this account and mode.")]
    NoProvider,
    /// The store cannot take or give anything now.
    #[error(
        "The service cannot store anything at the moment. Repeat the request with the same idempotency key: what was begun is finished once, never begun twice."
    )]
    Unavailable(String),
    /// A stored record cannot be read, or a rule was broken: a defect.
    #[error("An internal error occurred.")]
    Internal(String),
}

impl Error {
    /// Whether this is what became of the request, which later may be decided otherwise; not that it could not be
    /// decided now, or that its key belongs to another.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        match self {
            Self::NotFound { .. }
            | Self::Parameter { .. }
            | Self::PaymentIntentState { .. }
            | Self::SetupIntentState { .. }
            | Self::AlreadyRefunded(_)
            | Self::PaymentMethod(_)
            | Self::User(_)
            | Self::Card { .. } => true,
            Self::IdempotencyMismatch
            | Self::IdempotencyInFlight
            | Self::LockTimeout
            | Self::Crowded
            | Self::NoProvider
            | Self::Unavailable(_)
            | Self::Internal(_) => false,
        }
    }
}

impl From<store::ReadError> for Error {
    fn from(error: store::ReadError) -> Self {
        match error {
            store::ReadError::Unavailable(why) => Self::Unavailable(why),
            store::ReadError::Corrupt(why) => Self::Internal(why),
            store::ReadError::Invalid(why) => Self::Internal(why.to_string()),
        }
    }
}

impl From<flow::Error> for Error {
    fn from(error: flow::Error) -> Self {
        Self::Internal(error.to_string())
    }
}
