//! Signatures on segments: Ed25519 (RFC 8032) over a segment's hash, with keys in PEM as other tools write and read them.
//!
//! Signing is deterministic, so this is as pure as a hash. Absent on purpose: where keys are kept.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use super::digest::Digest;

/// Nothing else is signed by such a key under bytes that begin so.
const DOMAIN: &[u8] = b"bursar audit checkpoint 1\0";
/// What stands before the 32 bytes of an Ed25519 key in `SubjectPublicKeyInfo` (RFC 8410).
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const KEY_BYTES: usize = 32;
/// Characters of a line of PEM (RFC 7468).
const PEM_LINE: usize = 64;
const PRIVATE: &str = "PRIVATE KEY";
const PUBLIC: &str = "PUBLIC KEY";

/// A text that is not such a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an Ed25519 key in PEM")]
pub struct InvalidKey;

fn signed(hash: &Digest) -> Vec<u8> {
    [DOMAIN, hash.as_bytes()].concat()
}

fn to_pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    for (position, character) in text.chars().enumerate() {
        if position > 0 && position.is_multiple_of(PEM_LINE) {
            pem.push('\n');
        }
        pem.push(character);
    }
    pem.push_str(&format!("\n-----END {label}-----\n"));
    pem
}

fn from_pem(label: &str, text: &str) -> Result<Vec<u8>, InvalidKey> {
    let body = text.trim().strip_prefix(&format!("-----BEGIN {label}-----")).ok_or(InvalidKey)?;
    let body = body.strip_suffix(&format!("-----END {label}-----")).ok_or(InvalidKey)?;
    let joined: String = body.split_ascii_whitespace().collect();
    STANDARD.decode(joined).map_err(|_| InvalidKey)
}

/// A key that signs.
pub struct SigningKey(Ed25519KeyPair);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(****)")
    }
}

impl SigningKey {
    /// From 32 secret random bytes.
    ///
    /// # Errors
    /// Never, for 32 bytes; the library's signature has one.
    pub fn from_seed(seed: &[u8; KEY_BYTES]) -> Result<Self, InvalidKey> {
        Ed25519KeyPair::from_seed_unchecked(seed).map(Self).map_err(|_| InvalidKey)
    }

    /// From PKCS#8 in PEM.
    ///
    /// # Errors
    /// It is not such a key.
    pub fn from_pem(text: &str) -> Result<Self, InvalidKey> {
        let der = zeroize::Zeroizing::new(from_pem(PRIVATE, text)?);
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).map(Self).map_err(|_| InvalidKey)
    }

    /// As PKCS#8 in PEM.
    ///
    /// # Errors
    /// It cannot be written: a defect.
    pub fn to_pem(&self) -> Result<zeroize::Zeroizing<String>, InvalidKey> {
        let der = self.0.to_pkcs8v1().map_err(|_| InvalidKey)?;
        Ok(zeroize::Zeroizing::new(to_pem(PRIVATE, der.as_ref())))
    }

    /// The key that its signatures are checked with.
    ///
    /// # Errors
    /// It cannot be read: a defect.
    pub fn public(&self) -> Result<PublicKey, InvalidKey> {
        let der = self.0.public_key().as_der().map_err(|_| InvalidKey)?;
        PublicKey::from_der(der.as_ref())
    }

    /// Signs a segment's hash.
    ///
    /// # Errors
    /// As [`public`](Self::public).
    pub fn sign(&self, hash: &Digest) -> Result<Signature, InvalidKey> {
        Ok(Signature { key: self.public()?, signature: URL_SAFE_NO_PAD.encode(self.0.sign(&signed(hash))) })
    }
}

/// A key that signatures are checked with; base64url in a record.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; KEY_BYTES]);

impl PublicKey {
    fn from_der(der: &[u8]) -> Result<Self, InvalidKey> {
        let key = der.strip_prefix(&SPKI_PREFIX).ok_or(InvalidKey)?;
        key.try_into().map(Self).map_err(|_| InvalidKey)
    }

    /// From `SubjectPublicKeyInfo` in PEM.
    ///
    /// # Errors
    /// It is not such a key.
    pub fn from_pem(text: &str) -> Result<Self, InvalidKey> {
        Self::from_der(&from_pem(PUBLIC, text)?)
    }

    /// As `SubjectPublicKeyInfo` in PEM.
    #[must_use]
    pub fn to_pem(&self) -> String {
        to_pem(PUBLIC, &[SPKI_PREFIX.as_slice(), &self.0].concat())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PublicKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidKey)?;
        bytes.as_slice().try_into().map(Self).map_err(|_| InvalidKey)
    }
}

impl Serialize for PublicKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A signature on a segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// Whose it says it is.
    pub key: PublicKey,
    /// Base64url.
    signature: String,
}

impl Signature {
    /// Whether it is that key's on that hash.
    #[must_use]
    pub fn is_valid(&self, hash: &Digest) -> bool {
        let Ok(signature) = URL_SAFE_NO_PAD.decode(&self.signature) else { return false };
        UnparsedPublicKey::new(&ED25519, self.key.0).verify(&signed(hash), &signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SigningKey {
        SigningKey::from_seed(&[7; 32]).unwrap()
    }

    #[test]
    fn a_signature_is_valid_for_its_hash_and_key_only() {
        let hash = Digest::of(b"a segment");
        let signature = key().sign(&hash).unwrap();
        assert!(signature.is_valid(&hash));
        assert!(!signature.is_valid(&Digest::of(b"another")));
        let another = SigningKey::from_seed(&[8; 32]).unwrap().public().unwrap();
        assert!(!Signature { key: another, ..signature.clone() }.is_valid(&hash));
        assert!(!Signature { signature: String::new(), ..signature }.is_valid(&hash));
    }

    #[test]
    fn keys_round_trip_through_pem() {
        let again = SigningKey::from_pem(&key().to_pem().unwrap()).unwrap();
        assert_eq!(again.public(), key().public());
        let public = key().public().unwrap();
        assert_eq!(PublicKey::from_pem(&public.to_pem()), Ok(public));
        assert_eq!(public.to_string().parse(), Ok(public));
        assert_eq!(format!("{:?}", key()), "SigningKey(****)");
    }

    #[test]
    fn keys_as_openssl_writes_them_are_read() {
        // RFC 8410, section 10.3: a private key as PKCS#8 version 1, and section 10.1: its public key.
        let private =
            "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
        let public = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
        assert_eq!(SigningKey::from_pem(private).unwrap().public(), PublicKey::from_pem(public));
        assert_eq!(SigningKey::from_pem(private).unwrap().to_pem().unwrap().as_str(), private);
    }

    #[test]
    fn other_texts_are_no_keys() {
        let pem = key().to_pem().unwrap();
        for bad in ["", "key", &pem.replace("PRIVATE", "PUBLIC"), &pem.replace("MC4C", "MC4D")] {
            assert!(SigningKey::from_pem(bad).is_err(), "{bad}");
            assert!(PublicKey::from_pem(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_public_key_is_shown_as_its_text_and_written_with_no_empty_line() {
        let public = key().public().unwrap();
        assert_eq!(format!("{public:?}"), public.to_string());
        let pem = public.to_pem();
        assert!(pem.lines().all(|line| !line.is_empty() && line.len() <= PEM_LINE), "{pem}");
        let long = to_pem(PUBLIC, &[7; 100]);
        assert_eq!(long.lines().map(str::len).collect::<Vec<_>>()[1..4], [PEM_LINE, PEM_LINE, 136 - 2 * PEM_LINE]);
    }
}
