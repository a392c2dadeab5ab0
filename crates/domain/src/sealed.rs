//! What is kept under encryption, as records hold it. Absent on purpose: keys, and how it is opened.

use serde::{Deserialize, Serialize};

/// A secret as the vault sealed it; the fields are hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedSecret {
    /// Which key-encryption key sealed the data key.
    pub key_version: u32,
    /// The data key: nonce, ciphertext, tag.
    pub data_key: String,
    /// The secret: nonce, ciphertext, tag.
    pub secret: String,
}
