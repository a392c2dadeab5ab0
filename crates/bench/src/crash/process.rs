//! The real victim: the `bursar` binary, its store in a directory, its bank inside it or in a process beside it.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;

use super::plan::number;
use super::{Books, Moved, Victim};
use crate::Error;
use crate::http::Client;
use crate::process::{Launch, Server};
use crate::target::{Kind, Programs, store_url};

/// How long the bank may take to show its books.
const PATIENCE: Duration = Duration::from_secs(30);
/// Lines of a failed check that are kept.
const DIFFERENCES_MAX: usize = 50;

/// Where the bank is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bank {
    /// In the server's own process; killed with it.
    Inside,
    /// A server of its own, which goes on while ours is killed.
    Beside,
}

/// The binary under test.
#[derive(Debug)]
pub struct Binary {
    program: PathBuf,
    directory: PathBuf,
    launch: Launch,
    address: SocketAddr,
    server: Option<Server>,
    bank: Option<Server>,
}

impl Binary {
    /// Prepares a campaign in an empty directory; starts the bank if it is to be beside.
    ///
    /// # Errors
    /// If no port is free or the bank does not start.
    pub async fn prepare(program: &Path, directory: &Path, bank: Bank) -> Result<Self, Error> {
        let address = free_address()?;
        let programs = Programs { bursar: program.to_owned(), bench: PathBuf::new() };
        let mut launch = programs.launch(Kind::Bursar, directory);
        // The address stays the same over all restarts, as a shop would have it.
        if let Some(listen) = launch.arguments.last_mut() {
            *listen = address.to_string().into();
        }
        let bank = match bank {
            Bank::Inside => None,
            Bank::Beside => Some(bank_launch(program, directory).start().await?),
        };
        if let Some(bank) = &bank {
            launch.arguments.extend(["--bank".into(), format!("http://{}", bank.address).into()]);
        }
        Ok(Self { program: program.to_owned(), directory: directory.to_owned(), launch, address, server: None, bank })
    }

    /// Ends the bank beside.
    ///
    /// # Errors
    /// If it does not end when asked.
    pub async fn finish(self) -> Result<(), Error> {
        match self.bank {
            Some(bank) => bank.stop().await,
            None => Ok(()),
        }
    }
}

fn bank_launch(program: &Path, directory: &Path) -> Launch {
    let books = directory.join("bank").join("books.db");
    Launch {
        program: program.to_owned(),
        arguments: vec![
            "bank-simulator".into(),
            "--listen".into(),
            "127.0.0.1:0".into(),
            "--store".into(),
            format!("sqlite:{}", books.display()).into(),
        ],
        environment: std::collections::BTreeMap::from([("RUST_LOG".to_owned(), "warn".to_owned())]),
        log: Some(directory.join("bank.log")),
        has_readiness: false,
    }
}

/// A port that is free now and outside the range from which the system takes ports for connections, where the
/// clients' own connections could take it while the server is down.
fn free_address() -> Result<SocketAddr, Error> {
    let start = 20_000_u16.saturating_add(u16::try_from(std::process::id() % 10_000).unwrap_or(0));
    (start..start.saturating_add(1000))
        .find_map(|port| TcpListener::bind(("127.0.0.1", port)).and_then(|listener| listener.local_addr()).ok())
        .ok_or(Error::NoPort)
}

impl Victim for Binary {
    fn address(&self) -> SocketAddr {
        self.address
    }

    async fn start(&mut self) -> Result<(), Error> {
        self.server = Some(self.launch.start().await?);
        Ok(())
    }

    async fn start_and_kill(&mut self, after: Duration) -> Result<(), Error> {
        let starting = self.launch.spawn()?;
        tokio::time::sleep(after).await;
        starting.kill().await
    }

    async fn kill(&mut self) -> Result<(), Error> {
        match self.server.take() {
            Some(server) => server.kill().await,
            None => Ok(()),
        }
    }

    async fn stop(&mut self) -> Result<(), Error> {
        match self.server.take() {
            Some(server) => server.stop().await,
            None => Ok(()),
        }
    }

    async fn verify(&mut self) -> Result<Vec<String>, Error> {
        let mut command = Command::new(&self.program);
        command.arg("verify").arg("--store").arg(store_url(&self.directory));
        if let Some(bank) = &self.bank {
            command.arg("--bank").arg(format!("http://{}", bank.address));
        }
        let output = command.kill_on_drop(true).output().await?;
        if output.status.success() {
            return Ok(Vec::new());
        }
        let both = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&both);
        let mut differences: Vec<String> = text.lines().take(DIFFERENCES_MAX).map(str::to_owned).collect();
        differences.push(format!("ended with {}", output.status));
        Ok(differences)
    }

    async fn bank_books(&mut self) -> Result<Option<Books>, Error> {
        let Some(bank) = &self.bank else { return Ok(None) };
        let request = format!("GET /books HTTP/1.1\r\nhost: {}\r\n\r\n", bank.address);
        let answer = Client::new(bank.address, PATIENCE).send(request.as_bytes()).await?;
        if !answer.is_success() {
            let body = String::from_utf8_lossy(&answer.body).into_owned();
            return Err(Error::Unexpected { what: "the bank's books", status: answer.status, body });
        }
        Ok(Some(books_of(&answer.json())))
    }
}

/// Reads `{"currencies":{"usd":{"captured":5,"refunded":1,…},…}}`.
fn books_of(body: &Value) -> Books {
    let mut books = Books::default();
    for (currency, totals) in body.get("currencies").and_then(Value::as_object).into_iter().flatten() {
        books.add(currency, number(totals, "captured"), number(totals, "refunded"));
    }
    books.0.retain(|_, moved| *moved != Moved::default());
    books
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_banks_totals_are_read_by_currency() {
        let body = serde_json::json!({"currencies": {
            "usd": {"captured": 500, "refunded": 20, "operations": 3},
            "jpy": {"captured": 0, "refunded": 0, "operations": 1},
        }});
        let mut expected = Books::default();
        expected.add("usd", 500, 20);
        assert_eq!(books_of(&body), expected);
    }
}
