//! Parameter names as errors and logs may show them.
//!
//! A name comes from the client as much as a value does: a body sent under the wrong content type is one long name.
//! So a name is shown only after everything that could be a secret is taken out of it.

/// The shortest card number has 12 digits; no parameter's name has so many.
const DIGITS_OF_A_CARD: usize = 12;
/// How many characters of a name are shown: more than the longest parameter of the API has.
const MAX_SHOWN: usize = 120;
/// Stands for a name that is no name at all.
const UNREADABLE: &str = "(unreadable name)";

/// The name without digits that could be a card number's, cut to a bearable length.
pub(super) fn shown(name: &str) -> String {
    // A parameter's own name has letters; `314` alone is a value that lost its name.
    let head = name.split('[').next().unwrap_or_default();
    if !head.chars().any(char::is_alphabetic) || !name.chars().all(is_of_a_name) {
        return UNREADABLE.to_owned();
    }
    masked(name)
}

/// `["card", "exp_month"]` as `card[exp_month]`, fit to be shown; nothing for the request itself.
pub(super) fn path(segments: &[String]) -> Option<String> {
    let (first, rest) = segments.split_first()?;
    let mut whole = shown(first);
    for segment in rest {
        whole.push('[');
        whole.push_str(if segment.chars().all(is_of_a_name) { segment } else { UNREADABLE });
        whole.push(']');
    }
    Some(masked(&whole))
}

/// Anything else (quotes, colons, spaces) says that this is not a name but some other document.
fn is_of_a_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '[' | ']')
}

fn masked(name: &str) -> String {
    let secret = name.chars().filter(|c| c.is_numeric()).count() >= DIGITS_OF_A_CARD;
    let starred = |c: char| if secret && c.is_numeric() { '*' } else { c };
    let mut masked: String = name.chars().take(MAX_SHOWN).map(starred).collect();
    if name.chars().nth(MAX_SHOWN).is_some() {
        masked.push('…');
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_written_with_brackets() {
        let segments = |s: &[&str]| s.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        assert_eq!(path(&segments(&["card", "exp_month"])).as_deref(), Some("card[exp_month]"));
        assert_eq!(path(&segments(&["expand", "0"])).as_deref(), Some("expand[0]"));
        assert_eq!(path(&[]), None);
    }

    #[test]
    fn card_numbers_in_names_are_starred_however_they_are_separated() {
        for secret in ["4242424242424242", "4242 4242 4242 4242", "4242-4242-4242", "4242x4242y42424", "4242[4242][4242]", "٤٢٤٢٤٢٤٢٤٢٤٢٤٢"]
        {
            let shown = shown(secret);
            assert!(!shown.chars().any(char::is_numeric), "{shown}");
        }
        assert_eq!(shown("line_items[10][price_data]"), "line_items[10][price_data]");
    }

    #[test]
    fn a_document_in_place_of_a_name_is_not_shown() {
        assert_eq!(shown("{\"cvc\":\"314\"}"), UNREADABLE);
        for document in ["<cvc>314</cvc>", "cvc: 314", "cvc=314", "cvc,314", "314", "3[14]", "", "\u{7}"] {
            assert_eq!(shown(document), UNREADABLE, "{document}");
        }
    }

    #[test]
    fn a_strange_key_does_not_hide_the_parameter_it_is_in() {
        let segments = ["metadata", "order id"].map(str::to_owned);
        assert_eq!(path(&segments).as_deref(), Some("metadata[(unreadable name)]"));
    }

    #[test]
    fn long_names_are_cut() {
        assert_eq!(shown(&"a".repeat(500)).chars().count(), MAX_SHOWN + 1);
    }
}
