//! What can be a password: long enough, and nothing else is asked of it (NIST SP 800-63B §5.1.1.2).
//!
//! Absent on purpose: rules of composition, and an age, which make people choose worse ones.

/// The fewest characters: four more than the least that NIST asks for, since the first factor is often the only one.
pub const MIN_LENGTH: usize = 12;
/// The most characters: a sentence fits, and hashing one costs no more than hashing another.
pub const MAX_LENGTH: usize = 128;

/// Why a text cannot be somebody's password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It is too short.
    #[error("A password has at least {MIN_LENGTH} characters.")]
    TooShort,
    /// It is too long.
    #[error("A password has at most {MAX_LENGTH} characters.")]
    TooLong,
    /// Whoever knows the person knows it.
    #[error("A password is not one's own e-mail address.")]
    Address,
}

/// Whether a text can be the password of somebody with that address.
///
/// # Errors
/// Why not.
pub fn check(text: &str, email: &str) -> Result<(), Unfit> {
    match text.chars().count() {
        ..MIN_LENGTH => Err(Unfit::TooShort),
        MIN_LENGTH..=MAX_LENGTH if text.eq_ignore_ascii_case(email) => Err(Unfit::Address),
        MIN_LENGTH..=MAX_LENGTH => Ok(()),
        _ => Err(Unfit::TooLong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_has_a_length_and_is_not_ones_address_and_may_be_anything_else() {
        let of = |length: usize| "ü".repeat(length);
        let email = "ada@corner-shop.example";
        for good in ["correct horse battery staple", "aaaaaaaaaaaa", "            ", &of(12), &of(128)] {
            assert_eq!(check(good, email), Ok(()), "{good}");
        }
        assert_eq!((check("", email), check(&of(11), email)), (Err(Unfit::TooShort), Err(Unfit::TooShort)));
        assert_eq!((check(&of(129), email), check("Ada@Corner-Shop.example", email)), (Err(Unfit::TooLong), Err(Unfit::Address)));
    }
}
