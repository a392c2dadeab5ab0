//! Signatures of deliveries: Stripe's, which its libraries verify, and that of Standard Webhooks, on the same body.
//!
//! Stripe: the key is the secret's text, and what is signed `{timestamp}.{body}`
//! (<https://docs.stripe.com/webhooks#verify-manually>). Standard Webhooks: the key is what the secret's text after `whsec_` says in
//! base64, and what is signed `{id}.{timestamp}.{body}`
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>).

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::ports::Entropy;

/// What every secret begins with.
const PREFIX: &str = "whsec_";
/// Random bytes of a secret: of the 24 to 64 of Standard Webhooks, a number that needs no padding.
const SECRET_BYTES: usize = 30;

/// A new secret.
///
/// # Errors
/// There is no randomness.
pub fn new_secret(entropy: &dyn Entropy) -> Result<Zeroizing<String>, Error> {
    let mut bytes = Zeroizing::new([0u8; SECRET_BYTES]);
    entropy.fill(bytes.as_mut_slice())?;
    Ok(Zeroizing::new(format!("{PREFIX}{}", STANDARD.encode(bytes.as_slice()))))
}

/// What is signed.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// The event's name.
    pub id: &'a str,
    /// When, in seconds since 1970.
    pub at: i64,
    /// The body, as it is sent.
    pub body: &'a [u8],
}

/// The headers of a delivery, signed with each of the secrets.
#[must_use]
pub fn headers<S: AsRef<str>>(secrets: &[S], signed: Signed<'_>) -> Vec<(&'static str, String)> {
    let mut stripe = format!("t={}", signed.at);
    let mut standard = Vec::with_capacity(secrets.len());
    for secret in secrets.iter().map(AsRef::as_ref) {
        stripe.push_str(",v1=");
        stripe.push_str(&hex::encode(stripe_mac(secret, signed)));
        standard.push(format!("v1,{}", STANDARD.encode(standard_mac(secret, signed))));
    }
    vec![
        ("stripe-signature", stripe),
        ("webhook-id", signed.id.to_owned()),
        ("webhook-timestamp", signed.at.to_string()),
        ("webhook-signature", standard.join(" ")),
    ]
}

fn stripe_mac(secret: &str, signed: Signed<'_>) -> hmac::Tag {
    mac(secret.as_bytes(), &[signed.at.to_string().as_bytes(), signed.body])
}

fn standard_mac(secret: &str, signed: Signed<'_>) -> hmac::Tag {
    let encoded = secret.strip_prefix(PREFIX).unwrap_or(secret);
    // A text that is no base64 was no secret of ours: it is its own key.
    let key = Zeroizing::new(STANDARD.decode(encoded).unwrap_or_else(|_| encoded.as_bytes().to_vec()));
    mac(&key, &[signed.id.as_bytes(), signed.at.to_string().as_bytes(), signed.body])
}

/// The parts, joined by dots.
fn mac(key: &[u8], parts: &[&[u8]]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            context.update(b".");
        }
        context.update(part);
    }
    context.sign()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification of Standard Webhooks' libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const SIGNED: Signed<'_> = Signed { id: "msg_p5jXN8AQM9LWM0D4loKWxJek", at: 1_614_265_330, body: br#"{"test": 2432232314}"# };

    fn header(headers: &[(&'static str, String)], name: &str) -> String {
        headers.iter().find(|(header, _)| *header == name).unwrap().1.clone()
    }

    #[test]
    fn the_published_example_of_standard_webhooks_has_the_published_signature() {
        let headers = headers(&[SECRET], SIGNED);
        assert_eq!(header(&headers, "webhook-signature"), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(header(&headers, "webhook-id"), SIGNED.id);
        assert_eq!(header(&headers, "webhook-timestamp"), "1614265330");
    }

    #[test]
    fn each_secret_signs() {
        let one = headers(&[SECRET], SIGNED);
        let two = headers(&["whsec_other", SECRET], SIGNED);
        for name in ["stripe-signature", "webhook-signature"] {
            let own = header(&one, name);
            let own = own.rsplit([',', ' ']).next().unwrap();
            assert!(header(&two, name).ends_with(own), "{name}");
        }
        assert_eq!(header(&two, "stripe-signature").matches("v1=").count(), 2);
        assert_eq!(header(&two, "webhook-signature").split(' ').count(), 2);
    }

    #[test]
    fn whatever_is_altered_is_signed_otherwise() {
        let signature =
            |secret: &str, signed| (stripe_mac(secret, signed).as_ref().to_vec(), standard_mac(secret, signed).as_ref().to_vec());
        let right = signature(SECRET, SIGNED);
        let wrong = [
            signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx", SIGNED),
            signature(SECRET, Signed { at: 1_614_265_331, ..SIGNED }),
            signature(SECRET, Signed { body: b"{}", ..SIGNED }),
        ];
        assert!(wrong.iter().all(|wrong| wrong.0 != right.0 && wrong.1 != right.1));
    }
}
