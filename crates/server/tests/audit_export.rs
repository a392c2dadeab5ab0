//! The audit trail in files: written by the program as an operator runs it, and verified from the files alone.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode, header};

struct Shop {
    directory: tempfile::TempDir,
    environment: Vec<(&'static str, String)>,
}

impl Shop {
    /// With a chain of three segments: the platform's with the merchant, and two of the merchant's keys.
    fn new() -> Self {
        let shop = Self { directory: tempfile::tempdir().unwrap(), environment: Vec::new() };
        shop.says(&["accounts", "create", "--name", "Flowers"]);
        for _ in 0..2 {
            shop.says(&["keys", "create"]);
            shop.says(&["keys", "create"]);
            shop.says(&["audit", "seal"]);
        }
        shop.says(&["keys", "create"]);
        shop
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bursar"));
        let store = format!("sqlite:{}", self.directory.path().join("bursar.db").display());
        command.env_clear().env("BURSAR_STORE", store).envs(self.environment.clone()).args(arguments).output().unwrap()
    }

    fn says(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What is named by a verification that fails.
    fn named(&self, place: &str) -> String {
        let output = self.run(&["audit", "verify", "--export", place]);
        assert!(!output.status.success());
        String::from_utf8(output.stdout).unwrap()
    }

    fn place(&self) -> PathBuf {
        self.directory.path().join("trail")
    }

    /// The merchant's files, in the order of their names.
    fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        collect(&self.place(), &mut files);
        files.retain(|file| file.components().any(|part| part.as_os_str() == "test"));
        files.sort();
        files
    }
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() { collect(&entry.path(), files) } else { files.push(entry.path()) }
    }
}

fn lines(file: &Path) -> Vec<String> {
    std::fs::read_to_string(file).unwrap().lines().map(str::to_owned).collect()
}

fn id_of(line: &str) -> String {
    let row: serde_json::Value = serde_json::from_str(line).unwrap();
    row["d"]["id"].as_str().unwrap().to_owned()
}

#[test]
fn exported_files_are_verified_on_their_own_and_what_was_done_to_them_is_named() {
    let shop = Shop::new();
    let place = shop.place().display().to_string();
    assert!(shop.says(&["audit", "export", "--to", &place]).contains("6 rows and 3 segments"));
    let verify = ["audit", "verify", "--export", &place];
    assert!(shop.says(&verify).contains("6 rows, 1 of them not sealed yet; 3 segments"));
    let files = shop.files();
    let (first, second) = (files[0].clone(), files[1].clone());
    let whole = lines(&first);
    let write = |lines: &[String]| std::fs::write(&first, lines.join("\n")).unwrap();
    let (one, two) = (id_of(&whole[1]), id_of(&whole[2]));

    write(&[whole[0].clone(), whole[1].replace("api_key.create", "api_key.revoke"), whole[2].clone()]);
    assert!(shop.named(&place).contains(&format!("{one}: altered since it was sealed in segment 1")));
    write(&[whole[0].clone(), whole[1].clone()]);
    assert!(shop.named(&place).contains(&format!("{two}: removed since it was sealed in segment 1")));
    write(&[whole[0].clone(), whole[2].clone(), whole[1].clone()]);
    let named = shop.named(&place);
    assert!([&one, &two].iter().all(|id| named.contains(&format!("{id}: reordered since it was sealed in segment 1"))), "{named}");
    write(&whole);
    assert!(shop.says(&verify).contains("3 segments"));

    std::fs::remove_file(&first).unwrap();
    let said = shop.says(&verify);
    assert!(said.contains("begins with segment 2"), "{said}");
    std::fs::rename(&second, second.with_file_name("00000000000000000003.jsonl")).unwrap();
    assert!(shop.named(&place).contains("segment 3: altered"));
    assert!(!shop.run(&["audit", "verify", "--export", &shop.directory.path().join("nothing").display().to_string()]).status.success());
}

#[test]
fn an_export_can_be_bounded_in_time_and_repeated() {
    let shop = Shop::new();
    let place = shop.place().display().to_string();
    assert!(shop.says(&["audit", "export", "--to", &place, "--until", "2020-01-01"]).contains("0 rows and 0 segments"));
    assert!(shop.says(&["audit", "export", "--to", &format!("file://{place}"), "--since", "2020-01-01T00:00:00Z"]).contains("6 rows"));
    let before: Vec<_> = shop.files().iter().map(|file| lines(file)).collect();
    shop.says(&["audit", "export", "--to", &place]);
    assert_eq!(shop.files().iter().map(|file| lines(file)).collect::<Vec<_>>(), before);
    shop.says(&["audit", "seal"]);
    shop.says(&["audit", "export", "--to", &place]);
    assert!(shop.says(&["audit", "verify", "--export", &place]).contains("6 rows, 0 of them not sealed yet; 4 segments"));
    let complaint = shop.run(&["audit", "export", "--to", "ftp://somewhere"]);
    assert!(String::from_utf8_lossy(&complaint.stderr).contains("s3://BUCKET/PREFIX"));
}

type Objects = Arc<Mutex<BTreeMap<String, Bytes>>>;

/// As much of S3 as an export needs: put, get, list.
async fn s3(State(objects): State<Objects>, request: Request) -> Response {
    let signed = request.headers().get(header::AUTHORIZATION).is_some_and(|sent| sent.as_bytes().starts_with(b"AWS4-HMAC-SHA256"));
    if !signed {
        return StatusCode::FORBIDDEN.into_response();
    }
    let (method, key) = (request.method().clone(), request.uri().path().trim_start_matches("/ledger/").to_owned());
    let query = request.uri().query().unwrap_or_default().to_owned();
    if method == Method::PUT {
        let body = axum::body::to_bytes(request.into_body(), usize::MAX).await.unwrap();
        objects.lock().unwrap().insert(key, body);
        return [(header::ETAG, "\"1\"")].into_response();
    }
    let objects = objects.lock().unwrap();
    if query.contains("list-type=2") {
        let entry = |(key, body): (&String, &Bytes)| {
            let size = body.len();
            format!(
                "<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>\"1\"</ETag><Size>{size}</Size></Contents>"
            )
        };
        let contents: String = objects.iter().map(entry).collect();
        return format!("<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>").into_response();
    }
    match objects.get(&key) {
        Some(body) => ([(header::ETAG, "\"1\""), (header::LAST_MODIFIED, "Thu, 01 Jan 2026 00:00:00 GMT")], body.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_to_s3_is_verified_there() {
    let objects = Objects::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let server = Router::new().fallback(s3).with_state(Arc::clone(&objects));
    let serving = tokio::spawn(async move { axum::serve(listener, server).await });
    let ended = tokio::task::spawn_blocking(move || {
        let mut shop = Shop::new();
        shop.environment = vec![
            ("AWS_ENDPOINT", endpoint),
            ("AWS_REGION", "eu-central-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "id".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
        ];
        assert!(shop.says(&["audit", "export", "--to", "s3://ledger/some/place"]).contains("6 rows and 3 segments"));
        assert!(shop.says(&["audit", "verify", "--export", "s3://ledger/some/place"]).contains("6 rows, 1 of them not sealed yet"));
        shop
    });
    let shop = ended.await.unwrap();
    let changed = {
        let mut objects = objects.lock().unwrap();
        assert!(objects.keys().all(|key| key.starts_with("some/place/acct_")), "{:?}", objects.keys());
        let (_, body) = objects.iter_mut().find(|(key, _)| key.contains("/test/")).unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        *body = text.replace("api_key.create", "api_key.revoke").into();
        id_of(text.lines().nth(1).unwrap())
    };
    let named = tokio::task::spawn_blocking(move || shop.named("s3://ledger/some/place")).await.unwrap();
    assert!(named.contains(&format!("{changed}: altered")), "{named}");
    serving.abort();
}
