//! Where a shop wants to hear of what happens.
//!
//! Absent on purpose: whether an address may be reached; that is asked each time it is reached, of the address it has then.

use serde::{Deserialize, Serialize};

use crate::event::EventKind;
use crate::id::WebhookEndpointId;
use crate::metadata::Metadata;
use crate::sealed::SealedSecret;
use crate::time::Timestamp;

/// Endpoints of one shop and mode: each may add an entry for every event to the commit that makes the event, and what one
/// commit can hold is bounded.
pub const MAX_ENDPOINTS: usize = 8;

/// Which events an endpoint is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnabledEvents {
    /// Every one, also of kinds that are yet to come.
    All,
    /// Those of these kinds.
    Only(Vec<EventKind>),
}

impl EnabledEvents {
    /// Whether it is told events of that kind.
    #[must_use]
    pub fn include(&self, kind: EventKind) -> bool {
        match self {
            Self::All => true,
            Self::Only(kinds) => kinds.contains(&kind),
        }
    }
}

/// Why an endpoint is told nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisabledBecause {
    /// The shop wanted it.
    Asked,
    /// It answered 410: it is gone, and wants nothing more.
    Gone,
    /// For [days](crate::webhook_delivery::DISABLED_AFTER_MS) it took nothing.
    Failing,
}

impl DisabledBecause {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Gone => "gone",
            Self::Failing => "failing",
        }
    }
}

/// Whether an endpoint is told anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum State {
    /// It is.
    Enabled,
    /// It is not, and nothing is kept for it until it is enabled again.
    Disabled {
        /// Why not.
        because: DisabledBecause,
    },
    /// It was deleted.
    Deleted,
}

/// A secret that signs beside the present one for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetiringSecret {
    /// The secret.
    pub sealed: SealedSecret,
    /// Until when it signs.
    pub until: Timestamp,
}

/// Where a shop wants to hear of what happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookEndpoint {
    /// Its name in the API.
    pub id: WebhookEndpointId,
    /// When it was made.
    pub created_at: Timestamp,
    /// Where events are posted to.
    pub url: String,
    /// Which.
    pub enabled_events: EnabledEvents,
    /// What the shop calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The shop's own notes.
    #[serde(default)]
    pub metadata: Metadata,
    /// Whether it is told anything.
    pub state: State,
    /// Since when all that it is to hear is kept for it.
    pub listens_since: Timestamp,
    /// What signs.
    pub secret: SealedSecret,
    /// What signs, too, after a new secret was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retiring: Option<RetiringSecret>,
}

impl WebhookEndpoint {
    /// Whether it is told of an event of that kind.
    #[must_use]
    pub fn hears(&self, kind: EventKind) -> bool {
        self.state == State::Enabled && self.enabled_events.include(kind)
    }

    /// The secret before the present one, while it still signs.
    #[must_use]
    pub fn still_signs(&self, now: Timestamp) -> Option<&SealedSecret> {
        self.retiring.as_ref().filter(|retiring| retiring.until > now).map(|retiring| &retiring.sealed)
    }

    /// As its shop wants it: told nothing, or told again. What disabled it before stays the reason.
    #[must_use]
    pub fn turned(self, disabled: bool) -> Self {
        match (disabled, self.state) {
            (false, _) => Self { state: State::Enabled, ..self },
            (true, State::Enabled) => self.disabled(DisabledBecause::Asked),
            (true, State::Disabled { .. } | State::Deleted) => self,
        }
    }

    /// Told nothing.
    #[must_use]
    pub fn disabled(self, because: DisabledBecause) -> Self {
        Self { state: State::Disabled { because }, ..self }
    }

    /// Deleted.
    #[must_use]
    pub fn deleted(self) -> Self {
        Self { state: State::Deleted, ..self }
    }

    /// After a change: if it hears otherwise than before, all that it is to hear is kept for it since now.
    #[must_use]
    pub fn changed(self, before: &Self, now: Timestamp) -> Self {
        let same = self.state == before.state && self.enabled_events == before.enabled_events;
        Self { listens_since: if same { before.listens_since } else { now }, ..self }
    }

    /// With a new secret; the present one signs beside it until then.
    #[must_use]
    pub fn with_secret(mut self, secret: SealedSecret, until: Timestamp) -> Self {
        let sealed = std::mem::replace(&mut self.secret, secret);
        self.retiring = Some(RetiringSecret { sealed, until });
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Ulid;

    fn secret(text: &str) -> SealedSecret {
        SealedSecret { key_version: 1, data_key: "00".to_owned(), secret: text.to_owned() }
    }

    fn endpoint() -> WebhookEndpoint {
        WebhookEndpoint {
            id: WebhookEndpointId::new(Ulid::from_bits(1)),
            created_at: Timestamp::from_seconds(1),
            url: "https://shop.example/hooks".to_owned(),
            enabled_events: EnabledEvents::Only(vec![EventKind::RefundCreated]),
            description: None,
            metadata: Metadata::default(),
            state: State::Enabled,
            listens_since: Timestamp::from_seconds(1),
            secret: secret("01"),
            retiring: None,
        }
    }

    #[test]
    fn an_endpoint_hears_what_it_asked_for_while_it_is_enabled() {
        assert!(endpoint().hears(EventKind::RefundCreated));
        assert!(!endpoint().hears(EventKind::RefundFailed));
        let all = WebhookEndpoint { enabled_events: EnabledEvents::All, ..endpoint() };
        assert!(all.hears(EventKind::RefundFailed));
        for state in [State::Deleted, State::Disabled { because: DisabledBecause::Gone }] {
            assert!(!WebhookEndpoint { state, ..all.clone() }.hears(EventKind::RefundFailed));
        }
    }

    #[test]
    fn what_disabled_an_endpoint_stays_the_reason_until_it_is_enabled() {
        let gone = endpoint().disabled(DisabledBecause::Gone);
        assert_eq!(gone.clone().turned(true), gone);
        assert_eq!(endpoint().turned(true).state, State::Disabled { because: DisabledBecause::Asked });
        assert_eq!((gone.turned(false).state, endpoint().deleted().state), (State::Enabled, State::Deleted));
    }

    #[test]
    fn an_endpoint_listens_anew_when_it_hears_otherwise_than_before() {
        let now = Timestamp::from_seconds(9);
        let since = |after: WebhookEndpoint| after.changed(&endpoint(), now).listens_since;
        assert_eq!(since(WebhookEndpoint { description: Some("x".to_owned()), ..endpoint() }), endpoint().listens_since);
        assert_eq!(since(endpoint().turned(true)), now);
        assert_eq!(since(WebhookEndpoint { enabled_events: EnabledEvents::All, ..endpoint() }), now);
    }

    #[test]
    fn two_secrets_sign_until_the_older_one_is_retired() {
        let rolled = endpoint().with_secret(secret("02"), Timestamp::from_seconds(100));
        assert_eq!(rolled.secret, secret("02"));
        assert_eq!(rolled.still_signs(Timestamp::from_seconds(99)), Some(&secret("01")));
        assert_eq!(rolled.still_signs(Timestamp::from_seconds(100)), None);
        assert_eq!(endpoint().still_signs(Timestamp::from_seconds(0)), None);
    }

    #[test]
    fn the_words_that_are_stored_and_shown_are_the_same() {
        for because in [DisabledBecause::Asked, DisabledBecause::Gone, DisabledBecause::Failing] {
            assert_eq!(serde_json::to_value(because).unwrap(), because.as_str());
        }
        let text = serde_json::to_string(&endpoint()).unwrap();
        assert_eq!(serde_json::from_str::<WebhookEndpoint>(&text).unwrap(), endpoint());
    }
}
