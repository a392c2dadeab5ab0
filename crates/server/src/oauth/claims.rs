//! The claims of a token, as JSON has them.

use domain::access_token::{Claims, MAX_WORDS};
use domain::idempotency::holds_card_number;
use domain::time::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

use crate::api::Failure;

/// Signatures that are good: those that need no shared secret. `none` is no algorithm at all to the library.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::EdDSA,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
];
/// Characters of a subject: it goes into the audit trail (OpenID Connect Core §2 has this limit).
const MAX_SUBJECT: usize = 255;

/// One text, or several.
#[derive(Debug, Default, Deserialize)]
#[serde(untagged)]
enum Texts {
    #[default]
    None,
    One(String),
    Several(Vec<String>),
}

impl Texts {
    fn into_vec(self) -> Vec<String> {
        match self {
            Self::None => Vec::new(),
            Self::One(text) => vec![text],
            Self::Several(texts) => texts,
        }
    }

    /// Words of texts.
    fn words(self) -> Vec<String> {
        self.into_vec().iter().flat_map(|text| text.split(' ')).filter(|word| !word.is_empty()).take(MAX_WORDS).map(str::to_owned).collect()
    }
}

/// What a token says (RFC 7519, RFC 9068); `scp` and `client_id`, `azp` are how some providers write scope and client.
#[derive(Debug, Deserialize)]
pub(super) struct Written {
    pub(super) iss: String,
    #[serde(default)]
    sub: Option<String>,
    #[serde(default)]
    aud: Texts,
    #[serde(default)]
    client_id: Option<String>,
    #[serde(default)]
    azp: Option<String>,
    exp: Seconds,
    #[serde(default)]
    nbf: Option<Seconds>,
    #[serde(default)]
    scope: Texts,
    #[serde(default)]
    scp: Texts,
}

/// Seconds since 1970; some write fractions, which are cut off.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
enum Seconds {
    Whole(i64),
    Part(f64),
}

impl Seconds {
    #[allow(clippy::cast_possible_truncation, clippy::as_conversions)] // saturates, and NaN is the beginning of time
    const fn time(self) -> Timestamp {
        match self {
            Self::Whole(seconds) => Timestamp::from_seconds(seconds),
            Self::Part(seconds) => Timestamp::from_seconds(seconds as i64),
        }
    }
}

impl Written {
    fn claims(self) -> Option<Claims> {
        let client = self.client_id.or(self.azp);
        let subject = self.sub.or_else(|| client.clone())?;
        let told = subject.len() <= MAX_SUBJECT && !subject.chars().any(char::is_control) && !holds_card_number(&subject);
        let mut words = self.scope.words();
        words.extend(self.scp.words());
        told.then(|| Claims {
            issuer: self.iss,
            audiences: self.aud.into_vec(),
            client,
            subject,
            expires_at: self.exp.time(),
            not_before: self.nbf.map(Seconds::time),
            words,
        })
    }
}

/// What was signed with that key. Whose it is, whom for, and when, `domain` decides.
pub(super) fn verified(text: &str, algorithm: Algorithm, key: &DecodingKey) -> Result<Claims, Failure> {
    if !ALGORITHMS.contains(&algorithm) {
        return Err(Failure::WrongToken);
    }
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    (validation.validate_exp, validation.validate_aud) = (false, false);
    let read = jsonwebtoken::decode::<Written>(text, key, &validation).map_err(|_| Failure::WrongToken)?;
    read.claims.claims().ok_or(Failure::WrongToken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(json: &str) -> Option<Claims> {
        serde_json::from_str::<Written>(json).ok()?.claims()
    }

    #[test]
    fn tokens_of_several_providers_are_read() {
        let cognito = r#"{"sub":"4f2","token_use":"access","scope":"bursar/refunds:write bursar/charges:read",
            "auth_time":1,"iss":"https://cognito.example/pool","exp":1000,"iat":1,"version":2,"jti":"x","client_id":"4f2"}"#;
        let read = claims(cognito).unwrap();
        assert_eq!((read.audiences.len(), read.client.as_deref(), read.words.len()), (0, Some("4f2"), 2));
        let keycloak = r#"{"exp":1000.7,"nbf":500,"iss":"https://keycloak.example/realms/shop","aud":["bursar","account"],"sub":"u",
            "typ":"Bearer","azp":"shop-server","scope":"refunds:write  profile"}"#;
        let read = claims(keycloak).unwrap();
        assert_eq!((read.client.as_deref(), read.words.as_slice()), (Some("shop-server"), &["refunds:write".into(), "profile".into()][..]));
        assert_eq!((read.expires_at, read.not_before), (Timestamp::from_seconds(1000), Some(Timestamp::from_seconds(500))));
        let entra = r#"{"iss":"i","aud":"bursar","exp":1,"sub":"s","scp":["a","b"]}"#;
        assert_eq!(claims(entra).unwrap().words, ["a", "b"]);
    }

    #[test]
    fn what_cannot_be_told_of_in_the_trail_is_no_subject() {
        let of = |subject: &str| claims(&format!(r#"{{"iss":"i","exp":1,"sub":"{subject}"}}"#));
        assert!(of("shop-server").is_some());
        for wrong in ["4242 4242 4242 4242", r"a\nb", &"x".repeat(256)] {
            assert!(of(wrong).is_none(), "{wrong}");
        }
        assert!(claims(r#"{"iss":"i","exp":1}"#).is_none());
        for wrong in [r#"{"exp":1,"sub":"s"}"#, r#"{"iss":"i","sub":"s"}"#, r#"{"iss":"i","exp":"1","sub":"s"}"#, "[]"] {
            assert!(claims(wrong).is_none(), "{wrong}");
        }
    }
}
