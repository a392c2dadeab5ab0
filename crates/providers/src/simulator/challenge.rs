//! The challenge pages: a person says whether they are the cardholder, and goes back to where they came from.
//!
//! `GET /simulator/challenges/{id}` shows the payment and two buttons; `POST` with `decision=approve` or
//! `decision=refuse` books the decision (the first one counts) and redirects to the request's `return_to`. The id
//! cannot be guessed, and the page needs nothing from anywhere else. Absent on purpose: `form-action` in the
//! Content-Security-Policy, because browsers apply it to every redirect after the form as well, and the way back may
//! lead anywhere.

use std::fmt::Write;
use std::sync::{Arc, LazyLock};

use aws_lc_rs::digest;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::currency::Currency;

use super::Simulator;
use super::books::{self, ChallengeState, ChallengeView};
use super::worker::BooksUnavailable;

/// What a challenge's path begins with; its id follows.
pub const PATH: &str = "/simulator/challenges/";
/// A decision is a few bytes.
const BODY_MAX: usize = 1_024;

const STYLE: &str = "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:3rem auto;padding:0 1rem;color:#1a1a1a;\
background:#fff}dl{display:grid;grid-template-columns:auto 1fr;gap:.25rem 1rem}dd{margin:0;font-weight:600}\
button{font:inherit;padding:.6rem 1.4rem;margin:0 .6rem .6rem 0;border:2px solid #1a4d8f;border-radius:.4rem;\
background:#fff;color:#1a4d8f}button.approve{background:#1a4d8f;color:#fff}button:focus-visible{outline:3px solid #c05a00;\
outline-offset:2px}";

static POLICY: LazyLock<String> = LazyLock::new(|| {
    let style = STANDARD.encode(digest::digest(&digest::SHA256, STYLE.as_bytes()));
    format!("default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; frame-ancestors 'none'")
});

/// The challenge pages alone, for a server that has the bank in process.
pub fn router(bank: Arc<Simulator>) -> Router {
    Router::new().route(&format!("{PATH}{{id}}"), get(show).post(decide)).layer(DefaultBodyLimit::max(BODY_MAX)).with_state(bank)
}

async fn show(State(bank): State<Arc<Simulator>>, Path(id): Path<String>) -> Response {
    let found = bank.writer.run(move |books| books::challenge(books, &id)).await;
    match found {
        Ok(Some(challenge)) if challenge.state == ChallengeState::Open => page(StatusCode::OK, &open_page(&challenge)),
        Ok(Some(_)) => message(StatusCode::GONE, "This request was answered or cancelled. You can close this page."),
        Ok(None) => message(StatusCode::NOT_FOUND, "There is no such request."),
        Err(error) => unavailable(error),
    }
}

async fn decide(State(bank): State<Arc<Simulator>>, Path(id): Path<String>, body: Bytes) -> Response {
    let decision = form_urlencoded::parse(&body).find(|(name, _)| name == "decision");
    let approves = match decision.as_ref().map(|(_, value)| value.as_ref()) {
        Some("approve") => true,
        Some("refuse") => false,
        _ => return message(StatusCode::BAD_REQUEST, "Please approve or refuse."),
    };
    let now = bank.now();
    let decided = bank.writer.run(move |books| books::decide(books, &id, approves, now)).await;
    match decided {
        Ok(Some(return_to)) => go_back(&return_to),
        Ok(None) => message(StatusCode::NOT_FOUND, "There is no such request."),
        Err(error) => unavailable(error),
    }
}

fn go_back(return_to: &str) -> Response {
    let is_address = url_scheme(return_to).is_some_and(|scheme| !scheme.eq_ignore_ascii_case("javascript"));
    match HeaderValue::from_str(return_to) {
        Ok(location) if is_address => {
            let headers = [(header::LOCATION, location), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
            (StatusCode::SEE_OTHER, headers).into_response()
        }
        _ => message(StatusCode::OK, "Your decision is recorded. You can close this page."),
    }
}

fn url_scheme(address: &str) -> Option<&str> {
    address.split_once(':').map(|(scheme, _)| scheme).filter(|scheme| !scheme.is_empty())
}

fn unavailable(error: BooksUnavailable) -> Response {
    tracing::error!(%error, "a challenge page failed");
    message(StatusCode::SERVICE_UNAVAILABLE, "The bank cannot answer at the moment. Please try again.")
}

fn message(status: StatusCode, text: &str) -> Response {
    page(status, &format!("<h1>Bank simulator</h1><p>{text}</p>"))
}

fn open_page(challenge: &ChallengeView) -> String {
    let mut facts = String::new();
    let mut fact = |name: &str, value: &str| {
        // Writing to a String cannot fail.
        let _ = write!(facts, "<dt>{name}</dt><dd>{}</dd>", escaped(value));
    };
    if let Some(merchant) = &challenge.merchant {
        fact("Merchant", merchant);
    }
    match challenge.currency.as_deref().and_then(Currency::from_code) {
        Some(currency) => fact("Amount", &amount_text(challenge.amount, currency)),
        None => fact("Purpose", "Save this card for later"),
    }
    fact("Card", &format!("ending in {}", challenge.last4));
    format!(
        "<h1>Confirm it is you</h1><p>This is the bank simulator. No money moves.</p><dl>{facts}</dl>\
         <form method=\"post\"><button class=\"approve\" name=\"decision\" value=\"approve\">Approve</button>\
         <button name=\"decision\" value=\"refuse\">Refuse</button></form>"
    )
}

fn amount_text(minor: i64, currency: Currency) -> String {
    let code = currency.code().to_ascii_uppercase();
    let digits = usize::from(currency.exponent());
    if digits == 0 {
        return format!("{minor} {code}");
    }
    let padded = format!("{minor:0>width$}", width = digits.saturating_add(1));
    let (whole, rest) = padded.split_at(padded.len().saturating_sub(digits));
    format!("{whole}.{rest} {code}")
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

fn page(status: StatusCode, content: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Bank simulator</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><style>{STYLE}</style></head>\
         <body><main>{content}</main></body></html>"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY.as_str()),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, html).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_with_their_currencys_digits() {
        for (minor, code, text) in
            [(5, "usd", "0.05 USD"), (123_456, "usd", "1234.56 USD"), (500, "jpy", "500 JPY"), (1_000, "kwd", "1.000 KWD")]
        {
            assert_eq!(amount_text(minor, Currency::from_code(code).unwrap()), text);
        }
    }

    #[test]
    fn what_merchants_write_cannot_become_markup() {
        assert_eq!(escaped("<b a=\"'\">&"), "&lt;b a=&quot;&#39;&quot;&gt;&amp;");
    }

    #[test]
    fn the_way_back_cannot_be_a_script() {
        for bad in ["javascript:alert(1)", "JavaScript:alert(1)", "nowhere", "", ":x", "https://a\r\nb"] {
            assert_eq!(go_back(bad).status(), StatusCode::OK, "{bad}");
        }
        assert_eq!(go_back("https://shop.example/back?a=1").status(), StatusCode::SEE_OTHER);
        assert_eq!(go_back("shop-app://back").status(), StatusCode::SEE_OTHER);
    }
}
