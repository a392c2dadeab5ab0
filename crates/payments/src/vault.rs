//! The vault: card numbers, and the secrets of webhook endpoints, of what signs tokens and of second factors, sealed.
//!
//! Each number is sealed by AES-256-GCM under a data key of its own, and that key is sealed under the
//! key-encryption key. Account, mode and the method's ULID are authenticated with both, so that a sealed
//! record moved to another merchant or method opens for nobody. Every record says which version of the
//! key-encryption key sealed it. Absent on purpose: security codes, which are never written.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use domain::card::CardNumber;
use domain::id::{TokenKeyId, Ulid, UserId, WebhookEndpointId};
use domain::scope::Scope;
use domain::sealed::SealedSecret;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use zeroize::{Zeroize, Zeroizing};

use crate::error::Error;
use crate::ports::Entropy;

/// Bytes of a key.
pub const KEY_LENGTH: usize = 32;

/// The version of the key-encryption key that seals new records.
const KEY_VERSION: u32 = 1;

/// A sealed card number as it is stored; the fields are hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedCard {
    /// Which key-encryption key sealed the data key.
    pub key_version: u32,
    /// The data key: nonce, ciphertext, tag.
    pub data_key: String,
    /// The number: nonce, ciphertext, tag.
    pub number: String,
}

/// Whose secret it is: it opens for nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretOf {
    /// What signs what a webhook endpoint of a merchant is told.
    WebhookEndpoint(Scope, WebhookEndpointId),
    /// What signs access tokens.
    TokenKey(TokenKeyId),
    /// What the codes of a person's second factor are made with.
    SecondFactor(UserId),
}

impl SecretOf {
    fn context(self) -> Vec<u8> {
        match self {
            Self::WebhookEndpoint(scope, id) => format!("bursar webhook secret {} {} {}", scope.account, scope.mode, id.ulid()),
            Self::TokenKey(id) => format!("bursar token key {id}"),
            Self::SecondFactor(id) => format!("bursar second factor {id}"),
        }
        .into_bytes()
    }
}

/// Seals and opens card numbers and secrets.
pub struct Vault {
    key: LessSafeKey,
    entropy: Arc<dyn Entropy>,
}

impl Vault {
    /// A vault under that key-encryption key.
    ///
    /// # Errors
    /// The key is not one.
    pub fn new(key: &[u8; KEY_LENGTH], entropy: Arc<dyn Entropy>) -> Result<Self, Error> {
        Ok(Self { key: aead_key(key)?, entropy })
    }

    /// Seals a number for one method of one merchant.
    ///
    /// # Errors
    /// No randomness, or the cipher failed.
    pub fn seal(&self, scope: Scope, method: Ulid, number: &CardNumber) -> Result<SealedCard, Error> {
        let context = context(scope, method);
        let mut data_key = Zeroizing::new([0u8; KEY_LENGTH]);
        self.entropy.fill(data_key.as_mut_slice())?;
        let sealed = self.seal_bytes(&aead_key(&data_key)?, &context, number.reveal().as_bytes())?;
        Ok(SealedCard { key_version: KEY_VERSION, data_key: self.seal_bytes(&self.key, &context, data_key.as_slice())?, number: sealed })
    }

    /// Opens a sealed number.
    ///
    /// # Errors
    /// It was sealed under another key, for another method or merchant, or was altered.
    pub fn open(&self, scope: Scope, method: Ulid, sealed: &SealedCard) -> Result<CardNumber, Error> {
        let digits = self.open_enveloped(sealed.key_version, &context(scope, method), (&sealed.data_key, &sealed.number))?;
        let digits = std::str::from_utf8(&digits).map_err(|_| failed())?;
        CardNumber::parse(digits).map_err(|_| failed())
    }

    /// Seals the secret of an object.
    ///
    /// # Errors
    /// No randomness, or the cipher failed.
    pub fn seal_secret(&self, of: SecretOf, secret: &str) -> Result<SealedSecret, Error> {
        let context = of.context();
        let mut data_key = Zeroizing::new([0u8; KEY_LENGTH]);
        self.entropy.fill(data_key.as_mut_slice())?;
        let sealed = self.seal_bytes(&aead_key(&data_key)?, &context, secret.as_bytes())?;
        Ok(SealedSecret { key_version: KEY_VERSION, data_key: self.seal_bytes(&self.key, &context, data_key.as_slice())?, secret: sealed })
    }

    /// Opens such a secret.
    ///
    /// # Errors
    /// It was sealed under another key, for another object or merchant, or was altered.
    pub fn open_secret(&self, of: SecretOf, sealed: &SealedSecret) -> Result<Zeroizing<String>, Error> {
        let bytes = self.open_enveloped(sealed.key_version, &of.context(), (&sealed.data_key, &sealed.secret))?;
        std::str::from_utf8(&bytes).map(|text| Zeroizing::new(text.to_owned())).map_err(|_| failed())
    }

    fn open_enveloped(&self, version: u32, context: &[u8], (data_key, sealed): (&str, &str)) -> Result<Zeroizing<Vec<u8>>, Error> {
        if version != KEY_VERSION {
            return Err(Error::Internal(format!("vault: no key of version {version}")));
        }
        let data_key = open_bytes(&self.key, context, data_key)?;
        let data_key: [u8; KEY_LENGTH] = data_key.as_slice().try_into().map_err(|_| failed())?;
        let data_key = Zeroizing::new(data_key);
        open_bytes(&aead_key(&data_key)?, context, sealed)
    }

    fn seal_bytes(&self, key: &LessSafeKey, context: &[u8], plain: &[u8]) -> Result<String, Error> {
        let mut nonce = [0u8; NONCE_LEN];
        self.entropy.fill(&mut nonce)?;
        let mut bytes = plain.to_vec();
        let sealed = key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), &mut bytes);
        if sealed.is_err() {
            bytes.zeroize();
            return Err(failed());
        }
        let mut text = hex::encode(nonce);
        text.push_str(&hex::encode(&bytes));
        Ok(text)
    }
}

fn open_bytes(key: &LessSafeKey, context: &[u8], sealed: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut bytes = Zeroizing::new(hex::decode(sealed).map_err(|_| failed())?);
    if bytes.len() < NONCE_LEN {
        return Err(failed());
    }
    let (nonce, sealed) = bytes.split_at_mut(NONCE_LEN);
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| failed())?;
    let plain = key.open_in_place(nonce, Aad::from(context), sealed).map_err(|_| failed())?;
    Ok(Zeroizing::new(plain.to_vec()))
}

fn aead_key(key: &[u8; KEY_LENGTH]) -> Result<LessSafeKey, Error> {
    UnboundKey::new(&AES_256_GCM, key).map(LessSafeKey::new).map_err(|_| failed())
}

fn context(scope: Scope, method: Ulid) -> Vec<u8> {
    format!("bursar card {} {} {method}", scope.account, scope.mode).into_bytes()
}

fn failed() -> Error {
    Error::Internal("vault: a card or secret could not be sealed or opened".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::AccountId;
    use domain::scope::Mode;

    struct Fixed;

    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), Error> {
            bytes.fill(7);
            Ok(())
        }
    }

    const SCOPE: Scope = Scope { account: AccountId::new(Ulid::from_bits(5)), mode: Mode::Test };
    const METHOD: Ulid = Ulid::from_bits(9);

    fn vault(key: u8) -> Vault {
        Vault::new(&[key; KEY_LENGTH], Arc::new(Fixed)).unwrap()
    }

    #[test]
    fn a_sealed_number_opens_for_its_method_only() {
        let number = CardNumber::parse("4242424242424242").unwrap();
        let sealed = vault(1).seal(SCOPE, METHOD, &number).unwrap();
        assert_eq!(vault(1).open(SCOPE, METHOD, &sealed).unwrap().reveal(), "4242424242424242");
        assert!(vault(1).open(SCOPE, Ulid::from_bits(10), &sealed).is_err());
        assert!(vault(1).open(Scope { mode: Mode::Live, ..SCOPE }, METHOD, &sealed).is_err());
        assert!(vault(2).open(SCOPE, METHOD, &sealed).is_err());
    }

    #[test]
    fn a_sealed_secret_opens_for_its_object_only_and_never_as_a_card() {
        let endpoint = |bits| SecretOf::WebhookEndpoint(SCOPE, WebhookEndpointId::new(Ulid::from_bits(bits)));
        let sealed = vault(1).seal_secret(endpoint(9), "whsec_1").unwrap();
        assert_eq!(vault(1).open_secret(endpoint(9), &sealed).unwrap().as_str(), "whsec_1");
        let token_key = SecretOf::TokenKey(TokenKeyId::new(METHOD));
        let factor = SecretOf::SecondFactor(UserId::new(METHOD));
        for other in [endpoint(10), token_key, factor] {
            assert!(vault(1).open_secret(other, &sealed).is_err());
        }
        assert!(vault(2).open_secret(endpoint(9), &sealed).is_err());
        let card = SealedCard { key_version: sealed.key_version, data_key: sealed.data_key, number: sealed.secret };
        assert!(vault(1).open(SCOPE, METHOD, &card).is_err());
    }

    #[test]
    fn an_altered_or_cut_record_opens_for_nobody() {
        let number = CardNumber::parse("4242424242424242").unwrap();
        let sealed = vault(1).seal(SCOPE, METHOD, &number).unwrap();
        let cut = SealedCard { number: sealed.number[..10].to_owned(), ..sealed.clone() };
        let altered = SealedCard { data_key: sealed.data_key.replace(&sealed.data_key[30..32], "zz"), ..sealed.clone() };
        let newer = SealedCard { key_version: 2, ..sealed };
        for bad in [cut, altered, newer] {
            assert!(vault(1).open(SCOPE, METHOD, &bad).is_err());
        }
    }
}
