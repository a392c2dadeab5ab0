//! `application/json` bodies: one object, read with the same bounds and the same refusal of repeated names as a form.
//!
//! Integers are exact up to 64 bits. Every other number is kept as [`Tree::OtherNumber`], which no parameter accepts,
//! so that none is ever rounded into an amount.

use std::fmt;

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};

use super::fault::Fault;
use super::tree::{Fields, MAX_DEPTH, MAX_FIELDS, MAX_LIST, Tree};
use super::{ParamError, ParamErrorKind};

/// Reads a JSON body.
///
/// # Errors
/// A body that is not one object, repeats a name, or goes beyond a bound.
pub fn parse_json(text: &[u8]) -> Result<Tree, ParamError> {
    let text = std::str::from_utf8(text).map_err(|_| ParamError::unreadable("The body is not valid UTF-8."))?;
    let mut state = State { budget: MAX_FIELDS, refused: None };
    let mut json = serde_json::Deserializer::from_str(text);
    let read = Node { state: &mut state, depth: 0 }.deserialize(&mut json).and_then(|tree| json.end().map(|()| tree));
    match (read, state.refused) {
        (Ok(tree @ Tree::Map(_)), None) => Ok(tree),
        (Ok(_), None) => Err(ParamError::unreadable("The body must be a JSON object.")),
        (_, Some(refused)) => Err(refused.into_error()),
        // Only the place: the parser's own words may quote the body.
        (Err(error), None) => {
            let (line, column) = (error.line(), error.column());
            Err(ParamError::unreadable(format!("The body is not valid JSON (line {line}, column {column}).")))
        }
    }
}

struct State {
    budget: usize,
    /// The parser carries errors of its own only; the one to answer with waits here and collects its path.
    refused: Option<Fault>,
}

impl State {
    fn refuse<E: Error>(&mut self, fault: Fault) -> E {
        self.refused = Some(fault);
        E::custom("refused")
    }

    fn invalid<E: Error>(&mut self, rule: impl Into<String>) -> E {
        self.refuse(Fault::with_rule(ParamErrorKind::Invalid, rule))
    }

    fn spend<E: Error>(&mut self) -> Result<(), E> {
        match self.budget.checked_sub(1) {
            Some(left) => {
                self.budget = left;
                Ok(())
            }
            None => Err(self.invalid(format!("a request may carry at most {MAX_FIELDS} parameters."))),
        }
    }

    fn inside<E>(&mut self, error: E, segment: &str) -> E {
        self.refused = self.refused.take().map(|fault| fault.inside(segment));
        error
    }
}

struct Node<'s> {
    state: &'s mut State,
    /// How many names lead here.
    depth: usize,
}

impl Node<'_> {
    fn deeper<E: Error>(&mut self) -> Result<usize, E> {
        if self.depth >= MAX_DEPTH {
            return Err(self.state.invalid(format!("names nest at most {MAX_DEPTH} deep.")));
        }
        Ok(self.depth.saturating_add(1))
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Tree;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Integer(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Integer(value.into()))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Tree, E> {
        Ok(Tree::OtherNumber)
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Tree, E> {
        if text.contains('\0') {
            return Err(self.state.invalid("text must not contain NUL characters."));
        }
        Ok(Tree::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<Tree, A::Error> {
        let depth = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = seq
            .next_element_seed(Node { state: &mut *self.state, depth })
            .map_err(|error| self.state.inside(error, &items.len().to_string()))?
        {
            self.state.spend()?;
            if items.len() >= MAX_LIST {
                let rule = format!("at most {MAX_LIST} elements long.");
                return Err(self.state.refuse(Fault::with_rule(ParamErrorKind::TooLong, rule)));
            }
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Tree, A::Error> {
        let depth = self.deeper()?;
        let mut fields = Fields::new();
        while let Some(name) = map.next_key::<String>()? {
            self.state.spend()?;
            if name.is_empty() || name.contains('\0') {
                return Err(self.state.invalid("a name must not be empty or contain NUL characters."));
            }
            if fields.contains_key(&name) {
                return Err(self.state.refuse(Fault::new(ParamErrorKind::Repeated).inside(name)));
            }
            let value = map.next_value_seed(Node { state: &mut *self.state, depth }).map_err(|error| self.state.inside(error, &name))?;
            fields.insert(name, value);
        }
        Ok(Tree::Map(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Tree, ParamError> {
        parse_json(text.as_bytes())
    }

    #[test]
    fn values_keep_their_kind() {
        let tree = parse(r#"{"a":1,"b":"1","c":true,"d":null,"e":[1],"f":{"g":-2}}"#).unwrap();
        assert_eq!(tree.get("a"), Some(&Tree::Integer(1)));
        assert_eq!(tree.get("b"), Some(&Tree::Text("1".to_owned())));
        assert_eq!(tree.get("e"), Some(&Tree::List(vec![Tree::Integer(1)])));
        assert_eq!(tree.get("f").and_then(|f| f.get("g")), Some(&Tree::Integer(-2)));
    }

    #[test]
    fn large_integers_are_exact_and_no_number_is_rounded() {
        let tree = parse(r#"{"a":9007199254740993,"b":18446744073709551615,"c":1.0,"d":1e2,"e":99999999999999999999}"#).unwrap();
        assert_eq!(tree.get("a"), Some(&Tree::Integer(9_007_199_254_740_993)));
        assert_eq!(tree.get("b"), Some(&Tree::Integer(u64::MAX.into())));
        for other in ["c", "d", "e"] {
            assert_eq!(tree.get(other), Some(&Tree::OtherNumber), "{other}");
        }
    }

    #[test]
    fn a_repeated_name_is_refused_with_its_path() {
        let error = parse(r#"{"card":{"owner":{"name":1,"name":2}}}"#).unwrap_err();
        assert_eq!((error.kind, error.param.as_deref()), (ParamErrorKind::Repeated, Some("card[owner][name]")));
    }

    #[test]
    fn anything_but_one_object_is_refused() {
        for body in ["", "[]", "1", "null", "\"a\"", "{}{}", "{} x", "{\"a\":}", "{\"\":1}", "{\"a\":\"\\u0000\"}", "{\"a\":\"\\ud800\"}"] {
            assert!(parse(body).is_err(), "{body}");
        }
        assert!(parse_json(b"{\"a\":\"\xff\"}").is_err());
    }

    #[test]
    fn every_bound_is_kept_at_its_edge() {
        let deep = |n: usize| format!("{}1{}", "{\"a\":".repeat(n), "}".repeat(n));
        assert!(parse(&deep(MAX_DEPTH)).is_ok());
        assert!(parse(&deep(MAX_DEPTH + 1)).is_err());
        assert!(parse(&deep(100_000)).is_err());
        let list = |n: usize| format!("{{\"a\":[{}]}}", vec!["1"; n].join(","));
        assert!(parse(&list(MAX_LIST)).is_ok());
        assert!(parse(&list(MAX_LIST + 1)).is_err());
        let fields = |n: usize| format!("{{{}}}", (0..n).map(|i| format!("\"f{i}\":1")).collect::<Vec<_>>().join(","));
        assert!(parse(&fields(MAX_FIELDS)).is_ok());
        assert!(parse(&fields(MAX_FIELDS + 1)).is_err());
    }
}
