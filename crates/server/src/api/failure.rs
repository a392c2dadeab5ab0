//! Every way a request can fail, and the one place that says which status, type and code it has.

use domain::permission::{Access, Resource};
use domain::user::Refusal;
use payments::ports::Answer;
use payments::{Error, Place};

use crate::limits::{Allowance, Limited};
use crate::params::ParamError;
use crate::views::error::{self, ErrorBody};
use crate::views::{Context, PaymentIntent, SetupIntent};

/// Why a request has no other answer.
#[derive(Debug)]
pub enum Failure {
    /// No key was sent.
    NoKey,
    /// The key opens nothing.
    WrongKey,
    /// The key's time is over: another one took its place.
    ExpiredKey,
    /// The token opens nothing.
    WrongToken,
    /// The token's time is over.
    ExpiredToken,
    /// The key may not be used from there.
    WrongAddress,
    /// The key may not do this.
    Forbidden,
    /// The key is restricted, and not allowed this.
    NotPermitted(Resource, Access),
    /// Only a key of whoever runs the platform may do this.
    PlatformOnly,
    /// The request is of one merchant, and does not say of which.
    NoMerchant,
    /// The person's role does not allow this.
    NotInRole(Resource, Access),
    /// The person's role needs a second factor for live data, and none was shown.
    SecondFactor,
    /// A key that does more than whoever asks for it may.
    AboveOwn,
    /// The browser says that another site's page sent it.
    OtherSite,
    /// What a session changes must show its token.
    CsrfToken,
    /// The person looks after several accounts, and none was named.
    WhichAccount,
    /// No such version of the API ever was.
    Version,
    /// There is test and live data, and no other.
    Mode,
    /// The key does not speak for that account.
    Account,
    /// There were too many requests.
    Limited(Limited),
    /// The body is too large.
    TooLarge,
    /// The body took too long.
    TooSlow,
    /// The body broke off or its encoding is broken.
    Incomplete,
    /// The idempotency key cannot be one.
    IdempotencyKey,
    /// There is no such operation.
    NoRoute,
    /// A parameter is wrong.
    Param(ParamError),
    /// A use case refused or failed.
    Case(Error),
}

impl From<ParamError> for Failure {
    fn from(error: ParamError) -> Self {
        Self::Param(error)
    }
}

impl From<Limited> for Failure {
    fn from(limited: Limited) -> Self {
        Self::Limited(limited)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Case(error)
    }
}

impl Failure {
    /// What the audit trail says of why, if somebody was denied something.
    #[must_use]
    pub const fn denial(&self) -> Option<&'static str> {
        match self {
            Self::NoKey => Some("api_key_missing"),
            Self::WrongKey => Some("api_key_invalid"),
            Self::ExpiredKey => Some("api_key_expired"),
            Self::WrongToken => Some("token_invalid"),
            Self::ExpiredToken => Some("token_expired"),
            Self::WrongAddress => Some("ip_not_allowed"),
            Self::Forbidden => Some("secret_key_required"),
            Self::NotPermitted(..) => Some("permission_missing"),
            Self::PlatformOnly => Some("platform_key_required"),
            Self::NoMerchant => Some("account_required"),
            Self::Account => Some("account_invalid"),
            Self::NotInRole(..) | Self::AboveOwn => Some("permission_missing"),
            Self::SecondFactor => Some("second_factor_required"),
            Self::OtherSite => Some("other_site"),
            Self::CsrfToken => Some("csrf_token_invalid"),
            // Those of people who log in are told by the use cases.
            Self::Case(Error::User(refusal @ (Refusal::NotLoggedIn | Refusal::AboveRole | Refusal::NeedsLiveMode))) => {
                Some(of_user(*refusal).1)
            }
            Self::WhichAccount
            | Self::Version
            | Self::Mode
            | Self::Limited(_)
            | Self::TooLarge
            | Self::TooSlow
            | Self::Incomplete
            | Self::IdempotencyKey
            | Self::NoRoute
            | Self::Param(_)
            | Self::Case(_) => None,
        }
    }
}

const INVALID: &str = "invalid_request_error";

impl Failure {
    /// The answer.
    #[must_use]
    pub fn answer(&self, request: &str, ctx: Context) -> Answer {
        match self {
            Self::NoKey => {
                simple(401, "authentication_error", None, "You did not provide an API key. Send it as a Bearer token or Basic user name.")
            }
            Self::WrongKey => simple(401, "authentication_error", Some("api_key_invalid"), "The API key is not valid."),
            Self::ExpiredKey => {
                simple(401, "authentication_error", Some("api_key_expired"), "The API key has expired: another one took its place.")
            }
            Self::WrongToken => simple(401, "authentication_error", Some("token_invalid"), "The access token is not valid."),
            Self::ExpiredToken => {
                simple(401, "authentication_error", Some("token_expired"), "The access token has expired: ask for another one.")
            }
            Self::WrongAddress => simple(403, INVALID, Some("ip_not_allowed"), "The API key may not be used from this IP address."),
            Self::NotPermitted(resource, access) => {
                let (resource, access) = (resource.as_str(), access.as_str());
                let message = format!("The API key is restricted: this operation needs {access} access to {resource}.");
                simple(403, INVALID, Some("permission_missing"), &message)
            }
            Self::NotInRole(resource, access) => {
                let (resource, access) = (resource.as_str(), access.as_str());
                let message = format!("Your role does not allow this: it needs {access} access to {resource}.");
                simple(403, INVALID, Some("permission_missing"), &message)
            }
            Self::SecondFactor => {
                simple(403, INVALID, Some("second_factor_required"), "Your role needs a second factor for live data: log in with one.")
            }
            Self::AboveOwn => {
                simple(403, INVALID, Some("permission_missing"), "A key may do no more than whoever makes it: this needs another role.")
            }
            Self::OtherSite => simple(403, INVALID, Some("other_site"), "This must be asked for by a page of this server."),
            Self::CsrfToken => {
                simple(403, INVALID, Some("csrf_token_invalid"), "Send the session's csrf_token in the header Bursar-Csrf-Token.")
            }
            Self::WhichAccount => {
                simple(400, INVALID, Some("account_missing"), "You look after several accounts: name one in the header Bursar-Account.")
            }
            Self::Forbidden => simple(403, INVALID, Some("secret_key_required"), "This operation needs a secret key."),
            Self::PlatformOnly => simple(403, INVALID, Some("platform_key_required"), "This operation needs a key of the platform."),
            Self::NoMerchant => {
                simple(403, INVALID, Some("account_required"), "This operation is of one merchant: name it with Stripe-Account.")
            }
            Self::Version => {
                simple(400, INVALID, None, "Invalid API version: Stripe-Version must be like 2026-10-28.endive, and no later.")
            }
            Self::Mode => simple(400, INVALID, None, "Bursar-Mode must be test or live."),
            Self::Account => simple(
                403,
                INVALID,
                Some("account_invalid"),
                "The API key does not have access to the account that Stripe-Account names, or that account does not exist.",
            ),
            Self::Limited(limited) => simple(429, INVALID, Some("rate_limit"), too_many(limited.of)),
            Self::TooLarge => simple(413, INVALID, None, "The request's body is too large."),
            Self::TooSlow => simple(408, INVALID, None, "The request's body took too long."),
            Self::Incomplete => simple(400, INVALID, None, "The request's body could not be read to its end."),
            Self::IdempotencyKey => {
                simple(400, INVALID, Some("idempotency_key_invalid"), "The idempotency key must be 1 to 255 characters and no card number.")
            }
            Self::NoRoute => simple(404, INVALID, None, "Unrecognized request URL or method."),
            Self::Param(error) => {
                let body = ErrorBody {
                    code: error.code(),
                    message: &error.message,
                    param: error.param.as_deref(),
                    r#type: INVALID,
                    ..ErrorBody::default()
                };
                write(error.status().as_u16(), body)
            }
            Self::Case(error) => case(error, request, ctx),
        }
    }
}

const fn too_many(of: Allowance) -> &'static str {
    match of {
        Allowance::Key => "Too many requests with this key. Repeat it after the seconds that Retry-After tells.",
        Allowance::Account => "Too many requests of this account. Repeat it after the seconds that Retry-After tells.",
        Allowance::Address => {
            "Too many requests with keys or passwords that are not valid. Repeat it after the seconds that Retry-After tells."
        }
    }
}

/// The answer to a request that is one too many for this server.
pub(super) fn overloaded() -> Answer {
    simple(503, "api_error", None, "Too many requests are under way. Nothing was done: repeat it in a second.")
}

/// The answer to a request that is given up because it takes too long: what it began is not over.
#[cfg(feature = "lambda")]
#[must_use]
pub fn too_slow() -> Answer {
    let message = "The request takes too long. Repeat it with the same Idempotency-Key to hear what it came to.";
    simple(503, "api_error", None, message)
}

fn case(error: &Error, request: &str, ctx: Context) -> Answer {
    let message = error.to_string();
    let body = ErrorBody { message: &message, r#type: INVALID, ..ErrorBody::default() };
    match error {
        Error::NotFound { param, place, .. } => {
            let status = match place {
                Place::Path => 404,
                Place::Parameter => 400,
            };
            write(status, ErrorBody { code: Some("resource_missing"), param: Some(param), ..body })
        }
        Error::Parameter { param, code, .. } => write(400, ErrorBody { code: *code, param: Some(param), ..body }),
        Error::PaymentIntentState { payment_intent, .. } => write(
            400,
            ErrorBody {
                code: Some("payment_intent_unexpected_state"),
                payment_intent: Some(Box::new(PaymentIntent::view(payment_intent, ctx))),
                ..body
            },
        ),
        Error::SetupIntentState { setup_intent, .. } => write(
            400,
            ErrorBody {
                code: Some("setup_intent_unexpected_state"),
                setup_intent: Some(Box::new(SetupIntent::view(setup_intent, ctx))),
                ..body
            },
        ),
        Error::AlreadyRefunded(_) => write(400, ErrorBody { code: Some("charge_already_refunded"), ..body }),
        Error::PaymentMethod(_) => write(400, ErrorBody { code: Some("payment_method_unexpected_state"), ..body }),
        Error::Card { code, param } => {
            let short = param.trim_start_matches("card[").trim_end_matches(']');
            write(402, ErrorBody { code: Some(code.as_str()), param: Some(short), r#type: "card_error", ..body })
        }
        Error::User(refusal) => {
            let (status, code) = of_user(*refusal);
            let kind = if status == 401 { "authentication_error" } else { INVALID };
            write(status, ErrorBody { code: Some(code), r#type: kind, ..body })
        }
        Error::Crowded => write(503, ErrorBody { r#type: "api_error", ..body }),
        Error::IdempotencyMismatch => write(400, ErrorBody { r#type: "idempotency_error", ..body }),
        Error::IdempotencyInFlight => write(409, ErrorBody { code: Some("idempotency_key_in_use"), ..body }),
        Error::LockTimeout => write(409, ErrorBody { code: Some("lock_timeout"), ..body }),
        Error::NoProvider => write(400, ErrorBody { code: Some("provider_missing"), ..body }),
        Error::Unavailable(why) => {
            tracing::error!(request, why, "the store is unavailable");
            write(503, ErrorBody { r#type: "api_error", ..body })
        }
        Error::Internal(why) => {
            tracing::error!(request, why, "a defect");
            write(500, ErrorBody { r#type: "api_error", ..body })
        }
    }
}

/// Status and code of what is not done for or to a person.
const fn of_user(refusal: Refusal) -> (u16, &'static str) {
    match refusal {
        Refusal::WrongLogIn => (401, "login_invalid"),
        Refusal::NotLoggedIn => (401, "session_invalid"),
        Refusal::WrongPassword => (400, "password_invalid"),
        Refusal::WrongCode => (400, "code_invalid"),
        Refusal::InvalidInvitation => (400, "invitation_invalid"),
        Refusal::SecondFactorOn => (400, "second_factor_on"),
        Refusal::NoSecondFactor => (400, "second_factor_missing"),
        Refusal::AlreadyThere => (400, "user_exists"),
        Refusal::Disabled => (400, "user_disabled"),
        Refusal::TooManyAccounts => (400, "user_in_too_many_accounts"),
        Refusal::LastOwner => (400, "last_owner"),
        Refusal::AboveRole => (403, "role_too_low"),
        Refusal::NeedsLiveMode => (403, "live_mode_required"),
    }
}

fn simple(status: u16, kind: &str, code: Option<&str>, message: &str) -> Answer {
    write(status, ErrorBody { code, message, r#type: kind, ..ErrorBody::default() })
}

fn write(status: u16, body: ErrorBody<'_>) -> Answer {
    let body = serde_json::to_vec(&error::Error { error: body }).unwrap_or_default();
    Answer { status, body }
}
