//! Codes of a second factor: those of a time (RFC 6238), as every authenticator makes them, and recovery codes.

use domain::time::Timestamp;
use domain::user::second_factor::{RECOVERY_CODES, SKEW_STEPS, STEP_SECONDS};
use totp_rs::{Algorithm, Builder, Secret, Totp};
use zeroize::Zeroizing;

use super::hash_of;
use crate::error::Error;
use crate::ports::Entropy;

/// Bytes of a secret (RFC 4226 §4 recommends 160 bits).
const SECRET_BYTES: usize = 20;
/// Digits of a code; with other numbers many authenticators do not help.
const DIGITS: u8 = 6;
/// Random bytes of a recovery code: as it cannot be guessed, a plain hash of it is enough.
const RECOVERY_BYTES: usize = 10;
/// Characters between two dashes of a recovery code.
const GROUP: usize = 5;
/// What authenticators show beside a code.
const ISSUER: &str = "Bursar";

fn defect(error: impl std::fmt::Display) -> Error {
    Error::Internal(format!("a second factor: {error}"))
}

/// A new secret, base32.
pub(crate) fn new_secret(entropy: &dyn Entropy) -> Result<Zeroizing<String>, Error> {
    let mut bytes = Zeroizing::new([0u8; SECRET_BYTES]);
    entropy.fill(bytes.as_mut_slice())?;
    Ok(Zeroizing::new(Secret::from(bytes.as_slice()).to_base32()))
}

fn totp(secret: &str, whose: &str) -> Result<Totp, Error> {
    let secret = Secret::try_from_base32(secret).map_err(defect)?;
    // SHA-1 is what authenticators do; that others' collisions are found does no harm here (RFC 4226, appendix B.2).
    let builder = Builder::new().with_algorithm(Algorithm::SHA1).with_digits(DIGITS).with_skew(SKEW_STEPS);
    let builder = builder.with_step_duration(STEP_SECONDS).with_secret(secret).with_issuer(Some(ISSUER));
    builder.with_account_name(whose.replace(':', " ")).build().map_err(defect)
}

/// What an authenticator reads from a picture.
pub(crate) fn url(secret: &str, whose: &str) -> Result<Zeroizing<String>, Error> {
    totp(secret, whose)?.to_url().map(Zeroizing::new).map_err(defect)
}

/// The step that a code is of, if it is of one around now.
pub(crate) fn step_of(secret: &str, code: &str, now: Timestamp) -> Result<Option<u64>, Error> {
    let now = u64::try_from(now.seconds()).map_err(defect)?;
    Ok(totp(secret, "")?.check(&plain(code), now))
}

/// New recovery codes, to be shown once.
pub(crate) fn new_recovery(entropy: &dyn Entropy) -> Result<Vec<Zeroizing<String>>, Error> {
    let mut codes = Vec::with_capacity(RECOVERY_CODES);
    for _ in 0..RECOVERY_CODES {
        let mut bytes = Zeroizing::new([0u8; RECOVERY_BYTES]);
        entropy.fill(bytes.as_mut_slice())?;
        let digits: Vec<char> = hex::encode(bytes.as_slice()).chars().collect();
        let groups: Vec<String> = digits.chunks(GROUP).map(|group| group.iter().collect()).collect();
        codes.push(Zeroizing::new(groups.join("-")));
    }
    Ok(codes)
}

/// The hash under which a recovery code is kept, however it was typed.
pub(crate) fn recovery_hash(code: &str) -> String {
    hash_of(&plain(code))
}

/// A code without what people put between its characters.
fn plain(code: &str) -> Zeroizing<String> {
    Zeroizing::new(code.chars().filter(|c| !c.is_whitespace() && *c != '-').flat_map(char::to_lowercase).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of RFC 6238's test vectors.
    const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    #[test]
    fn codes_are_those_of_rfc_6238() {
        // Appendix B gives eight digits; six are the last of them.
        for (seconds, code) in
            [(59, "287082"), (1_111_111_109, "081804"), (1_111_111_111, "050471"), (1_234_567_890, "005924"), (2_000_000_000, "279037")]
        {
            let step = step_of(SECRET, code, Timestamp::from_seconds(seconds)).unwrap();
            assert_eq!(step, Some(u64::try_from(seconds).unwrap() / 30), "{seconds}");
        }
    }

    #[test]
    fn a_code_is_known_for_one_step_before_and_after_its_own_and_however_it_is_typed() {
        let known = |seconds: i64, code: &str| step_of(SECRET, code, Timestamp::from_seconds(seconds)).unwrap();
        // 2 000 000 000 is 20 seconds into its step.
        for (seconds, is_known) in [(-51, false), (-50, true), (0, true), (39, true), (40, false)] {
            assert_eq!(known(2_000_000_000 + seconds, "279037"), is_known.then_some(66_666_666), "{seconds}");
        }
        assert_eq!(known(2_000_000_000, " 279 037 "), Some(66_666_666));
        for wrong in ["", "279038", "2790370", "79037", "abcdef", "+79037"] {
            assert_eq!(known(2_000_000_000, wrong), None, "{wrong}");
        }
    }

    struct Counting(std::sync::atomic::AtomicU8);

    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), Error> {
            bytes.fill(self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
            Ok(())
        }
    }

    #[test]
    fn recovery_codes_are_ten_different_ones_and_known_without_their_dashes() {
        let codes = new_recovery(&Counting(170.into())).unwrap();
        assert_eq!((codes.len(), codes[0].as_str()), (10, "aaaaa-aaaaa-aaaaa-aaaaa"));
        assert_eq!(recovery_hash(" AAAAA aaaaaaaaaaaaaaa"), recovery_hash(&codes[0]));
        assert_ne!(recovery_hash(&codes[0]), recovery_hash(&codes[1]));
    }

    #[test]
    fn an_authenticator_is_told_secret_issuer_and_whose_it_is() {
        let secret = new_secret(&Counting(1.into())).unwrap();
        let url = url(&secret, "ada@shop.example").unwrap();
        assert!(
            url.starts_with("otpauth://totp/Bursar:ada%40shop.example?") && url.contains(&format!("secret={}", secret.as_str())),
            "{}",
            url.as_str()
        );
    }
}
