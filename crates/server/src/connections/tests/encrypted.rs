//! The same over TLS.

use std::path::Path;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::*;
use crate::tls::{Files, TlsError};

const NAME: &str = "shop.example";

/// Writes a new certificate and its key.
fn issue(directory: &Path) -> (Files, CertificateDer<'static>) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([NAME.to_owned()]).unwrap();
    let files = Files { certificate: directory.join("cert.pem"), key: directory.join("key.pem") };
    std::fs::write(&files.certificate, cert.pem()).unwrap();
    std::fs::write(&files.key, signing_key.serialize_pem()).unwrap();
    (files, cert.der().clone())
}

/// Connects as a client that trusts this certificate and speaks these protocols.
async fn shake(server: &Server, trusted: &CertificateDer<'static>, protocols: &[&[u8]]) -> io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let mut config = builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    let name = ServerName::try_from(NAME).unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, connect(server).await).await
}

async fn ask_http_1(server: &Server, trusted: &CertificateDer<'static>) -> io::Result<String> {
    let mut stream = shake(server, trusted, &[]).await?;
    stream.write_all(ASK).await?;
    let mut bytes = [0; 4_096];
    let length = stream.read(&mut bytes).await?;
    Ok(String::from_utf8(bytes[..length].to_vec()).unwrap())
}

#[tokio::test]
async fn an_encrypted_connection_serves_and_asks_browsers_to_stay_encrypted() {
    let directory = tempfile::tempdir().unwrap();
    let (files, certificate) = issue(directory.path());
    let server = server_with(None, Some(Arc::new(Tls::open(files).unwrap())), TrustedProxies::default()).await;
    let answer = ask_http_1(&server, &certificate).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("strict-transport-security: max-age=31536000"), "{answer}");
    let plain = ask(&mut connect(&super::server(None).await).await).await;
    assert!(!plain.contains("strict-transport-security"), "{plain}");
}

#[tokio::test]
async fn http_2_is_spoken_with_who_offers_it_and_ends_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let (files, certificate) = issue(directory.path());
    let server = server_with(None, Some(Arc::new(Tls::open(files).unwrap())), TrustedProxies::default()).await;
    let stream = shake(&server, &certificate, &[b"h2", b"http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let shaken = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
    let (mut client, connection) = shaken.unwrap();
    let connection = tokio::spawn(connection);
    let asked = |path: &str| Request::get(format!("https://{NAME}{path}")).body(Body::empty()).unwrap();
    // Two at once, and longer than one that does nothing is kept.
    let slow = client.send_request(asked("/slow"));
    assert_eq!(client.send_request(asked("/")).await.unwrap().status(), 200);
    tokio::time::sleep(IDLE + HEAD).await;
    server.stop.notify_one();
    server.slow.notify_one();
    assert_eq!(slow.await.unwrap().status(), 200);
    tokio::time::timeout(PATIENCE, server.ended).await.unwrap().unwrap();
    drop(client);
    tokio::time::timeout(PATIENCE, connection).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn who_does_not_agree_on_encryption_is_cut_off() {
    let directory = tempfile::tempdir().unwrap();
    let (files, _) = issue(directory.path());
    let server = server_with(Some(1), Some(Arc::new(Tls::open(files).unwrap())), TrustedProxies::default()).await;
    let mut silent = connect(&server).await;
    assert!(closed_after(&mut silent).await < IDLE);
    let mut plain = connect(&server).await;
    plain.write_all(ASK).await.unwrap();
    assert!(closed_after(&mut plain).await < IDLE);
}

#[tokio::test]
async fn a_new_certificate_is_used_once_it_is_whole_and_the_old_one_until_then() {
    let directory = tempfile::tempdir().unwrap();
    let (files, old) = issue(directory.path());
    let tls = Arc::new(Tls::open(files.clone()).unwrap());
    let watched = Arc::clone(&tls);
    let watch = tokio::spawn(async move { watched.keep_up_every(Duration::from_millis(5)).await });
    let server = server_with(None, Some(tls), TrustedProxies::default()).await;
    std::fs::write(&files.certificate, "-----BEGIN CERTIFICATE-----\nhalf of").unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(ask_http_1(&server, &old).await.is_ok());
    let (_, new) = issue(directory.path());
    let began = Instant::now();
    while ask_http_1(&server, &new).await.is_err() {
        assert!(began.elapsed() < PATIENCE, "the new certificate is not used");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(ask_http_1(&server, &old).await.is_err());
    watch.abort();
}

#[test]
fn files_that_cannot_be_served_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let (files, _) = issue(directory.path());
    let key = std::fs::read(&files.key).unwrap();
    let complaint = || Tls::open(files.clone()).err().map(|error| error.to_string()).unwrap_or_default();
    std::fs::write(&files.key, "no key").unwrap();
    assert!(complaint().contains("key.pem"), "{}", complaint());
    let (_, _) = issue(directory.path());
    std::fs::write(&files.key, &key).unwrap();
    assert!(matches!(Tls::open(files.clone()), Err(TlsError::Pair(_))), "a key of another certificate");
    std::fs::write(&files.certificate, "").unwrap();
    assert!(matches!(Tls::open(files.clone()), Err(TlsError::Empty(_))));
    std::fs::remove_file(&files.certificate).unwrap();
    assert!(complaint().contains("cert.pem"), "{}", complaint());
}
