//! Reads a [`Tree`] into a type, as leniently as Stripe does and no more.
//!
//! A form knows only text, so text becomes an integer or a boolean where one is asked for. The other way round
//! nothing is converted: a JSON number where text is asked for is refused. An empty text (or a JSON `null`) asks to
//! unset a parameter. Only an [`Update`](super::Update) can be unset; a metadata value becomes empty text; everything
//! else, optional or not, refuses it: were it taken for absent, an empty `amount` would refund all there is.
//!
//! Deliberately absent: enum variants that carry something, units, bytes, and floating point numbers.

use indexmap::map::Iter;
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};

use super::ParamError;
use super::ParamErrorKind as Kind;
use super::fault::Fault;
use super::tree::{Fields, MAX_TEXT, Tree};

/// The newtype that [`super::metadata`] reads values with: there an empty text means something.
pub(super) const EMPTY_IS_TEXT: &str = "bursar::params::EmptyIsText";
/// The newtype that [`super::update`] reads with: there an empty text unsets.
pub(super) const EMPTY_UNSETS: &str = "bursar::params::EmptyUnsets";

/// The shortest value that a type's own words are searched for: as long as a card's security code.
const SHORTEST_SECRET: usize = 3;

/// Reads the parameters of a request into the type of an operation.
///
/// # Errors
/// The first parameter that is not what the type asks for; of unknown ones all beside each other.
pub fn from_tree<T: DeserializeOwned>(tree: &Tree) -> Result<T, ParamError> {
    T::deserialize(Node::of(tree)).map_err(|fault| silenced(fault, tree).into_error())
}

/// A type describes what it refuses in its own words. Should they quote a value, they are dropped.
fn silenced(fault: Fault, root: &Tree) -> Fault {
    let mut culprit = root;
    for segment in fault.path() {
        match culprit.get(segment) {
            Some(next) => culprit = next,
            None => break,
        }
    }
    if culprit.is_quoted_in(fault.rule(), SHORTEST_SECRET) { fault.without_rule() } else { fault }
}

/// What is wrong with a text that holds control characters.
const NO_CONTROLS: &str = "must have no control characters besides tabs and line breaks.";

/// Whether a text holds characters that nobody writes: no page or printer shows them, and JSON takes six bytes for one.
fn has_controls(text: &str) -> bool {
    text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
}

/// What an empty text or a `null` stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Empty {
    /// Nothing that could be meant.
    Refused,
    /// No value.
    Unsets,
    /// The text without characters.
    Text,
}

#[derive(Clone, Copy)]
struct Node<'t> {
    tree: &'t Tree,
    empty: Empty,
}

impl<'t> Node<'t> {
    const fn of(tree: &'t Tree) -> Self {
        Self { tree, empty: Empty::Refused }
    }

    fn text(self) -> Result<&'t str, Fault> {
        match self.tree {
            _ if self.is_empty() => match self.empty {
                Empty::Text => Ok(""),
                Empty::Refused | Empty::Unsets => Err(Fault::new(Kind::Empty)),
            },
            // Bytes are counted first: they are at least as many as characters.
            Tree::Text(text) if text.len() > MAX_TEXT && text.chars().count() > MAX_TEXT => {
                Err(Fault::with_rule(Kind::TooLong, format!("at most {MAX_TEXT} characters long.")))
            }
            Tree::Text(text) if has_controls(text) => Err(Fault::with_rule(Kind::Invalid, NO_CONTROLS)),
            Tree::Text(text) => Ok(text),
            _ => Err(Fault::new(Kind::InvalidString)),
        }
    }

    fn is_empty(self) -> bool {
        match self.tree {
            Tree::Text(text) => text.is_empty(),
            tree => *tree == Tree::Null,
        }
    }

    /// Refuses what is empty; otherwise `other` is what is wrong.
    fn wrong(self, other: Kind) -> Fault {
        Fault::new(if self.is_empty() { Kind::Empty } else { other })
    }

    fn integer(self) -> Result<i128, Fault> {
        match self.tree {
            _ if self.is_empty() => Err(Fault::new(Kind::Empty)),
            Tree::Text(text) if text.starts_with('+') => Err(Fault::new(Kind::InvalidInteger)),
            Tree::Text(text) => text.parse().map_err(|_| Fault::new(Kind::InvalidInteger)),
            Tree::Integer(number) => Ok(*number),
            _ => Err(Fault::new(Kind::InvalidInteger)),
        }
    }
}

macro_rules! integers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            let number = self.integer()?;
            let read = match (i64::try_from(number), u64::try_from(number)) {
                (Ok(signed), _) => visitor.visit_i64(signed),
                (Err(_), Ok(unsigned)) => visitor.visit_u64(unsigned),
                (Err(_), Err(_)) => return Err(Fault::new(Kind::InvalidInteger)),
            };
            read.map_err(|fault: Fault| fault.or(Kind::InvalidInteger))
        }
    )*};
}

macro_rules! texts {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            visitor.visit_str(self.text()?).map_err(|fault: Fault| fault.or(Kind::InvalidString))
        }
    )*};
}

macro_rules! refused {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Fault> {
            Err(Fault::new(Kind::Invalid))
        }
    )*};
}

impl<'de> Deserializer<'de> for Node<'_> {
    type Error = Fault;

    integers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
    }

    texts! { deserialize_str deserialize_string deserialize_char deserialize_identifier }

    refused! { deserialize_f32 deserialize_f64 deserialize_bytes deserialize_byte_buf deserialize_unit }

    /// For types that take more than one shape, and look at it themselves.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.tree {
            Tree::Text(_) => self.deserialize_str(visitor),
            Tree::Integer(_) => self.deserialize_i64(visitor),
            Tree::OtherNumber => Err(Fault::new(Kind::InvalidInteger)),
            Tree::Bool(value) => visitor.visit_bool(*value),
            Tree::Null => Err(Fault::new(Kind::Empty)),
            Tree::List(_) => self.deserialize_seq(visitor),
            Tree::Map(_) => self.deserialize_map(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let value = match self.tree {
            Tree::Bool(value) => *value,
            Tree::Text(text) => match text.as_str() {
                "true" => true,
                "false" => false,
                _ => return Err(self.wrong(Kind::InvalidBoolean)),
            },
            _ => return Err(self.wrong(Kind::InvalidBoolean)),
        };
        visitor.visit_bool(value).map_err(|fault: Fault| fault.or(Kind::InvalidBoolean))
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.empty {
            Empty::Unsets if self.is_empty() => visitor.visit_none(),
            Empty::Refused if self.is_empty() => Err(Fault::new(Kind::Empty)),
            // An empty text within what could be unset can not be unset itself.
            Empty::Refused | Empty::Unsets => visitor.visit_some(Self::of(self.tree)),
            Empty::Text => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Fault> {
        let empty = match name {
            EMPTY_IS_TEXT => Empty::Text,
            EMPTY_UNSETS => Empty::Unsets,
            _ => self.empty,
        };
        visitor.visit_newtype_struct(Node { empty, ..self })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let items = self.tree.items().ok_or_else(|| self.wrong(Kind::InvalidArray))?;
        visitor.visit_seq(Items { items: items.into_iter(), index: 0 }).map_err(|fault: Fault| fault.or(Kind::InvalidArray))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(self, _: &'static str, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let Tree::Map(fields) = self.tree else { return Err(self.wrong(Kind::InvalidHash)) };
        visitor.visit_map(Entries::of(fields)).map_err(|fault: Fault| fault.or(Kind::InvalidHash))
    }

    fn deserialize_struct<V: Visitor<'de>>(self, _: &'static str, known: &'static [&'static str], visitor: V) -> Result<V::Value, Fault> {
        let Tree::Map(fields) = self.tree else { return Err(self.wrong(Kind::InvalidHash)) };
        let unknown: Vec<String> = fields.keys().filter(|name| !known.contains(&name.as_str())).cloned().collect();
        if !unknown.is_empty() {
            return Err(Fault::unknown(unknown));
        }
        visitor.visit_map(Entries::of(fields)).map_err(|fault: Fault| fault.or(Kind::InvalidHash))
    }

    fn deserialize_enum<V: Visitor<'de>>(self, _: &'static str, _: &'static [&'static str], visitor: V) -> Result<V::Value, Fault> {
        let word: StrDeserializer<'_, Fault> = self.text()?.into_deserializer();
        visitor.visit_enum(word).map_err(|fault: Fault| fault.or(Kind::InvalidString))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }
}

struct Items<'t> {
    items: std::vec::IntoIter<&'t Tree>,
    index: usize,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        let Some(tree) = self.items.next() else { return Ok(None) };
        let index = self.index;
        self.index = index.saturating_add(1);
        seed.deserialize(Node::of(tree)).map(Some).map_err(|fault| fault.inside(index.to_string()))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Entries<'t> {
    fields: Iter<'t, String, Tree>,
    value: Option<(&'t String, &'t Tree)>,
}

impl<'t> Entries<'t> {
    fn of(fields: &'t Fields) -> Self {
        Self { fields: fields.iter(), value: None }
    }
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        self.value = self.fields.next();
        let Some((name, _)) = self.value else { return Ok(None) };
        if has_controls(name) {
            return Err(Fault::with_rule(Kind::Invalid, format!("its names {NO_CONTROLS}")));
        }
        let key: StrDeserializer<'_, Fault> = name.as_str().into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        let (name, tree) = self.value.take().ok_or_else(|| Fault::new(Kind::Invalid))?;
        seed.deserialize(Node::of(tree)).map_err(|fault| fault.inside(name.as_str()))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.fields.len())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{parse_form, parse_json};
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "snake_case")]
    enum Method {
        Automatic,
        Manual,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Card {
        number: String,
        exp_month: u8,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Request {
        amount: i64,
        confirm: Option<bool>,
        capture_method: Option<Method>,
        description: Option<String>,
        card: Option<Card>,
        #[serde(default)]
        types: Vec<String>,
    }

    fn form(text: &str) -> Result<Request, ParamError> {
        from_tree(&parse_form(text.as_bytes())?)
    }

    fn json(text: &str) -> Result<Request, ParamError> {
        from_tree(&parse_json(text.as_bytes())?)
    }

    #[track_caller]
    fn refused(body: &str, kind: &Kind, param: &str) {
        let result = if body.starts_with('{') { json(body) } else { form(body) };
        let error = result.unwrap_err();
        assert_eq!((&error.kind, error.param.as_deref()), (kind, Some(param)), "{body}: {error}");
        assert!(error.message.contains(param), "{error}");
    }

    #[test]
    fn form_text_becomes_what_is_asked_for() {
        let read = form("amount=-100&confirm=true&capture_method=manual&card[number]=42&card[exp_month]=012&types[]=a&types[]=b").unwrap();
        assert_eq!(read.amount, -100);
        assert_eq!(read.confirm, Some(true));
        assert_eq!(read.capture_method, Some(Method::Manual));
        assert_eq!(read.card, Some(Card { number: "42".to_owned(), exp_month: 12 }));
        assert_eq!(read.types, ["a", "b"]);
        assert_eq!(form("amount=1&types[1]=b&types[0]=a").unwrap().types, ["a", "b"]);
    }

    #[test]
    fn json_and_form_read_the_same() {
        let sent = r#"{"amount":1,"confirm":true,"card":{"number":"42","exp_month":12},"types":["a"]}"#;
        assert_eq!(json(sent).unwrap(), form("amount=1&confirm=true&card[number]=42&card[exp_month]=12&types[0]=a").unwrap());
        assert_eq!(json(r#"{"amount":"1","confirm":"false"}"#).unwrap().confirm, Some(false));
    }

    #[test]
    fn a_text_has_a_limit_in_characters() {
        let sent = |length: usize| form(&format!("amount=1&description={}", "é".repeat(length)));
        assert!(sent(MAX_TEXT).is_ok());
        let error = sent(MAX_TEXT + 1).unwrap_err();
        assert_eq!((error.kind, error.param.as_deref()), (Kind::TooLong, Some("description")));
    }

    #[test]
    fn control_characters_are_refused_and_line_breaks_are_not() {
        assert_eq!(form("amount=1&description=a%0D%0A%09b").unwrap().description.as_deref(), Some("a\r\n\tb"));
        for control in ["%00", "%01", "%0B", "%1B", "%7F", "%C2%85"] {
            refused(&format!("amount=1&description=a{control}"), &Kind::Invalid, "description");
            refused(&format!("amount=1&card[number]={control}&card[exp_month]=1"), &Kind::Invalid, "card[number]");
            refused(&format!("amount=1&types[0]={control}"), &Kind::Invalid, "types[0]");
        }
        refused(r#"{"amount":1,"description":"\u0000"}"#, &Kind::Invalid, "description");
    }

    #[test]
    fn an_optional_parameter_is_left_out_by_leaving_it_out_and_never_by_an_empty_value() {
        for name in ["confirm", "capture_method", "description", "card", "types"] {
            refused(&format!("amount=1&{name}="), &Kind::Empty, name);
            refused(&format!("{{\"amount\":1,\"{name}\":null}}"), &Kind::Empty, name);
        }
    }

    #[test]
    fn empty_is_refused_where_a_value_is_needed() {
        refused("amount=", &Kind::Empty, "amount");
        refused("{\"amount\":null}", &Kind::Empty, "amount");
        refused("", &Kind::Missing, "amount");
        refused("amount=1&card[number]=&card[exp_month]=1", &Kind::Empty, "card[number]");
        refused("amount=1&types[]=", &Kind::Empty, "types[0]");
    }

    #[test]
    fn integers_are_exact_or_refused() {
        assert_eq!(form("amount=9223372036854775807").unwrap().amount, i64::MAX);
        for wrong in
            ["9223372036854775808", "1.0", "1e3", "0x10", "%2B1", "+1", "1+", "1_000", "x", "99999999999999999999999999999999999999999"]
        {
            refused(&format!("amount={wrong}"), &Kind::InvalidInteger, "amount");
        }
        for wrong in ["9223372036854775808", "1.0", "1e3", "true", "[1]", "{}"] {
            refused(&format!("{{\"amount\":{wrong}}}"), &Kind::InvalidInteger, "amount");
        }
        refused("amount=1&card[number]=1&card[exp_month]=256", &Kind::InvalidInteger, "card[exp_month]");
    }

    #[test]
    fn every_wrong_shape_is_named_with_its_path() {
        refused("amount=1&confirm=yes", &Kind::InvalidBoolean, "confirm");
        refused("{\"amount\":1,\"description\":5}", &Kind::InvalidString, "description");
        refused("amount=1&description[a]=b", &Kind::InvalidString, "description");
        refused("amount=1&card=x", &Kind::InvalidHash, "card");
        refused("amount=1&types=x", &Kind::InvalidArray, "types");
        refused("amount=1&types[1]=x", &Kind::InvalidArray, "types");
        refused("{\"amount\":1,\"types\":[\"a\",{}]}", &Kind::InvalidString, "types[1]");
        refused("amount=1&capture_method=later", &Kind::InvalidEnum { allowed: &["automatic", "manual"] }, "capture_method");
    }

    #[test]
    fn missing_and_unknown_parameters_are_named_with_their_path() {
        refused("confirm=true", &Kind::Missing, "amount");
        refused("amount=1&card[number]=1", &Kind::Missing, "card[exp_month]");
        refused("amount=1&card[numbr]=1", &Kind::Unknown, "card[numbr]");
        let error = form("foo=1&amount=1&bar[x]=2").unwrap_err();
        assert_eq!(error.message, "Received unknown parameters: foo, bar");
    }

    #[derive(Debug)]
    struct Talkative;

    impl<'de> Deserialize<'de> for Talkative {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let text = String::deserialize(deserializer)?;
            Err(serde::de::Error::custom(format!("must be short, not {text}")))
        }
    }

    #[test]
    fn a_type_that_quotes_the_value_it_refuses_is_silenced() {
        #[derive(Debug, Deserialize)]
        struct Quoting {
            #[serde(rename = "field")]
            _field: Talkative,
        }
        let error = from_tree::<Quoting>(&parse_form(b"field=314").unwrap()).unwrap_err();
        assert_eq!(error.message, "Invalid field.");
        let error = from_tree::<Quoting>(&parse_form(b"field=x").unwrap()).unwrap_err();
        assert_eq!(error.message, "Invalid field: must be short, not x");
    }
}
