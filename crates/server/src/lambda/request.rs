//! A request as API Gateway tells of it, answered by the router that `serve` serves.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::response::Response;
use domain::id::RequestId;
use domain::time::Timestamp;
use http::Uri;
use http::header::CONTENT_TYPE;
use http::uri::PathAndQuery;
use lambda_http::request::{LambdaRequest, RequestContext};
use lambda_http::{Adapter, Context, RequestExt as _};
use lambda_runtime::{LambdaEvent, Service as _, service_fn};
use payments::Platform;
use payments::ports::Answer;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Serialize;
use tower::ServiceExt as _;

use super::{Failure, emf};
use crate::api::too_slow;

/// Lambda takes no larger answer.
const ANSWER_MAX: usize = 6 * 1_024 * 1_024;
/// How long what a request began and did not wait for may hold its answer up. It ends by its provider's deadline, long before.
const FINISH_WITHIN: Duration = Duration::from_secs(15);
/// Whoever asks through API Gateway is answered within 29 s or never, and some of them the way back takes.
const ANSWER_WITHIN: Duration = Duration::from_secs(27);
/// What is kept of an invocation's time for the way back.
const RESERVE: Duration = Duration::from_secs(1);
/// What a path may not hold unescaped. A percent sign may: what escapes there are, are kept.
const UNESCAPED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'?').add(b'`').add(b'{').add(b'}');

/// What requests are answered with.
#[derive(Clone, Copy)]
pub(super) struct Shape<'a> {
    /// Everything that is served.
    pub(super) router: &'a Router,
    /// Whose work is to end before the answer; `None` of a bank simulator.
    pub(super) platform: Option<&'a Platform>,
    /// What figures are about.
    pub(super) environment: &'a str,
}

impl Shape<'_> {
    /// Answers in the shape that the event's sender reads.
    ///
    /// # Errors
    /// The answer broke off.
    pub(super) async fn answer(self, request: LambdaRequest, context: Context) -> Result<impl Serialize + use<>, Failure> {
        let end = Instant::now() + time_until(context.deadline());
        let mut adapter = Adapter::from(service_fn(|request: lambda_http::Request| self.serve(request, end)));
        adapter.call(LambdaEvent::new(request, context)).await
    }

    async fn serve(self, request: lambda_http::Request, end: Instant) -> Result<http::Response<lambda_http::Body>, Failure> {
        let began = Instant::now();
        let answered = tokio::time::timeout_at(end.into(), self.router.clone().oneshot(plain(request)?)).await;
        let response = match answered {
            Ok(response) => whole(response?).await?,
            // What it began is not over, and is recovery's if it does not end in the next moment.
            Err(_) => self.too_late(began.elapsed())?,
        };
        if let Some(platform) = self.platform {
            let left = platform.finish(FINISH_WITHIN.min(end.saturating_duration_since(Instant::now()))).await;
            if left > 0 {
                tracing::warn!(left, "operations were left to recovery");
            }
            emf::write(&emf::of_request(self.environment, now(), response.status().as_u16(), began.elapsed()));
        }
        Ok(response)
    }

    /// The answer to a request that took too long; the log tells of it as of every other.
    fn too_late(&self, took: Duration) -> Result<http::Response<lambda_http::Body>, Failure> {
        let Answer { status, body } = too_slow();
        let body = lambda_http::Body::Text(String::from_utf8(body)?);
        let mut response = http::Response::builder().status(status).header(CONTENT_TYPE, "application/json");
        if let Some(platform) = self.platform {
            // Another one than that of what goes on: nobody was told that.
            let id = RequestId::new(platform.mint()).to_string();
            let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
            tracing::warn!(request = id, status, micros, "answered before it had ended");
            response = response.header("request-id", id);
        }
        Ok(response.body(body)?)
    }
}

/// How long an answer may take.
fn time_until(deadline: SystemTime) -> Duration {
    let left = deadline.duration_since(SystemTime::now()).unwrap_or_default();
    left.saturating_sub(RESERVE).min(ANSWER_WITHIN)
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// The request as it would have come over a connection: without the name of a stage before its path, and from the address that
/// API Gateway saw.
fn plain(request: lambda_http::Request) -> Result<http::Request<Body>, Failure> {
    let path = within_stage(request.raw_http_path(), request.request_context_ref());
    // An HTTP API gives paths as they read once their escapes are undone.
    let path = utf8_percent_encode(path, UNESCAPED);
    let query = match (request.uri().query(), request.request_context_ref()) {
        (None, _) => String::new(),
        (Some(query), Some(RequestContext::ApiGatewayV1(_))) => format!("?{}", in_order(query)),
        (Some(query), _) => format!("?{query}"),
    };
    let target: PathAndQuery = format!("{path}{query}").parse()?;
    let from = request.request_context_ref().and_then(source);
    let (mut parts, body) = request.into_parts();
    parts.uri = Uri::from(target);
    if let Some(from) = from {
        parts.extensions.insert(ConnectInfo(SocketAddr::new(from, 0)));
    }
    let body = match body {
        lambda_http::Body::Text(text) => Body::from(text),
        lambda_http::Body::Binary(bytes) => Body::from(bytes),
        _ => Body::empty(),
    };
    Ok(http::Request::from_parts(parts, body))
}

/// A REST API gives parameters in no order, another one each time, so that a repeated request would not be the same one.
fn in_order(query: &str) -> String {
    let mut pairs: Vec<&str> = query.split('&').collect();
    pairs.sort_by_key(|pair| pair.split_once('=').map_or(*pair, |(name, _)| name));
    pairs.join("&")
}

/// The path below the stage. An HTTP API's path begins with its stage unless that is the default one; a REST API's never does.
fn within_stage<'a>(path: &'a str, context: Option<&RequestContext>) -> &'a str {
    let stage = match context {
        Some(RequestContext::ApiGatewayV2(context)) => context.stage.as_deref().filter(|stage| *stage != "$default"),
        _ => None,
    };
    let below = stage.and_then(|stage| path.strip_prefix('/')?.strip_prefix(stage)).filter(|rest| rest.starts_with('/'));
    below.unwrap_or(if path.is_empty() { "/" } else { path })
}

/// The address that API Gateway saw: unlike headers, nobody else can write it.
fn source(context: &RequestContext) -> Option<IpAddr> {
    let text = match context {
        RequestContext::ApiGatewayV1(context) => context.identity.source_ip.as_deref(),
        RequestContext::ApiGatewayV2(context) => context.http.source_ip.as_deref(),
        _ => None,
    };
    text?.parse().ok()
}

/// The answer in one piece.
async fn whole(response: Response) -> Result<http::Response<lambda_http::Body>, Failure> {
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, ANSWER_MAX).await?;
    let body = match String::from_utf8(bytes.into()) {
        Ok(text) if text.is_empty() => lambda_http::Body::Empty,
        Ok(text) => lambda_http::Body::Text(text),
        Err(bytes) => lambda_http::Body::Binary(bytes.into_bytes()),
    };
    Ok(http::Response::from_parts(parts, body))
}

#[cfg(test)]
mod tests {
    use axum::routing::any;
    use serde_json::{Value, json};

    use super::*;
    use crate::compose::{Settings, Webhooks, compose};
    use crate::webhooks::Reach;

    /// Answers with what it was asked, and from where.
    fn echo() -> Router {
        Router::new().fallback(any(|request: http::Request<Body>| async move {
            let from = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|from| from.0.ip().to_string());
            let (method, target) = (request.method().to_string(), request.uri().to_string());
            let key = request.headers().get("authorization").map(|key| key.to_str().unwrap().to_owned());
            let body = to_bytes(request.into_body(), ANSWER_MAX).await.unwrap();
            let body = String::from_utf8(body.into()).unwrap();
            ([("request-id", "req_1")], axum::Json(json!({"at": [method, target], "from": from, "key": key, "body": body})))
        }))
    }

    async fn answer_to(event: Value) -> (Value, Value) {
        let request: LambdaRequest = serde_json::from_value(event).unwrap();
        let router = echo();
        let shape = Shape { router: &router, platform: None, environment: "test" };
        let answer = serde_json::to_value(shape.answer(request, Context::default()).await.unwrap()).unwrap();
        let body = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        (answer, body)
    }

    fn http_api(stage: &str, path: &str) -> Value {
        json!({
            "version": "2.0", "routeKey": "ANY /v1/{proxy+}", "rawPath": path, "rawQueryString": "expand%5B%5D=latest_charge&limit=3",
            "headers": {"host": "api.example", "authorization": "Bearer sk", "x-forwarded-for": "6.6.6.6"},
            "requestContext": {
                "accountId": "1", "apiId": "api", "domainName": "api.example", "stage": stage, "requestId": "id", "routeKey": "ANY /v1/{proxy+}",
                "time": "12/Mar/2020:19:03:58 +0000", "timeEpoch": 1_583_348_638_390_i64,
                "http": {"method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.7", "userAgent": "agent"},
            },
            "body": "YW1vdW50PTUwMA==", "isBase64Encoded": true,
        })
    }

    #[tokio::test]
    async fn an_http_apis_request_is_what_its_client_sent() {
        for (stage, path) in [("$default", "/v1/refunds"), ("live", "/live/v1/refunds")] {
            let (answer, seen) = answer_to(http_api(stage, path)).await;
            assert_eq!(seen["at"], json!(["POST", "/v1/refunds?expand%5B%5D=latest_charge&limit=3"]), "{stage}");
            assert_eq!((&seen["from"], &seen["key"], &seen["body"]), (&json!("192.0.2.7"), &json!("Bearer sk"), &json!("amount=500")));
            assert_eq!((&answer["statusCode"], &answer["headers"]["request-id"]), (&json!(200), &json!("req_1")));
            assert_eq!(answer["isBase64Encoded"], json!(false));
        }
    }

    #[tokio::test]
    async fn a_path_that_only_looks_like_a_stage_is_kept() {
        let (_, seen) = answer_to(http_api("v", "/v1/refunds")).await;
        assert_eq!(seen["at"][1], json!("/v1/refunds?expand%5B%5D=latest_charge&limit=3"));
    }

    #[tokio::test]
    async fn what_a_path_may_not_hold_is_escaped_again() {
        for (path, escaped) in [("/ ", "/%20"), ("/v1/charges/ä{}?", "/v1/charges/%C3%A4%7B%7D%3F"), ("/v1/a%2Fb", "/v1/a%2Fb")] {
            let (_, seen) = answer_to(http_api("$default", path)).await;
            assert_eq!(seen["at"][1].as_str().unwrap().split_once('?').unwrap().0, escaped);
        }
    }

    #[tokio::test]
    async fn a_request_that_takes_too_long_is_answered_all_the_same() {
        let router = Router::new().fallback(any(std::future::pending::<()>));
        let settings = Settings {
            store: "memory:".to_owned(),
            bank: None,
            vault_key: None,
            audit_signing_key: None,
            public_url: String::new(),
            webhooks: Webhooks::WhenTold(Reach::Public),
        };
        let platform = compose(&settings).await.unwrap().app.platform.clone();
        let shape = Shape { router: &router, platform: Some(&platform), environment: "test" };
        let request: LambdaRequest = serde_json::from_value(http_api("$default", "/v1/refunds")).unwrap();
        let mut context = Context::default();
        context.deadline = 0;
        let answer = serde_json::to_value(shape.answer(request, context).await.unwrap()).unwrap();
        assert_eq!(answer["statusCode"], json!(503));
        assert!(answer["headers"]["request-id"].as_str().unwrap().starts_with("req_"), "{answer}");
        assert!(answer["body"].as_str().unwrap().contains("same Idempotency-Key"));
    }

    #[test]
    fn parameters_in_no_order_are_put_in_one_and_those_of_one_name_stay_in_theirs() {
        assert_eq!(in_order("limit=3&expand%5B%5D=b&created=1&expand%5B%5D=a"), "created=1&expand%5B%5D=b&expand%5B%5D=a&limit=3");
    }

    #[tokio::test]
    async fn a_rest_apis_request_is_what_its_client_sent_whatever_its_stage() {
        let (answer, seen) = answer_to(json!({
            "resource": "/{proxy+}", "path": "/v1/refunds", "httpMethod": "GET",
            "headers": {"Host": "api.example", "Authorization": "Bearer sk"},
            "multiValueHeaders": {"Host": ["api.example"], "Authorization": ["Bearer sk"]},
            "queryStringParameters": {"limit": "3"}, "multiValueQueryStringParameters": {"limit": ["3"]},
            "pathParameters": {"proxy": "v1/refunds"}, "stageVariables": null,
            "requestContext": {
                "accountId": "1", "apiId": "api", "stage": "live", "requestId": "id", "httpMethod": "GET", "path": "/live/v1/refunds",
                "resourceId": "r", "resourcePath": "/{proxy+}", "identity": {"sourceIp": "192.0.2.8"},
            },
            "body": null, "isBase64Encoded": false,
        }))
        .await;
        assert_eq!(seen["at"], json!(["GET", "/v1/refunds?limit=3"]));
        assert_eq!((&seen["from"], &seen["key"], &seen["body"]), (&json!("192.0.2.8"), &json!("Bearer sk"), &json!("")));
        assert_eq!((&answer["statusCode"], &answer["multiValueHeaders"]["request-id"]), (&json!(200), &json!(["req_1"])));
    }
}
