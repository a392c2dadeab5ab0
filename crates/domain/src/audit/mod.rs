//! The audit trail: one row for every commit that changes an object, and the chain that seals the rows.
//!
//! A row says who did what, from where, at whose request, how it ended, and what each object was before and after:
//! digests of the stored bytes, so that a row holds nothing of a buyer. [`chain`] joins rows into segments.
//! Absent on purpose: what an object held; that is what the object and its events are for.

pub mod chain;
mod digest;
pub mod signing;
mod subject;
pub mod walk;

use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::id::{ApiKeyId, AuditEntryId, TokenIssuerId, UserId};
use crate::time::Timestamp;

pub use digest::{DIGEST_LENGTH, Digest, InvalidDigest};
pub use subject::{Subject, SubjectKind};

/// Who acted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", try_from = "ReadActor")]
pub enum Actor {
    /// A shop's server, by its secret key.
    ApiKey {
        /// The key's own name.
        id: ApiKeyId,
    },
    /// A program, by an access token of an outside issuer.
    Client {
        /// The issuer's name here.
        issuer: TokenIssuerId,
        /// Who it speaks for, as the issuer says.
        subject: String,
    },
    /// A browser, by the shop's publishable key.
    PublishableKey {
        /// The key's own name.
        id: ApiKeyId,
    },
    /// A buyer who came back from the issuer's page.
    Buyer,
    /// A background job of the server.
    Job {
        /// Which.
        name: Job,
    },
    /// A provider that told something of its own accord.
    Provider {
        /// Its name.
        name: String,
    },
    /// Somebody whose credential opens nothing, or who has none.
    Unknown,
    /// A person at the command line.
    Operator {
        /// The name of their account at the operating system.
        name: String,
    },
    /// A person who is logged in, or has a link that only they were given.
    User {
        /// Their own name.
        id: UserId,
    },
}

/// An actor as it is read: field by field, so that nothing is kept aside until its kind is known.
#[derive(Deserialize)]
struct ReadActor {
    #[serde(rename = "type")]
    kind: ActorKind,
    id: Option<String>,
    issuer: Option<TokenIssuerId>,
    name: Option<String>,
    subject: Option<String>,
}

/// Something that is written as an actor and says not which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an actor without its name")]
struct Nameless;

fn named<T: FromStr>(id: Option<String>) -> Result<T, Nameless> {
    id.and_then(|id| id.parse().ok()).ok_or(Nameless)
}

impl TryFrom<ReadActor> for Actor {
    type Error = Nameless;

    fn try_from(ReadActor { kind, id, issuer, name, subject }: ReadActor) -> Result<Self, Nameless> {
        let job = |name: String| Job::ALL.into_iter().find(|job| job.as_str() == name);
        Ok(match kind {
            ActorKind::ApiKey => Self::ApiKey { id: named(id)? },
            ActorKind::Client => Self::Client { issuer: issuer.ok_or(Nameless)?, subject: subject.ok_or(Nameless)? },
            ActorKind::PublishableKey => Self::PublishableKey { id: named(id)? },
            ActorKind::Buyer => Self::Buyer,
            ActorKind::Job => Self::Job { name: name.and_then(job).ok_or(Nameless)? },
            ActorKind::Provider => Self::Provider { name: name.ok_or(Nameless)? },
            ActorKind::Unknown => Self::Unknown,
            ActorKind::Operator => Self::Operator { name: name.ok_or(Nameless)? },
            ActorKind::User => Self::User { id: named(id)? },
        })
    }
}

/// A kind of actor, as lists are filtered by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // as of `Actor`
pub enum ActorKind {
    ApiKey,
    Client,
    PublishableKey,
    Buyer,
    Job,
    Provider,
    Unknown,
    Operator,
    User,
}

impl ActorKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::ApiKey,
        Self::Client,
        Self::PublishableKey,
        Self::Buyer,
        Self::Job,
        Self::Provider,
        Self::Unknown,
        Self::Operator,
        Self::User,
    ];

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::Client => "client",
            Self::PublishableKey => "publishable_key",
            Self::Buyer => "buyer",
            Self::Job => "job",
            Self::Provider => "provider",
            Self::Unknown => "unknown",
            Self::Operator => "operator",
            Self::User => "user",
        }
    }
}

impl Actor {
    /// Of which kind.
    #[must_use]
    pub const fn kind(&self) -> ActorKind {
        match self {
            Self::ApiKey { .. } => ActorKind::ApiKey,
            Self::Client { .. } => ActorKind::Client,
            Self::PublishableKey { .. } => ActorKind::PublishableKey,
            Self::Buyer => ActorKind::Buyer,
            Self::Job { .. } => ActorKind::Job,
            Self::Provider { .. } => ActorKind::Provider,
            Self::Unknown => ActorKind::Unknown,
            Self::Operator { .. } => ActorKind::Operator,
            Self::User { .. } => ActorKind::User,
        }
    }
}

/// A background job that changes objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Job {
    /// Follows up what was begun and has not ended.
    Recovery,
    /// Looks after payments and set-ups that wait for a buyer.
    Waits,
    /// Tells shops of what happened.
    Deliveries,
    /// Makes the keys that sign access tokens.
    TokenKeys,
}

impl Job {
    /// Every job.
    pub const ALL: [Self; 4] = [Self::Recovery, Self::Waits, Self::Deliveries, Self::TokenKeys];

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recovery => "recovery",
            Self::Waits => "waits",
            Self::Deliveries => "deliveries",
            Self::TokenKeys => "token_keys",
        }
    }
}

macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident = $text:literal;)*) => {
        /// What was done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Action { $($(#[$doc])* #[serde(rename = $text)] $variant,)* }

        impl Action {
            /// Every action.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// As it is written.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

actions! {
    /// Somebody was denied something; what, the note says.
    AccessDeny = "access.deny";
    /// A merchant was made.
    AccountCreate = "account.create";
    /// A merchant was changed.
    AccountUpdate = "account.update";
    /// A key was made.
    ApiKeyCreate = "api_key.create";
    /// A key was revoked.
    ApiKeyRevoke = "api_key.revoke";
    /// A key was made that takes the place of another.
    ApiKeyRoll = "api_key.roll";
    /// A charge's notes were changed.
    ChargeUpdate = "charge.update";
    /// A late answer that contradicts what was told was kept, or its remedy went a step on.
    ConflictRecord = "conflict.record";
    /// A customer was made.
    CustomerCreate = "customer.create";
    /// A customer was changed.
    CustomerUpdate = "customer.update";
    /// A customer was deleted.
    CustomerDelete = "customer.delete";
    /// A payment whose buyer did not act was begun to be given up.
    PaymentIntentAbandon = "payment_intent.abandon";
    /// A payment was canceled, or its provider was asked to let go of it.
    PaymentIntentCancel = "payment_intent.cancel";
    /// Its provider was asked to take what it holds.
    PaymentIntentCapture = "payment_intent.capture";
    /// Its provider was asked for the money.
    PaymentIntentConfirm = "payment_intent.confirm";
    /// A payment was made; confirmed in the same request, its provider was asked for the money.
    PaymentIntentCreate = "payment_intent.create";
    /// What the provider said was written down.
    PaymentIntentSettle = "payment_intent.settle";
    /// A payment was changed.
    PaymentIntentUpdate = "payment_intent.update";
    /// A card was attached to a customer.
    PaymentMethodAttach = "payment_method.attach";
    /// A card was made.
    PaymentMethodCreate = "payment_method.create";
    /// A card was taken from its customer.
    PaymentMethodDetach = "payment_method.detach";
    /// What is known of a card was changed.
    PaymentMethodUpdate = "payment_method.update";
    /// A refund was set aside, and its provider asked for it.
    RefundCreate = "refund.create";
    /// What the provider said of a refund was written down.
    RefundSettle = "refund.settle";
    /// A refund's notes were changed.
    RefundUpdate = "refund.update";
    /// Somebody logged in, with as much proof as they needed.
    SessionCreate = "session.create";
    /// A password was right, and the code of the second factor is still to come.
    SessionBegin = "session.begin";
    /// Somebody was not let in.
    SessionDeny = "session.deny";
    /// Somebody logged out.
    SessionEnd = "session.end";
    /// Somebody logged out wherever they were logged in.
    SessionEndAll = "session.end_all";
    /// A set-up was given up.
    SetupIntentCancel = "setup_intent.cancel";
    /// Its provider was asked to check the card.
    SetupIntentConfirm = "setup_intent.confirm";
    /// A set-up was made; confirmed in the same request, its provider was asked to check the card.
    SetupIntentCreate = "setup_intent.create";
    /// What the provider said of the card was written down.
    SetupIntentSettle = "setup_intent.settle";
    /// A set-up was changed.
    SetupIntentUpdate = "setup_intent.update";
    /// An outside issuer of access tokens is trusted.
    TokenIssuerCreate = "token_issuer.create";
    /// An outside issuer of access tokens is trusted no more.
    TokenIssuerRemove = "token_issuer.remove";
    /// A key was made that is to sign access tokens.
    TokenKeyCreate = "token_key.create";
    /// A key that signed access tokens was taken back.
    TokenKeyWithdraw = "token_key.withdraw";
    /// An invited person took what they were given, and has a password.
    UserAccept = "user.accept";
    /// A person's password was changed by themself.
    UserChangePassword = "user.change_password";
    /// A person was given another role.
    UserChangeRole = "user.change_role";
    /// A person may look after the account no more.
    UserDisable = "user.disable";
    /// A person was invited to look after the account.
    UserInvite = "user.invite";
    /// A person's password and second factor were taken from them, and they got a link to begin anew.
    UserReset = "user.reset";
    /// A person's second factor is in use from now on.
    UserTotpConfirm = "user.totp_confirm";
    /// A person gave their second factor up.
    UserTotpDisable = "user.totp_disable";
    /// A person was given the secret of a second factor, which is not in use yet.
    UserTotpEnroll = "user.totp_enroll";
    /// An endpoint was made.
    WebhookEndpointCreate = "webhook_endpoint.create";
    /// An endpoint was deleted.
    WebhookEndpointDelete = "webhook_endpoint.delete";
    /// An endpoint was disabled because it is gone, or took nothing for days.
    WebhookEndpointDisable = "webhook_endpoint.disable";
    /// An endpoint's secret was replaced.
    WebhookEndpointRollSecret = "webhook_endpoint.roll_secret";
    /// An endpoint was changed.
    WebhookEndpointUpdate = "webhook_endpoint.update";
}

/// How it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// As it was asked.
    #[default]
    Success,
    /// The provider or issuer refused, and that is what was written down.
    Refused(String),
}

impl Ending {
    /// `success`, or the refusal's code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Success => "success",
            Self::Refused(code) => code,
        }
    }

    fn is_success(&self) -> bool {
        *self == Self::Success
    }
}

/// One object that a commit wrote: its stored bytes by their digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Which object.
    pub object: Subject,
    /// Its revision afterwards: 1 for a new one.
    pub revision: u64,
    /// What it was; `None` for a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Digest>,
    /// What it is; `None` for one that was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Digest>,
}

/// A row of the audit trail: one commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Its name, which carries the time of the commit.
    pub id: AuditEntryId,
    /// Who.
    pub actor: Actor,
    /// From where; unknown for what did not come over the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<IpAddr>,
    /// What.
    pub action: Action,
    /// What it changed.
    pub changes: Vec<Change>,
    /// The API request that asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Ending::is_success")]
    pub result: Ending,
    /// What a person said of why, where one decided; of a denial, the operation that was denied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl AuditEntry {
    /// When it was committed.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.id.ulid().created_at()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{PaymentIntentId, Ulid};

    fn entry() -> AuditEntry {
        AuditEntry {
            id: AuditEntryId::new(Ulid::from_parts(Timestamp::from_millis(1_795_000_000_123), 1, 2)),
            actor: Actor::ApiKey { id: ApiKeyId::new(Ulid::MAX) },
            from: Some(IpAddr::from([192, 0, 2, 1])),
            action: Action::PaymentIntentCreate,
            changes: vec![Change {
                object: Subject::PaymentIntent(PaymentIntentId::new(Ulid::MAX)),
                revision: 1,
                before: None,
                after: Some(Digest::of(b"{}")),
            }],
            request: Some("req_1".to_owned()),
            result: Ending::Success,
            note: None,
        }
    }

    #[test]
    fn a_row_round_trips_and_its_form_is_the_documented_one() {
        let text = serde_json::to_string(&entry()).unwrap();
        let (id, key) = (entry().id, ApiKeyId::new(Ulid::MAX));
        let digest = "RBNvo1WzZ4oRRq0W9-hknpT7T8If536DEMBg9hyq_4o";
        assert_eq!(
            text,
            format!(
                r#"{{"id":"{id}","actor":{{"type":"api_key","id":"{key}"}},"from":"192.0.2.1","action":"payment_intent.create","changes":[{{"object":"pi_7ZZZZZZZZZZZZZZZZZZZZZZZZZ","revision":1,"after":"{digest}"}}],"request":"req_1"}}"#
            )
        );
        assert_eq!(serde_json::from_str::<AuditEntry>(&text).unwrap(), entry());
        let refused = AuditEntry { result: Ending::Refused("card_declined".to_owned()), actor: Actor::Buyer, ..entry() };
        assert_eq!(serde_json::from_str::<AuditEntry>(&serde_json::to_string(&refused).unwrap()).unwrap(), refused);
    }

    #[test]
    fn the_words_of_actors_jobs_and_actions_are_those_that_are_stored() {
        for action in Action::ALL {
            assert_eq!(serde_json::to_value(action).unwrap(), action.as_str());
        }
        for job in Job::ALL {
            assert_eq!(serde_json::to_value(job).unwrap(), job.as_str());
        }
        let actors = [
            Actor::ApiKey { id: ApiKeyId::new(Ulid::MAX) },
            Actor::Client { issuer: TokenIssuerId::new(Ulid::MAX), subject: "shop-server".to_owned() },
            Actor::PublishableKey { id: ApiKeyId::new(Ulid::MAX) },
            Actor::Buyer,
            Actor::Job { name: Job::Recovery },
            Actor::Provider { name: "bank".to_owned() },
            Actor::Unknown,
            Actor::Operator { name: "root".to_owned() },
            Actor::User { id: UserId::new(Ulid::MAX) },
        ];
        let kinds: Vec<ActorKind> = actors.iter().map(Actor::kind).collect();
        assert_eq!(kinds, ActorKind::ALL);
        for actor in actors {
            let written = serde_json::to_value(&actor).unwrap();
            assert_eq!(written["type"], actor.kind().as_str());
            assert_eq!(serde_json::from_value::<Actor>(written).unwrap(), actor);
        }
        for nameless in [
            r#"{"type":"api_key"}"#,
            r#"{"type":"api_key","id":"usr_1"}"#,
            r#"{"type":"client","subject":"a"}"#,
            r#"{"type":"job","name":"cleaning"}"#,
            r#"{"type":"provider"}"#,
            r#"{"type":"cat"}"#,
        ] {
            assert!(serde_json::from_str::<Actor>(nameless).is_err(), "{nameless}");
        }
    }

    #[test]
    fn a_row_was_committed_when_its_name_was_made() {
        assert_eq!(entry().at().millis(), 1_795_000_000_123);
    }

    #[test]
    fn an_ending_is_told_as_success_or_by_the_refusals_code() {
        assert_eq!(Ending::Success.as_str(), "success");
        assert_eq!(Ending::Refused("card_declined".to_owned()).as_str(), "card_declined");
    }
}
