//! The address of a table: `dynamodb://TABLE?region=…&endpoint=…`.

use super::OpenError;

/// What names a table, as AWS has it.
const TABLE_LENGTH: std::ops::RangeInclusive<usize> = 3..=255;

/// An address taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) table: String,
    /// What the environment or AWS's configuration files say, if left out.
    pub(super) region: Option<String>,
    /// AWS's own for the region, if left out.
    pub(super) endpoint: Option<String>,
}

impl Address {
    pub(super) fn parse(url: &str) -> Result<Self, OpenError> {
        let refused = |why: &str| OpenError::Address(why.to_owned());
        let rest = url.strip_prefix("dynamodb://").ok_or_else(|| refused("it does not begin with dynamodb://"))?;
        let (table, query) = rest.split_once('?').unwrap_or((rest, ""));
        let table = table.trim_end_matches('/');
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        if !TABLE_LENGTH.contains(&table.len()) || !table.bytes().all(is_known) {
            return Err(refused("a table's name is 3 to 255 letters, digits, `_`, `.` and `-`"));
        }
        let mut address = Self { table: table.to_owned(), region: None, endpoint: None };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let part = match &*name {
                "region" => &mut address.region,
                "endpoint" => &mut address.endpoint,
                _ => return Err(refused("it may say region and endpoint, nothing else")),
            };
            if value.is_empty() || part.replace(value.into_owned()).is_some() {
                return Err(refused("region and endpoint have one value each"));
            }
        }
        if address.endpoint.as_ref().is_some_and(|endpoint| !endpoint.starts_with("https://") && !endpoint.starts_with("http://")) {
            return Err(refused("the endpoint begins with https:// or http://"));
        }
        Ok(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> Option<(String, Option<String>, Option<String>)> {
        Address::parse(url).ok().map(|address| (address.table, address.region, address.endpoint))
    }

    #[test]
    fn a_table_a_region_and_an_endpoint_are_read() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(parsed("dynamodb://shop"), Some(("shop".to_owned(), None, None)));
        assert_eq!(
            parsed("dynamodb://a.b_c-1?region=eu-west-1&endpoint=http%3A%2F%2F127.0.0.1%3A4566"),
            Some(("a.b_c-1".to_owned(), some("eu-west-1"), some("http://127.0.0.1:4566")))
        );
        assert_eq!(parsed("dynamodb://shop?endpoint=http://h:1"), Some(("shop".to_owned(), None, some("http://h:1"))));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let nonsense =
            ["dynamodb:", "dynamodb://", "dynamodb://ab", "dynamodb://a b c", "dynamodb://shop?", "dynamodb://shop?region=", "x"];
        for url in nonsense.iter().filter(|url| !url.ends_with('?')) {
            assert!(parsed(url).is_none(), "{url}");
        }
        for query in ["regoin=eu", "region=a&region=b", "endpoint=h:1", "endpoint=ftp://h"] {
            assert!(parsed(&format!("dynamodb://shop?{query}")).is_none(), "{query}");
        }
    }
}
