//! The page people read and try the API on: `GET /docs` renders `/openapi.json` in the browser.
//!
//! Invariants:
//! - Everything comes from this server: the policy below forbids any other host, and inline script and style.
//! - Text from the description becomes text nodes, never markup.
//! - The key a person types stays in the page's memory; it is not kept, and the curl line to copy does not hold it.
//!
//! Deliberately absent: the description itself. Whoever mounts this router serves `/openapi.json` beside it.

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::response::IntoResponse;
use axum::routing::get;

/// Only this server is spoken to, nothing is inline, and no other page may frame this one.
const POLICY: &str = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

struct File {
    route: &'static str,
    content_type: &'static str,
    content: &'static str,
}

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

const FILES: [File; 7] = [
    File { route: "/docs", content_type: HTML, content: include_str!("page.html") },
    File { route: "/docs/app.js", content_type: SCRIPT, content: include_str!("app.js") },
    File { route: "/docs/dom.js", content_type: SCRIPT, content: include_str!("dom.js") },
    File { route: "/docs/schema.js", content_type: SCRIPT, content: include_str!("schema.js") },
    File { route: "/docs/try.js", content_type: SCRIPT, content: include_str!("try.js") },
    File { route: "/docs/style.css", content_type: "text/css; charset=utf-8", content: include_str!("style.css") },
    File { route: "/docs/icon.svg", content_type: "image/svg+xml", content: include_str!("icon.svg") },
];

/// The page and the files it needs.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    FILES.iter().fold(Router::new(), |router, file| router.route(file.route, get(move || async move { answer(file) })))
}

fn answer(file: &'static File) -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, file.content_type),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        // The files belong together: after an upgrade none may come from the version before.
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, file.content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body, to_bytes};
    use axum::http::{Request, StatusCode};
    use tower::ServiceExt;

    #[tokio::test]
    async fn every_file_is_served_with_its_type_and_a_strict_policy() {
        for file in &FILES {
            let request = Request::get(file.route).body(Body::empty()).unwrap();
            let answer = router::<()>().oneshot(request).await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK, "{}", file.route);
            assert_eq!(answer.headers().get_all(CONTENT_TYPE).iter().collect::<Vec<_>>(), [file.content_type]);
            let policy = answer.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(policy.contains("default-src 'self'") && !policy.contains("unsafe"), "{policy}");
            let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
            assert_eq!(body, file.content.as_bytes());
        }
    }

    #[test]
    fn nothing_names_another_host_and_nothing_is_inline() {
        for file in &FILES {
            let content = file.content.replace("http://www.w3.org/2000/svg", "");
            for forbidden in [
                "http://",
                "https://",
                "\"//",
                "innerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "<style",
                " style=",
                " onclick=",
            ] {
                assert!(!content.contains(forbidden), "{} holds {forbidden}", file.route);
            }
        }
    }

    #[test]
    fn every_file_the_page_asks_for_is_served() {
        let asked = FILES
            .iter()
            .flat_map(|file| file.content.split(['"', '\'']).filter(|text| text.starts_with("/docs/") || text.starts_with("./")));
        let mut found = 0;
        for path in asked {
            let route = path.replace("./", "/docs/");
            assert!(FILES.iter().any(|file| file.route == route), "{route} is not served");
            found += 1;
        }
        assert!(found >= 5, "the page asks for {found} files only");
    }
}
