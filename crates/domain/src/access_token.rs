//! Access tokens: what one says of itself, and when it opens anything. Those of this platform are as RFC 9068 has them.
//!
//! Absent on purpose: signatures and JSON Web Keys, which `server` leaves to a library.

use crate::time::Timestamp;

/// How long a token of this platform opens anything: a client asks for the next one then, and what was allowed to it before may
/// have been taken away.
pub const LIFETIME_MS: i64 = 15 * 60 * 1_000;
/// How far the clock of whoever made a token may be from ours.
pub const CLOCK_SKEW_MS: i64 = 60 * 1_000;
/// Words of what a token allows that are looked at.
pub const MAX_WORDS: usize = 200;

/// What a token says of itself, once its signature is known to be good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// Who made it.
    pub issuer: String,
    /// Whom it is for.
    pub audiences: Vec<String>,
    /// The program that it was given to, if it says so.
    pub client: Option<String>,
    /// Who it speaks for.
    pub subject: String,
    /// From when it opens nothing.
    pub expires_at: Timestamp,
    /// Until when it opens nothing yet.
    pub not_before: Option<Timestamp>,
    /// What it allows, each in one word.
    pub words: Vec<String>,
}

/// Why a token opens nothing now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untimely {
    /// Its time is over.
    Expired,
    /// Its time is yet to come.
    TooEarly,
}

impl Claims {
    /// Whether now is its time. A clock that is a little wrong does no harm (RFC 7519 §4.1.4).
    ///
    /// # Errors
    /// It is not.
    pub fn check_time(&self, now: Timestamp) -> Result<(), Untimely> {
        if now >= self.expires_at.plus_millis(CLOCK_SKEW_MS) {
            return Err(Untimely::Expired);
        }
        match self.not_before {
            Some(from) if now < from.plus_millis(-CLOCK_SKEW_MS) => Err(Untimely::TooEarly),
            _ => Ok(()),
        }
    }

    /// Whether it is for them. Amazon Cognito's access tokens have no audience, but name the client that they were given to.
    #[must_use]
    pub fn is_for(&self, audience: &str) -> bool {
        match self.audiences.as_slice() {
            [] => self.client.as_deref() == Some(audience),
            audiences => audiences.iter().any(|one| one == audience),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims() -> Claims {
        Claims {
            issuer: "https://issuer.example".to_owned(),
            audiences: vec!["bursar".to_owned(), "other".to_owned()],
            client: Some("shop".to_owned()),
            subject: "shop".to_owned(),
            expires_at: Timestamp::from_seconds(1_000),
            not_before: Some(Timestamp::from_seconds(500)),
            words: Vec::new(),
        }
    }

    #[test]
    fn a_token_has_its_time_give_or_take_a_minute() {
        let at = |seconds| claims().check_time(Timestamp::from_seconds(seconds));
        assert_eq!([at(439), at(440), at(1_059), at(1_060)], [Err(Untimely::TooEarly), Ok(()), Ok(()), Err(Untimely::Expired)]);
        let from_ever = Claims { not_before: None, ..claims() };
        assert_eq!(from_ever.check_time(Timestamp::EPOCH), Ok(()));
    }

    #[test]
    fn a_token_is_for_its_audiences_and_for_its_client_only_where_it_has_none() {
        assert!(claims().is_for("bursar") && claims().is_for("other") && !claims().is_for("shop") && !claims().is_for(""));
        let of_cognito = Claims { audiences: Vec::new(), ..claims() };
        assert!(of_cognito.is_for("shop") && !of_cognito.is_for("bursar"));
        let of_nobody = Claims { client: None, ..of_cognito };
        assert!(!of_nobody.is_for("") && !of_nobody.is_for("shop"));
    }
}
