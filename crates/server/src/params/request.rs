//! Where a request's parameters are: in the query for GET and DELETE, in the body for everything else.
//!
//! A query on a POST is refused, not ignored: a parameter nobody looks at is an unknown parameter. A body on a GET or
//! DELETE is read beside the query, because HTTP libraries differ in where they put parameters; one that is in both
//! is refused.

use http::Method;

use super::fault::Fault;
use super::tree::{MAX_FIELDS, Tree};
use super::{ParamError, ParamErrorKind, parse_form, parse_json};

/// Reads the parameters of a request; `content_type` is the header as it was sent.
///
/// # Errors
/// Bytes that cannot be read, or could be read in more than one way.
pub fn read(method: &Method, content_type: Option<&[u8]>, query: Option<&str>, body: &[u8]) -> Result<Tree, ParamError> {
    let query = query.unwrap_or_default();
    if method == Method::GET || method == Method::HEAD || method == Method::DELETE {
        merge(parse_form(query.as_bytes())?, read_body(content_type, body)?)
    } else if query.is_empty() {
        read_body(content_type, body)
    } else {
        Err(ParamError::unreadable("Parameters of this request belong in its body, not in its URL."))
    }
}

fn read_body(content_type: Option<&[u8]>, body: &[u8]) -> Result<Tree, ParamError> {
    // Clients name a type for bodies they then leave empty.
    if body.is_empty() {
        return Ok(Tree::empty());
    }
    let unsupported = || ParamError::about(ParamErrorKind::UnsupportedMediaType, None, "");
    let content_type = content_type.and_then(|text| std::str::from_utf8(text).ok()).ok_or_else(unsupported)?;
    let (essence, attributes) = content_type.split_once(';').unwrap_or((content_type, ""));
    if !attributes.split(';').all(is_harmless) {
        return Err(unsupported());
    }
    match essence.trim().to_ascii_lowercase().as_str() {
        "application/x-www-form-urlencoded" => parse_form(body),
        "application/json" => parse_json(body),
        _ => Err(unsupported()),
    }
}

/// Any attribute but a character set that is not UTF-8.
fn is_harmless(attribute: &str) -> bool {
    let (name, value) = attribute.split_once('=').unwrap_or((attribute, ""));
    !name.trim().eq_ignore_ascii_case("charset")
        || ["utf-8", "utf8"].iter().any(|utf8| value.trim().trim_matches('"').eq_ignore_ascii_case(utf8))
}

fn merge(query: Tree, body: Tree) -> Result<Tree, ParamError> {
    let (Tree::Map(mut fields), Tree::Map(more)) = (query, body) else {
        return Err(ParamError::unreadable("The parameters must have names."));
    };
    for (name, value) in more {
        if fields.contains_key(&name) {
            return Err(Fault::new(ParamErrorKind::Repeated).inside(name).into_error());
        }
        fields.insert(name, value);
    }
    if fields.len() > MAX_FIELDS {
        return Err(super::form::too_many());
    }
    Ok(Tree::Map(fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: Option<&[u8]> = Some(b"application/x-www-form-urlencoded");
    const JSON: Option<&[u8]> = Some(b"application/json; charset=utf-8");

    #[test]
    fn a_post_takes_its_body_and_a_get_its_query() {
        let tree = parse_form(b"a=1").unwrap();
        assert_eq!(read(&Method::POST, FORM, None, b"a=1").unwrap(), tree);
        assert_eq!(read(&Method::POST, JSON, None, br#"{"a":"1"}"#).unwrap(), tree);
        assert_eq!(read(&Method::GET, None, Some("a=1"), b"").unwrap(), tree);
        assert_eq!(read(&Method::DELETE, FORM, None, b"a=1").unwrap(), tree);
        assert!(read(&Method::POST, FORM, Some("a=1"), b"").is_err());
    }

    #[test]
    fn a_parameter_in_query_and_body_is_refused() {
        assert!(read(&Method::GET, FORM, Some("a=1"), b"b=2").is_ok());
        let error = read(&Method::GET, FORM, Some("a=1"), b"a=2").unwrap_err();
        assert_eq!((error.kind, error.param.as_deref()), (ParamErrorKind::Repeated, Some("a")));
    }

    #[test]
    fn an_empty_body_needs_no_type_and_may_have_any() {
        for content_type in [None, Some(&b"text/plain"[..]), JSON] {
            assert!(read(&Method::POST, content_type, None, b"").unwrap().is_empty());
        }
    }

    #[test]
    fn bodies_of_other_types_and_character_sets_are_refused_with_415() {
        for content_type in [
            None,
            Some(&b"text/plain"[..]),
            Some(b"multipart/form-data; boundary=x"),
            Some(b"application/json; charset=latin1"),
            Some(b"application/json\xff"),
            Some(b""),
        ] {
            let error = read(&Method::POST, content_type, None, b"a=1").unwrap_err();
            assert_eq!(error.status(), http::StatusCode::UNSUPPORTED_MEDIA_TYPE, "{content_type:?}");
        }
        for content_type in ["Application/JSON;Charset=\"UTF-8\"", "application/json; v=1", "application/json;"] {
            assert!(read(&Method::POST, Some(content_type.as_bytes()), None, b"{}").is_ok(), "{content_type}");
        }
    }
}
