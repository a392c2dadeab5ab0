//! Parameters survive the wire: what a client encodes is what the server reads, and no bytes make it panic.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

use bursar::params::{
    ExpandParam, Fields, MetadataParam, ParamError, RangeParam, Text, Tree, Update, from_tree, parse_form, parse_json, read,
};
use http::Method;
use proptest::prelude::*;
use serde::Deserialize;

const FORM: Option<&[u8]> = Some(b"application/x-www-form-urlencoded");
const JSON: Option<&[u8]> = Some(b"application/json");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only whether it can be read matters")]
struct Everything {
    amount: Option<i64>,
    small: Option<u8>,
    confirm: Option<bool>,
    created: Option<RangeParam>,
    note: Option<Text<5>>,
    #[serde(default)]
    expand: ExpandParam,
    #[serde(default)]
    metadata: MetadataParam,
    #[serde(default)]
    name: Update<String>,
    #[serde(default)]
    limits: Vec<u32>,
}

fn form_of(tree: &Tree) -> String {
    fn pairs(name: &str, tree: &Tree, out: &mut Vec<String>) {
        let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        match tree {
            Tree::Text(text) => out.push(format!("{}={}", encode(name), encode(text))),
            Tree::List(items) => items.iter().for_each(|item| pairs(&format!("{name}[]"), item, out)),
            Tree::Map(fields) => {
                for (key, value) in fields {
                    let name = if name.is_empty() { key.clone() } else { format!("{name}[{key}]") };
                    pairs(&name, value, out);
                }
            }
            other => panic!("a form has no {other:?}"),
        }
    }
    let mut out = Vec::new();
    pairs("", tree, &mut out);
    out.join("&")
}

fn json_of(tree: &Tree) -> serde_json::Value {
    match tree {
        Tree::Text(text) => text.clone().into(),
        Tree::Integer(number) => i64::try_from(*number).map(Into::into).unwrap(),
        Tree::OtherNumber => serde_json::json!(1.5),
        Tree::Bool(value) => (*value).into(),
        Tree::Null => serde_json::Value::Null,
        Tree::List(items) => items.iter().map(json_of).collect(),
        Tree::Map(fields) => fields.iter().map(|(key, value)| (key.clone(), json_of(value))).collect(),
    }
}

fn text() -> impl Strategy<Value = Tree> {
    "[^\0]{0,12}".prop_map(Tree::Text)
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z_]{1,8}", "[0-9]{1,2}", "[^\0\\[\\]]{1,6}"]
}

fn fields(inner: impl Strategy<Value = Tree>) -> impl Strategy<Value = Tree> {
    prop::collection::vec((key(), inner), 1..5).prop_map(|pairs| Tree::Map(pairs.into_iter().collect::<Fields>()))
}

fn form_tree() -> impl Strategy<Value = Tree> {
    let value = prop_oneof![text(), prop::collection::vec(text(), 1..5).prop_map(Tree::List)];
    fields(value.prop_recursive(3, 24, 4, fields))
}

fn json_tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        text(),
        any::<i64>().prop_map(|n| Tree::Integer(n.into())),
        any::<bool>().prop_map(Tree::Bool),
        Just(Tree::Null),
        Just(Tree::OtherNumber),
    ];
    let value =
        leaf.prop_recursive(3, 24, 4, |inner| prop_oneof![prop::collection::vec(inner.clone(), 0..4).prop_map(Tree::List), fields(inner)]);
    fields(value)
}

fn wire() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        "[a-z]{1,3}",
        Just("amount".to_owned()),
        Just("created".to_owned()),
        Just("metadata".to_owned()),
        Just("expand".to_owned()),
        "[\\[\\]=&%+{}\":,0-9.-]",
        Just("[]".to_owned()),
        Just("null".to_owned()),
        Just("1e999".to_owned()),
        any::<String>(),
    ];
    prop_oneof![
        prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat().into_bytes()),
        prop::collection::vec(any::<u8>(), 0..200)
    ]
}

proptest! {
    #[test]
    fn a_form_is_read_as_it_was_written(tree in form_tree()) {
        prop_assert_eq!(parse_form(form_of(&tree).as_bytes()).unwrap(), tree);
    }

    #[test]
    fn a_json_object_is_read_as_it_was_written(tree in json_tree()) {
        prop_assert_eq!(parse_json(json_of(&tree).to_string().as_bytes()).unwrap(), tree);
    }

    #[test]
    fn any_bytes_are_read_or_refused_and_never_panic(bytes in wire(), query in ".{0,40}") {
        for content_type in [FORM, JSON, None, Some(&bytes[..])] {
            for method in [Method::POST, Method::GET] {
                let _: Result<Everything, ParamError> =
                    read(&method, content_type, Some(&query), &bytes).and_then(|tree| from_tree(&tree));
                let _: Result<Everything, ParamError> =
                    read(&method, content_type, None, &bytes).and_then(|tree| from_tree(&tree));
            }
        }
    }

    #[test]
    fn integers_read_from_text_are_the_integers_that_were_written(number: i64) {
        let sent = format!("amount={number}");
        let request: Everything = from_tree(&parse_form(sent.as_bytes()).unwrap()).unwrap();
        prop_assert_eq!(request.amount, Some(number));
    }
}
