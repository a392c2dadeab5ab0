//! Secrets by their names: a value that is the ARN of a secret of Secrets Manager or of a parameter of SSM is looked up.
//!
//! Both services answer one signed POST, so that neither their SDKs nor Lambda's extension is needed
//! (docs/decisions/0014). Credentials, region and, for tests, addresses come from the variables that every SDK reads.
//! What cannot be looked up is told by the service's code and never by a body.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::compose::SetupError;

/// A look-up takes some ten milliseconds; a function that waits for longer had better be started again.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// A service that has no time is asked again; secrets are looked up when many processes start at once.
const TRIES: u32 = 4;
/// Before it is asked again the first time; twice as long each time after.
const PAUSE: Duration = Duration::from_millis(100);

/// Finds values of variables.
pub(super) struct Secrets<'a> {
    find: &'a (dyn Fn(&str) -> Option<String> + Send + Sync),
}

/// Which service has a secret, and what it is asked.
struct Question {
    service: &'static str,
    /// The end of the variable that names another address.
    override_name: &'static str,
    target: &'static str,
    body: Value,
    region: String,
    /// Where AWS's services are in that partition.
    suffix: &'static str,
}

/// The part of an answer that is read.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    secret_string: Option<String>,
    parameter: Option<Parameter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    value: String,
}

impl Question {
    /// `None` if the value is no name of a secret.
    fn of(value: &str) -> Option<Self> {
        let mut parts = value.splitn(6, ':');
        let (Some("arn"), Some(partition), Some(service), Some(region), Some(_account), Some(resource)) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        let (region, suffix) = (region.to_owned(), if partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" });
        match service {
            "secretsmanager" => Some(Self {
                service: "secretsmanager",
                override_name: "SECRETS_MANAGER",
                target: "secretsmanager.GetSecretValue",
                body: json!({"SecretId": value}),
                region,
                suffix,
            }),
            "ssm" => Some(Self {
                service: "ssm",
                override_name: "SSM",
                target: "AmazonSSM.GetParameter",
                body: json!({"Name": resource.strip_prefix("parameter")?, "WithDecryption": true}),
                region,
                suffix,
            }),
            _ => None,
        }
    }
}

impl<'a> Secrets<'a> {
    /// By these variables.
    pub(super) fn new(find: &'a (dyn Fn(&str) -> Option<String> + Send + Sync)) -> Self {
        Self { find }
    }

    /// The value of a variable, or of the secret that it names; `None` if it is not set.
    ///
    /// # Errors
    /// The secret cannot be looked up.
    pub(super) async fn value(&self, name: &str) -> Result<Option<String>, SetupError> {
        let Some(value) = (self.find)(name).filter(|value| !value.is_empty()) else { return Ok(None) };
        let Some(question) = Question::of(&value) else { return Ok(Some(value)) };
        let failed = |why: String| SetupError(format!("the secret that {name} names cannot be looked up: {why}"));
        self.ask(&question).await.map(Some).map_err(failed)
    }

    async fn ask(&self, question: &Question) -> Result<String, String> {
        let client = reqwest::Client::builder().timeout(ANSWER_WITHIN).build().map_err(|e| e.to_string())?;
        let mut tried = 1;
        loop {
            match self.ask_once(&client, question).await {
                Err(Refusal { again: true, .. }) if tried < TRIES => tokio::time::sleep(PAUSE.saturating_mul(1 << tried)).await,
                Err(refusal) => return Err(refusal.why),
                Ok(secret) => return Ok(secret),
            }
            tried += 1;
        }
    }

    async fn ask_once(&self, client: &reqwest::Client, question: &Question) -> Result<String, Refusal> {
        let request = self.signed(question).map_err(Refusal::at_once)?;
        let request = reqwest::Request::try_from(request).map_err(|e| Refusal::at_once(e.to_string()))?;
        let answer = client.execute(request).await.map_err(|e| Refusal { why: e.without_url().to_string(), again: true })?;
        let status = answer.status();
        if !status.is_success() {
            let code = answer.json::<Value>().await.ok().and_then(|body| Some(body.get("__type")?.as_str()?.to_owned()));
            let code = code.map(|code| code.chars().filter(char::is_ascii_graphic).take(100).collect::<String>()).unwrap_or_default();
            let again = status.is_server_error() || code.contains("Throttl");
            return Err(Refusal { why: format!("{status} {code}"), again });
        }
        let answer: Answer = answer.json().await.map_err(|_| Refusal::at_once("an answer that cannot be read".to_owned()))?;
        let secret = answer.secret_string.or_else(|| answer.parameter.map(|parameter| parameter.value));
        secret.ok_or_else(|| Refusal::at_once("it has no text".to_owned()))
    }

    fn signed(&self, question: &Question) -> Result<http::Request<Vec<u8>>, String> {
        let variable = |name: &str| (self.find)(name).ok_or_else(|| format!("{name} is not set"));
        let endpoint = (self.find)(&format!("AWS_ENDPOINT_URL_{}", question.override_name)).or_else(|| (self.find)("AWS_ENDPOINT_URL"));
        let endpoint = endpoint.unwrap_or_else(|| format!("https://{}.{}.{}", question.service, question.region, question.suffix));
        let url = format!("{}/", endpoint.trim_end_matches('/'));
        let body = question.body.to_string().into_bytes();
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", question.target)];
        let (id, secret, token) = (variable("AWS_ACCESS_KEY_ID")?, variable("AWS_SECRET_ACCESS_KEY")?, (self.find)("AWS_SESSION_TOKEN"));
        let identity = Credentials::new(id, secret, token, None, "environment").into();
        let settings = v4::SigningParams::builder()
            .identity(&identity)
            .region(&question.region)
            .name(question.service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|e| e.to_string())?
            .into();
        let signable = SignableRequest::new("POST", &url, headers.into_iter(), SignableBody::Bytes(&body)).map_err(|e| e.to_string())?;
        let (instructions, _) = sign(signable, &settings).map_err(|e| e.to_string())?.into_parts();
        let mut request = http::Request::builder().method("POST").uri(&url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let mut request = request.body(body).map_err(|e| e.to_string())?;
        instructions.apply_to_request_http1x(&mut request);
        Ok(request)
    }
}

/// Why there is no secret.
struct Refusal {
    why: String,
    /// Whether another try may find it.
    again: bool,
}

impl Refusal {
    const fn at_once(why: String) -> Self {
        Self { why, again: false }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use axum::routing::post;
    use axum::{Json, Router};
    use http::{HeaderMap, StatusCode};

    use super::*;

    const SECRET: &str = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:bursar/test/vault-key-AbCdEf";
    const PARAMETER: &str = "arn:aws:ssm:eu-central-1:000000000000:parameter/bursar/test/store";

    /// Keeps one of each, and refuses the first question as too many.
    async fn keeper() -> String {
        let asked = std::sync::Arc::new(AtomicU32::new(0));
        let answer = move |headers: HeaderMap, body: String| {
            let first = asked.fetch_add(1, Ordering::SeqCst) == 0;
            let asked: Value = serde_json::from_str(&body).unwrap();
            let signed = headers["authorization"].to_str().unwrap().starts_with("AWS4-HMAC-SHA256 Credential=id/");
            async move {
                let refused = |code: &str| (StatusCode::BAD_REQUEST, Json(json!({"__type": code, "Message": "hush"})));
                if first {
                    return refused("ThrottlingException");
                }
                match headers["x-amz-target"].to_str().unwrap() {
                    _ if !signed => refused("UnrecognizedClientException"),
                    "secretsmanager.GetSecretValue" if asked == json!({"SecretId": SECRET}) => {
                        (StatusCode::OK, Json(json!({"ARN": SECRET, "SecretString": "a secret"})))
                    }
                    "AmazonSSM.GetParameter" if asked == json!({"Name": "/bursar/test/store", "WithDecryption": true}) => {
                        (StatusCode::OK, Json(json!({"Parameter": {"Name": "x", "Value": "a parameter"}})))
                    }
                    _ => refused("ResourceNotFoundException"),
                }
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/", post(answer))).await });
        format!("http://{address}")
    }

    async fn looked_up(value: &'static str) -> Result<Option<String>, SetupError> {
        let endpoint = keeper().await;
        let find = move |name: &str| match name {
            "AWS_ENDPOINT_URL" => Some(endpoint.clone()),
            "AWS_ACCESS_KEY_ID" => Some("id".to_owned()),
            "AWS_SECRET_ACCESS_KEY" => Some("key".to_owned()),
            "BURSAR_X" => Some(value.to_owned()),
            _ => None,
        };
        Secrets::new(&find).value("BURSAR_X").await
    }

    #[tokio::test]
    async fn names_of_secrets_and_parameters_are_looked_up_and_again_if_there_was_no_time() {
        assert_eq!(looked_up(SECRET).await.unwrap().as_deref(), Some("a secret"));
        assert_eq!(looked_up(PARAMETER).await.unwrap().as_deref(), Some("a parameter"));
    }

    #[tokio::test]
    async fn other_values_are_taken_as_they_are() {
        for plain in ["memory:", "arn", "arn:aws:s3:::bucket", "arn:aws:ssm:eu-central-1:000000000000:document/x"] {
            assert_eq!(looked_up(plain).await.unwrap().as_deref(), Some(plain));
        }
        assert_eq!(looked_up("").await.unwrap(), None);
    }

    #[tokio::test]
    async fn what_cannot_be_looked_up_is_told_without_what_the_service_said() {
        let complaint = looked_up("arn:aws:secretsmanager:eu-central-1:000000000000:secret:other").await.unwrap_err().to_string();
        assert!(
            complaint.contains("BURSAR_X") && complaint.contains("ResourceNotFoundException") && !complaint.contains("hush"),
            "{complaint}"
        );
    }
}
