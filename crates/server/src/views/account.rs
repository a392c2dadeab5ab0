//! The merchant.

use domain::account;
use domain::id::AccountId;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

use super::Null;

/// A merchant.
#[derive(Serialize, ToSchema)]
pub struct Account<'a> {
    #[schema(value_type = String)]
    id: AccountId,
    /// `account`.
    object: &'static str,
    business_profile: BusinessProfile<'a>,
    #[schema(inline)]
    business_type: Null,
    capabilities: Capabilities,
    charges_enabled: bool,
    /// Two letters, ISO 3166.
    country: &'a str,
    /// When it was made, in seconds since 1970.
    created: i64,
    /// Three letters, lower case.
    default_currency: &'static str,
    details_submitted: bool,
    /// Where to write to the merchant.
    email: Option<&'a str>,
    metadata: BTreeMap<String, String>,
    payouts_enabled: bool,
    settings: AccountSettings<'a>,
    /// `standard`.
    r#type: &'static str,
}

/// The shop as people know it.
#[derive(Serialize, ToSchema)]
pub struct BusinessProfile<'a> {
    #[schema(inline)]
    mcc: Null,
    #[schema(inline)]
    minority_owned_business_designation: Null,
    name: &'a str,
    #[schema(inline)]
    specified_commercial_transactions_act_url: Null,
    #[schema(inline)]
    support_address: Null,
    support_email: Option<&'a str>,
    #[schema(inline)]
    support_phone: Null,
    #[schema(inline)]
    support_url: Null,
    #[schema(inline)]
    url: Null,
}

/// What the merchant can do.
#[derive(Serialize, ToSchema)]
pub struct Capabilities {
    /// `active`.
    card_payments: &'static str,
}

/// The merchant's settings.
#[derive(Serialize, ToSchema)]
pub struct AccountSettings<'a> {
    branding: Branding,
    card_payments: CardPaymentsSettings,
    dashboard: DashboardSettings<'a>,
    payments: PaymentsSettings,
}

/// How pages look.
#[derive(Serialize, ToSchema)]
pub struct Branding {
    #[schema(inline)]
    icon: Null,
    #[schema(inline)]
    logo: Null,
    #[schema(inline)]
    primary_color: Null,
    #[schema(inline)]
    secondary_color: Null,
}

/// What buyers' statements begin with.
#[derive(Serialize, ToSchema)]
pub struct CardPaymentsSettings {
    statement_descriptor_prefix: String,
    #[schema(inline)]
    statement_descriptor_prefix_kana: Null,
    #[schema(inline)]
    statement_descriptor_prefix_kanji: Null,
}

/// How the merchant's pages show it.
#[derive(Serialize, ToSchema)]
pub struct DashboardSettings<'a> {
    display_name: &'a str,
    /// `Etc/UTC`.
    timezone: &'static str,
}

/// What buyers' statements say.
#[derive(Serialize, ToSchema)]
pub struct PaymentsSettings {
    statement_descriptor: String,
    #[schema(inline)]
    statement_descriptor_kana: Null,
    #[schema(inline)]
    statement_descriptor_kanji: Null,
    #[schema(inline)]
    statement_descriptor_prefix_kana: Null,
    #[schema(inline)]
    statement_descriptor_prefix_kanji: Null,
}

impl<'a> Account<'a> {
    /// The merchant as the API shows it.
    #[must_use]
    pub fn view(account: &'a account::Account) -> Self {
        Self {
            id: account.id,
            object: "account",
            business_profile: BusinessProfile {
                mcc: Null,
                minority_owned_business_designation: Null,
                name: &account.name,
                specified_commercial_transactions_act_url: Null,
                support_address: Null,
                support_email: account.email.as_deref(),
                support_phone: Null,
                support_url: Null,
                url: Null,
            },
            business_type: Null,
            capabilities: Capabilities { card_payments: "active" },
            charges_enabled: true,
            country: &account.country,
            created: account.created_at.seconds(),
            default_currency: account.default_currency.code(),
            details_submitted: true,
            email: account.email.as_deref(),
            metadata: BTreeMap::new(),
            payouts_enabled: false,
            settings: AccountSettings::view(account),
            r#type: "standard",
        }
    }
}

impl<'a> AccountSettings<'a> {
    fn view(account: &'a account::Account) -> Self {
        Self {
            branding: Branding { icon: Null, logo: Null, primary_color: Null, secondary_color: Null },
            card_payments: CardPaymentsSettings {
                statement_descriptor_prefix: account.descriptor_prefix(),
                statement_descriptor_prefix_kana: Null,
                statement_descriptor_prefix_kanji: Null,
            },
            dashboard: DashboardSettings { display_name: &account.name, timezone: "Etc/UTC" },
            payments: PaymentsSettings {
                statement_descriptor: account.descriptor(),
                statement_descriptor_kana: Null,
                statement_descriptor_kanji: Null,
                statement_descriptor_prefix_kana: Null,
                statement_descriptor_prefix_kanji: Null,
            },
        }
    }
}
