//! A way to the server on which answers are lost and others are given.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What happens to a request that changes something.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    /// It is carried out, and nobody hears of it.
    AnswerLost,
    /// It is not passed on, and nobody hears of it.
    RequestLost,
    /// It is not passed on, and answered with this error.
    Answered(u16, &'static str),
}

/// What is to happen to the next requests, one after the other; those after them are passed on.
#[derive(Clone, Default)]
pub(super) struct Plan(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    faults: VecDeque<Fault>,
    passed_on: usize,
}

impl Plan {
    pub(super) fn add(&self, faults: impl IntoIterator<Item = Fault>) {
        self.0.lock().faults.extend(faults);
    }

    /// How many requests that change something have reached the server.
    pub(super) fn passed_on(&self) -> usize {
        self.0.lock().passed_on
    }

    fn next(&self, request: &str) -> Option<Fault> {
        if !request.to_ascii_lowercase().contains("x-amz-target: dynamodb_20120810.transactwriteitems") {
            return None;
        }
        let mut state = self.0.lock();
        let fault = state.faults.pop_front();
        if matches!(fault, None | Some(Fault::AnswerLost)) {
            state.passed_on += 1;
        }
        fault
    }
}

/// Stands between a client and the server; answers its own endpoint.
pub(super) async fn start(plan: Plan) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let plan = plan.clone();
            tokio::spawn(async move {
                // A client that goes away needs no answer.
                let _ = exchange(client, &plan).await;
            });
        }
    });
    format!("http://{address}")
}

/// One request and its answer; then the connection ends.
async fn exchange(mut client: TcpStream, plan: &Plan) -> std::io::Result<()> {
    let (head, body) = read_request(&mut client).await?;
    let fault = plan.next(&head);
    let answer = match fault {
        Some(Fault::RequestLost) => return Ok(()),
        Some(Fault::Answered(status, kind)) => {
            let body = format!("{{\"__type\":\"com.amazonaws.dynamodb.v20120810#{kind}\",\"message\":\"as it was told to\"}}");
            format!("HTTP/1.1 {status} No\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {}\r\n\r\n{body}", body.len())
                .into_bytes()
        }
        None | Some(Fault::AnswerLost) => {
            let endpoint = super::server();
            let mut server = TcpStream::connect(endpoint.trim_start_matches("http://")).await?;
            let (line, rest) = head.split_once("\r\n").unwrap();
            server.write_all(format!("{line}\r\nconnection: close\r\n{rest}").as_bytes()).await?;
            server.write_all(&body).await?;
            let mut answer = Vec::new();
            server.read_to_end(&mut answer).await?;
            answer
        }
    };
    if !matches!(fault, Some(Fault::AnswerLost)) {
        client.write_all(&answer).await?;
    }
    client.shutdown().await
}

/// The head of a request with its empty line, and its body.
async fn read_request(client: &mut TcpStream) -> std::io::Result<(String, Vec<u8>)> {
    let mut read = Vec::new();
    loop {
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            let body = read.split_off(end + 4);
            let head = String::from_utf8(read).unwrap();
            let length =
                head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:").map(str::trim).map(str::to_owned));
            let length: usize = length.map_or(0, |length| length.parse().unwrap());
            let mut body = body;
            while body.len() < length {
                if client.read_buf(&mut body).await? == 0 {
                    return Err(std::io::ErrorKind::UnexpectedEof.into());
                }
            }
            return Ok((head, body));
        }
        if client.read_buf(&mut read).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
}
