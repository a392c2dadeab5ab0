//! Hashing passwords, and comparing them with hashes: deliberately slow work, done beside the server's own and a few at a time.
//!
//! Whoever has no hash is compared with none, which takes as long. Absent on purpose: which texts can be passwords, which `domain`
//! says.

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use domain::user::PasswordHash;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::error::Error;

/// Memory of one hash in KiB, passes over it, and lanes: what OWASP's Password Storage Cheat Sheet gives as the least for Argon2id,
/// with one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Bytes of a salt (RFC 9106 §3.1 recommends 16).
pub(crate) const SALT_BYTES: usize = 16;
/// Hashes at once: some 40 MB of memory, and no more of a machine's processors than these, so that a flood of guesses stands in no
/// payment's way.
const AT_ONCE: usize = 2;
/// Hashes at once and those that wait for them: about a second's worth. One more is refused, so that guessers fill no memory.
const IN_ALL: usize = 64;

/// Hashes passwords.
pub(crate) struct Passwords {
    in_all: Semaphore,
    at_once: Semaphore,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { in_all: Semaphore::new(IN_ALL), at_once: Semaphore::new(AT_ONCE) }
    }
}

impl Passwords {
    /// The hash of a password.
    ///
    /// # Errors
    /// There is no room for one more.
    pub(crate) async fn hash(&self, password: &Zeroizing<String>, salt: [u8; SALT_BYTES]) -> Result<PasswordHash, Error> {
        let password = password.clone();
        self.beside(move || hash(&password, &salt)).await?.map(|hash| PasswordHash(hash.to_string()))
    }

    /// Whether that is the password of the hash.
    ///
    /// # Errors
    /// There is no room for one more.
    pub(crate) async fn matches(&self, password: &Zeroizing<String>, hashed: Option<PasswordHash>) -> Result<bool, Error> {
        let password = password.clone();
        self.beside(move || match hashed {
            Some(PasswordHash(text)) => {
                let parsed = phc::PasswordHash::new(&text).map_err(defect)?;
                Ok(hasher()?.verify_password(password.as_bytes(), &parsed).is_ok())
            }
            None => hash(&password, &[0; SALT_BYTES]).map(|_| false),
        })
        .await?
    }

    async fn beside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let _place = self.in_all.try_acquire().map_err(|_| Error::Crowded)?;
        let _turn = self.at_once.acquire().await.map_err(|_| Error::Crowded)?;
        tokio::task::spawn_blocking(work).await.map_err(|error| Error::Internal(error.to_string()))
    }
}

fn hasher() -> Result<Argon2<'static>, Error> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(defect)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &str, salt: &[u8]) -> Result<phc::PasswordHash, Error> {
    hasher()?.hash_password_with_salt(password.as_bytes(), salt).map_err(defect)
}

fn defect(error: impl std::fmt::Display) -> Error {
    Error::Internal(format!("a password could not be hashed: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Zeroizing<String> {
        Zeroizing::new(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_matches_its_hash_and_no_other_and_nothing_matches_none() {
        let passwords = Passwords::default();
        let hash = passwords.hash(&text("correct horse"), [7; SALT_BYTES]).await.unwrap();
        assert!(hash.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.0);
        assert!(passwords.matches(&text("correct horse"), Some(hash.clone())).await.unwrap());
        assert!(!passwords.matches(&text("correct horsf"), Some(hash)).await.unwrap());
        assert!(!passwords.matches(&text("correct horse"), None).await.unwrap());
        assert!(matches!(passwords.matches(&text(""), Some(PasswordHash("x".to_owned()))).await, Err(Error::Internal(_))));
    }

    #[tokio::test]
    async fn one_too_many_is_refused_and_the_others_are_not() {
        let passwords = Passwords::default();
        let places = passwords.in_all.try_acquire_many(u32::try_from(IN_ALL).unwrap()).unwrap();
        assert!(matches!(passwords.matches(&text("x"), None).await, Err(Error::Crowded)));
        drop(places);
        assert!(!passwords.matches(&text("x"), None).await.unwrap());
    }
}
