//! `application/x-www-form-urlencoded`, with names that nest by brackets: `card[exp_month]=12`, `expand[]=customer`,
//! `items[0][price]=5`. Query strings are the same language.
//!
//! Decoding is stricter than a browser's: a broken `%` sequence or bytes that are not UTF-8 are refused, where the
//! usual decoders put something else in their place. A payment must not be made from a guess.
//!
//! Deliberately absent: `a[][b]=1`. Whether a second `a[][c]` begins a new element is a matter of taste;
//! `a[0][b]=1` says it.

use indexmap::map::Entry;

use super::name;
use super::tree::{Fields, MAX_DEPTH, MAX_FIELDS, MAX_LIST, Tree};
use super::{ParamError, ParamErrorKind};

/// Reads a form body or a query string.
///
/// # Errors
/// Anything that could be read in more than one way or goes beyond a bound; the parameter is named.
pub fn parse_form(text: &[u8]) -> Result<Tree, ParamError> {
    let mut root = Fields::new();
    let mut budget = MAX_FIELDS;
    for pair in text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        let (name, value) = match pair.iter().position(|byte| *byte == b'=') {
            Some(at) => (pair.get(..at).unwrap_or_default(), pair.get(at.saturating_add(1)..).unwrap_or_default()),
            None => (pair, &[][..]),
        };
        let name = decode(name)
            .ok_or_else(|| ParamError::unreadable("A parameter's name is not valid: check its percent-encoding and that it is UTF-8."))?;
        let value = decode(value).ok_or_else(|| {
            let rule = "its percent-encoding must be right, and it must be UTF-8 without NUL characters.";
            ParamError::about(ParamErrorKind::Invalid, Some(name::shown(&name)), rule)
        })?;
        insert(&mut root, &name, value, &mut budget)?;
    }
    Ok(Tree::Map(root))
}

fn decode(text: &[u8]) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = hex_digit(*rest.next()?)?;
                let low = hex_digit(*rest.next()?)?;
                high << 4 | low
            }
            other => *other,
        });
    }
    String::from_utf8(decoded).ok().filter(|text| !text.contains('\0'))
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// `a[b][]` as its head and what follows it; an empty segment is `[]`.
fn segments(name: &str) -> Result<(&str, Vec<&str>), ParamError> {
    let malformed = || {
        let rule = "write a name as name, name[key], name[0] or name[].";
        ParamError::about(ParamErrorKind::Invalid, Some(name::shown(name)), rule)
    };
    let (head, mut rest) = name.split_at(name.find('[').unwrap_or(name.len()));
    if head.is_empty() || head.contains(']') {
        return Err(malformed());
    }
    let mut inner = Vec::new();
    while !rest.is_empty() {
        let (segment, after) = rest.strip_prefix('[').and_then(|r| r.split_once(']')).ok_or_else(malformed)?;
        // `[]` last only: in the middle it would not say which element is meant.
        if segment.contains('[') || (segment.is_empty() && !after.is_empty()) {
            return Err(malformed());
        }
        inner.push(segment);
        if inner.len() >= MAX_DEPTH {
            let rule = format!("names nest at most {MAX_DEPTH} deep.");
            return Err(ParamError::about(ParamErrorKind::Invalid, Some(name::shown(name)), &rule));
        }
        rest = after;
    }
    Ok((head, inner))
}

fn insert(root: &mut Fields, name: &str, value: String, budget: &mut usize) -> Result<(), ParamError> {
    let repeated = || ParamError::of_kind(ParamErrorKind::Repeated, name);
    let (head, inner) = segments(name)?;
    let mut fields = root;
    let mut key = head;
    for next in inner {
        let slot = match fields.entry(key.to_owned()) {
            Entry::Occupied(slot) => slot.into_mut(),
            Entry::Vacant(slot) => {
                spend(budget)?;
                slot.insert(if next.is_empty() { Tree::List(Vec::new()) } else { Tree::empty() })
            }
        };
        match slot {
            Tree::List(items) if next.is_empty() => {
                spend(budget)?;
                if items.len() >= MAX_LIST {
                    let rule = format!("at most {MAX_LIST} elements long.");
                    return Err(ParamError::about(ParamErrorKind::TooLong, Some(name::shown(name)), &rule));
                }
                items.push(Tree::Text(value));
                return Ok(());
            }
            Tree::Map(inside) if !next.is_empty() => fields = inside,
            _ => return Err(repeated()),
        }
        key = next;
    }
    spend(budget)?;
    match fields.entry(key.to_owned()) {
        Entry::Occupied(_) => Err(repeated()),
        Entry::Vacant(slot) => {
            slot.insert(Tree::Text(value));
            Ok(())
        }
    }
}

fn spend(budget: &mut usize) -> Result<(), ParamError> {
    *budget = budget.checked_sub(1).ok_or_else(too_many)?;
    Ok(())
}

pub(super) fn too_many() -> ParamError {
    ParamError::unreadable(format!("A request may carry at most {MAX_FIELDS} parameters."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Tree, ParamError> {
        parse_form(text.as_bytes())
    }

    fn text(text: &str) -> Tree {
        Tree::Text(text.to_owned())
    }

    #[test]
    fn brackets_nest() {
        let tree = parse("amount=100&card[exp_month]=12&card[owner][name]=Zo%C3%AB+B&types[]=a&types[]=b&items[0][price]=5").unwrap();
        assert_eq!(tree.get("amount"), Some(&text("100")));
        assert_eq!(tree.get("card").and_then(|c| c.get("exp_month")), Some(&text("12")));
        assert_eq!(tree.get("card").and_then(|c| c.get("owner")).and_then(|o| o.get("name")), Some(&text("Zoë B")));
        assert_eq!(tree.get("types"), Some(&Tree::List(vec![text("a"), text("b")])));
        assert_eq!(tree.get("items").and_then(|i| i.get("0")).and_then(|i| i.get("price")), Some(&text("5")));
    }

    #[test]
    fn encoded_brackets_are_brackets() {
        assert_eq!(parse("a%5Bb%5D=1").unwrap(), parse("a[b]=1").unwrap());
    }

    #[test]
    fn empty_pairs_are_skipped_and_a_name_alone_is_empty() {
        let tree = parse("&a=1&&b&").unwrap();
        assert_eq!(tree.get("b"), Some(&text("")));
        assert!(parse("").unwrap().is_empty());
    }

    #[test]
    fn a_parameter_given_twice_is_refused_by_name() {
        for (body, param) in [("amount=1&amount=2", "amount"), ("a[b]=1&a[b]=1", "a[b]"), ("a[0]=1&a[0]=2", "a[0]")] {
            let error = parse(body).unwrap_err();
            assert_eq!((error.kind, error.param.as_deref()), (ParamErrorKind::Repeated, Some(param)), "{body}");
        }
    }

    #[test]
    fn a_parameter_of_two_shapes_is_refused() {
        for body in ["a=1&a[b]=2", "a[b]=2&a=1", "a[]=1&a[0]=2", "a[0]=2&a[]=1", "a[]=1&a=1", "a[b]=1&a[b][c]=2"] {
            assert_eq!(parse(body).unwrap_err().kind, ParamErrorKind::Repeated, "{body}");
        }
    }

    #[test]
    fn malformed_names_and_encodings_are_refused() {
        for body in ["=1", "[a]=1", "a[b=1", "a]=1", "a[b]c=1", "a[[b]]=1", "a[][b]=1", "a=%", "a=%4", "a=%zz", "a=%ff", "%ff=1", "a=%00"] {
            assert!(parse(body).is_err(), "{body}");
        }
    }

    #[test]
    fn every_bound_is_kept_at_its_edge() {
        let fields = |n: usize| (0..n).map(|i| format!("f{i}=1")).collect::<Vec<_>>().join("&");
        assert!(parse(&fields(MAX_FIELDS)).is_ok());
        assert!(parse(&fields(MAX_FIELDS + 1)).is_err());
        let list = |n: usize| vec!["a[]=1"; n].join("&");
        assert!(parse(&list(MAX_LIST)).is_ok());
        assert_eq!(parse(&list(MAX_LIST + 1)).unwrap_err().kind, ParamErrorKind::TooLong);
        let deep = |n: usize| format!("a{}=1", "[b]".repeat(n - 1));
        assert!(parse(&deep(MAX_DEPTH)).is_ok());
        assert!(parse(&deep(MAX_DEPTH + 1)).is_err());
    }
}
