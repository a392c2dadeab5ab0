//! Bodies no request should have are answered, over a real connection, while the client still sends.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

const MEGABYTE: usize = 1024 * 1024;

async fn listening() -> SocketAddr {
    let shop = common::shop().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, shop).await });
    address
}

/// Sends all of a body before it reads the answer, as many clients do.
fn send(address: SocketAddr, key: &str, megabytes: usize) -> String {
    let mut connection = TcpStream::connect(address).unwrap();
    let length = megabytes * MEGABYTE;
    let head = format!(
        "POST /v1/customers HTTP/1.1\r\nhost: shop\r\nauthorization: Bearer {key}\r\nconnection: close\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {length}\r\n\r\n"
    );
    connection.write_all(head.as_bytes()).unwrap();
    for _ in 0..megabytes {
        connection.write_all(&[b'a'; MEGABYTE]).unwrap();
    }
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_far_too_large_is_answered_after_it_was_sent() {
    let address = listening().await;
    let answer = tokio::task::spawn_blocking(move || send(address, common::KEY, 64)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("invalid_request_error"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_body_under_a_wrong_key_is_answered_after_it_was_sent() {
    let address = listening().await;
    let answer = tokio::task::spawn_blocking(move || send(address, "sk_test_wrong", 64)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 401 ") && answer.contains("authentication_error"), "{answer}");
}
