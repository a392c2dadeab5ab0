//! Requests to a Stripe-shaped API, written as the bytes that go over the wire.

/// Where requests go and as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// `Host` header.
    pub host: String,
    /// Secret API key.
    pub api_key: String,
}

/// What of a request differs from call to call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call<'a> {
    /// `GET` of a path with its query.
    Get(&'a str),
    /// `POST` of a form under an idempotency key.
    Post {
        /// Path.
        path: &'a str,
        /// `Idempotency-Key`.
        key: &'a str,
        /// Encoded form.
        form: &'a str,
    },
}

impl Caller {
    /// Replaces the buffer's contents by the whole request.
    pub fn write(&self, call: &Call<'_>, out: &mut Vec<u8>) {
        out.clear();
        let (method, path) = match call {
            Call::Get(path) => ("GET ", *path),
            Call::Post { path, .. } => ("POST ", *path),
        };
        for part in [method, path, " HTTP/1.1\r\nhost: ", &self.host, "\r\nauthorization: Bearer ", &self.api_key] {
            out.extend_from_slice(part.as_bytes());
        }
        if let Call::Post { key, form, .. } = call {
            let length = form.len().to_string();
            for part in [
                "\r\nidempotency-key: ",
                key,
                "\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: ",
                &length,
                "\r\n\r\n",
                form,
            ] {
                out.extend_from_slice(part.as_bytes());
            }
        } else {
            out.extend_from_slice(b"\r\n\r\n");
        }
    }

    /// The whole request in a buffer of its own.
    #[must_use]
    pub fn bytes(&self, call: &Call<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(call, &mut out);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_written_whole_and_replaces_the_one_before() {
        let caller = Caller { host: "h:1".into(), api_key: "sk_test_x".into() };
        let mut out = b"rest".to_vec();
        caller.write(&Call::Post { path: "/v1/refunds", key: "k", form: "a=1" }, &mut out);
        assert_eq!(
            String::from_utf8(out.clone()).unwrap(),
            "POST /v1/refunds HTTP/1.1\r\nhost: h:1\r\nauthorization: Bearer sk_test_x\r\nidempotency-key: k\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: 3\r\n\r\na=1"
        );
        caller.write(&Call::Get("/v1/balance"), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), "GET /v1/balance HTTP/1.1\r\nhost: h:1\r\nauthorization: Bearer sk_test_x\r\n\r\n");
    }
}
