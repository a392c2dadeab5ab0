//! What a buyer reads on their card statement: the merchant's descriptor, or its prefix and a payment's own suffix.
//!
//! The card networks' rules, as Stripe states them: 5 to 22 Latin characters in all, at least one letter in each
//! part, and none of `< > \ ' " *`.

/// The longest descriptor, its parts joined; card networks cut off what is longer.
pub const MAX_LENGTH: usize = 22;
/// The shortest descriptor that stands alone.
pub const MIN_LENGTH: usize = 5;
/// The longest prefix; the rest is for the suffix.
pub const MAX_PREFIX: usize = 10;
/// The shortest prefix.
pub const MIN_PREFIX: usize = 2;

/// Between prefix and suffix.
const JOINT: &str = "* ";
/// For a merchant whose name has nothing that a statement could show.
const NAMELESS: &str = "SHOP ORDER";

/// Which part of a statement's line a text is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// What the merchant's lines begin with.
    Prefix,
    /// What follows the prefix.
    Suffix,
}

/// Why a text cannot be on a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Too short or too long.
    #[error("must have {min} to {max} characters")]
    Length {
        /// The fewest characters.
        min: usize,
        /// The most characters.
        max: usize,
    },
    /// A character that statements do not show.
    #[error("must have Latin characters only, and none of < > \\ ' \" *")]
    Character,
    /// Digits or signs alone.
    #[error("must have at least one letter")]
    NoLetter,
}

/// Whether a text can be that part of a line.
///
/// # Errors
/// The rule it breaks.
pub fn check(part: Part, text: &str) -> Result<(), Refusal> {
    let (min, max) = match part {
        Part::Whole => (MIN_LENGTH, MAX_LENGTH),
        Part::Prefix => (MIN_PREFIX, MAX_PREFIX),
        Part::Suffix => (1, MAX_LENGTH),
    };
    if !(min..=max).contains(&text.chars().count()) {
        return Err(Refusal::Length { min, max });
    }
    if !text.chars().all(is_shown) {
        return Err(Refusal::Character);
    }
    if text.chars().any(char::is_alphabetic) { Ok(()) } else { Err(Refusal::NoLetter) }
}

/// The line of a merchant that set none: as much of its name as fits.
#[must_use]
pub fn of_name(name: &str) -> String {
    let shown: String = name.to_uppercase().chars().filter(|c| is_shown(*c)).collect();
    let line = cut(shown.trim(), MAX_LENGTH);
    if check(Part::Whole, &line).is_ok() { line } else { NAMELESS.to_owned() }
}

/// The prefix of a merchant that set none: as much of its line as fits.
#[must_use]
pub fn prefix_of(line: &str) -> String {
    cut(line, MAX_PREFIX)
}

/// Prefix and suffix joined; what does not fit is cut off at the end.
#[must_use]
pub fn join(prefix: &str, suffix: &str) -> String {
    cut(&format!("{prefix}{JOINT}{suffix}"), MAX_LENGTH)
}

fn cut(text: &str, max: usize) -> String {
    text.chars().take(max).collect::<String>().trim_end().to_owned()
}

/// Printable ASCII and the letters of Latin-1 and Latin Extended-A, save for what the networks reserve.
fn is_shown(c: char) -> bool {
    let latin = matches!(c, ' '..='~' | '\u{c0}'..='\u{17f}') && !matches!(c, '×' | '÷');
    latin && !matches!(c, '<' | '>' | '\\' | '\'' | '"' | '*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_part_has_its_length() {
        for (part, min, max) in [(Part::Whole, 5, 22), (Part::Prefix, 2, 10), (Part::Suffix, 1, 22)] {
            let refused = Err(Refusal::Length { min, max });
            assert_eq!(check(part, &"A".repeat(min - 1)), refused, "{part:?}");
            assert_eq!(check(part, &"É".repeat(max)), Ok(()), "{part:?}");
            assert_eq!(check(part, &"A".repeat(max + 1)), refused, "{part:?}");
        }
    }

    #[test]
    fn reserved_and_foreign_characters_and_bare_numbers_are_refused() {
        for bad in ["<", ">", "\\", "'", "\"", "*", "店", "\n", "×", "😀"] {
            assert_eq!(check(Part::Suffix, &format!("A{bad}")), Err(Refusal::Character), "{bad}");
        }
        assert_eq!(check(Part::Suffix, "17-42"), Err(Refusal::NoLetter));
    }

    #[test]
    fn a_merchants_name_becomes_its_line() {
        assert_eq!(of_name("Test shop"), "TEST SHOP");
        assert_eq!(of_name("Zoë's \"Flowers\" & more flowers"), "ZOËS FLOWERS & MORE FL");
        assert_eq!((of_name("店"), of_name("AB")), (NAMELESS.to_owned(), NAMELESS.to_owned()));
    }

    #[test]
    fn prefix_and_suffix_are_joined_within_the_limit() {
        assert_eq!(join("RUNCLUB", "09-22-19 10K"), "RUNCLUB* 09-22-19 10K");
        assert_eq!(join(&prefix_of("ZOES FLOWERS"), "A LONG SUFFIX"), "ZOES FLOWE* A LONG SUF");
    }

    proptest! {
        #[test]
        fn every_name_gives_a_line_and_prefix_that_pass(name: String) {
            let line = of_name(&name);
            prop_assert_eq!(check(Part::Whole, &line), Ok(()));
            prop_assert!(join(&prefix_of(&line), "SUFFIX").chars().count() <= MAX_LENGTH);
        }
    }
}
