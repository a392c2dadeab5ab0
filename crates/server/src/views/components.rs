//! All views as components of the API's description.

#![allow(unused_qualifications)] // in what the macro writes

use utoipa::OpenApi;

use super::{
    Account, ApiKey, AuditEntry, Balance, BalanceTransaction, Charge, Customer, Deleted, Error, Event, OpenOperation, PaymentIntent,
    PaymentMethod, Refund, SetupIntent, Token, User, WebhookDelivery, WebhookEndpoint, WebhookReplay,
};

/// Every view and what it is made of; to be merged into the description. References name these.
#[derive(OpenApi)]
#[openapi(components(schemas(
    Account,
    ApiKey,
    AuditEntry,
    Balance,
    BalanceTransaction,
    Charge,
    Customer,
    Deleted,
    Error,
    Event,
    OpenOperation,
    PaymentIntent,
    PaymentMethod,
    Refund,
    SetupIntent,
    Token,
    User,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookReplay,
)))]
pub struct Components;
