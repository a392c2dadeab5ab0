//! The real victim: the `bursar` binary, its store in a directory, its bank inside it or in a process beside it.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;

use super::disk::{Failing, FailingDisk};
use super::plan::number;
use super::{Books, Fault, Moved, Victim};
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
    /// A server of its own, which may go on while ours is killed, and the other way round.
    Beside,
}

/// Where a fault is.
enum Place {
    Disk(Failing),
    Server,
    Bank,
}

const fn place_of(fault: Fault) -> Place {
    match fault {
        Fault::Sync => Place::Disk(Failing::Sync),
        Fault::Space => Place::Disk(Failing::Space),
        Fault::Power => Place::Disk(Failing::Power),
        Fault::Pause => Place::Server,
        Fault::BankPause => Place::Bank,
    }
}

/// The binary under test.
#[derive(Debug)]
pub struct Binary {
    program: PathBuf,
    directory: PathBuf,
    launch: Launch,
    disk: FailingDisk,
    address: SocketAddr,
    server: Option<Server>,
    bank_launch: Launch,
    bank: Option<Server>,
    place: Bank,
}

impl Binary {
    /// Prepares a campaign in an empty directory; starts the bank if it is to be beside.
    ///
    /// # Errors
    /// If no port is free, the bank does not start or there is no C compiler.
    pub async fn prepare(program: &Path, directory: &Path, place: Bank) -> Result<Self, Error> {
        let address = free_address(None)?;
        let directory = &directory.canonicalize()?;
        let programs = Programs { bursar: program.to_owned(), bench: PathBuf::new() };
        let mut launch = programs.launch(Kind::Bursar, directory);
        // The address stays the same over all restarts, as a shop would have it.
        if let Some(listen) = launch.arguments.last_mut() {
            *listen = address.to_string().into();
        }
        let disk = FailingDisk::prepare(directory, directory.join("store").join("bursar.db")).await?;
        launch.environment.extend(disk.environment());
        let listen = match place {
            // Started only to be asked for its books.
            Bank::Inside => SocketAddr::from(([127, 0, 0, 1], 0)),
            Bank::Beside => free_address(Some(address))?,
        };
        let bank_launch = bank_launch(program, directory, place, listen);
        let bank = match place {
            Bank::Inside => None,
            Bank::Beside => {
                launch.arguments.extend(["--bank".into(), format!("http://{listen}").into()]);
                Some(bank_launch.start().await?)
            }
        };
        let (program, directory) = (program.to_owned(), directory.to_owned());
        Ok(Self { program, directory, launch, disk, address, server: None, bank_launch, bank, place })
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

    /// Asks the bank beside, or one that is started for this on the books of the bank inside.
    async fn with_bank<T>(&self, ask: impl AsyncFnOnce(&Self, SocketAddr) -> Result<T, Error>) -> Result<T, Error> {
        if let Some(bank) = &self.bank {
            return ask(self, bank.address).await;
        }
        let bank = self.bank_launch.start().await?;
        let answer = ask(self, bank.address).await;
        bank.stop().await?;
        answer
    }
}

fn bank_launch(program: &Path, directory: &Path, place: Bank, listen: SocketAddr) -> Launch {
    let books = match place {
        // Where the server keeps the books of the bank inside it.
        Bank::Inside => directory.join("store").join("bank.db"),
        Bank::Beside => directory.join("bank").join("books.db"),
    };
    Launch {
        program: program.to_owned(),
        arguments: vec!["bank-simulator".into(), "--listen".into(), listen.to_string().into(), "--books".into(), books.into()],
        environment: std::collections::BTreeMap::from([("RUST_LOG".to_owned(), "warn".to_owned())]),
        log: Some(directory.join("bank.log")),
        has_readiness: false,
    }
}

/// A port that is free now and outside the range from which the system takes ports for connections, where the
/// clients' own connections could take it while the server is down; above one that is spoken for.
fn free_address(above: Option<SocketAddr>) -> Result<SocketAddr, Error> {
    let any = 20_000_u16.saturating_add(u16::try_from(std::process::id() % 10_000).unwrap_or(0));
    let start = above.map_or(any, |address| address.port().saturating_add(1));
    (start..start.saturating_add(1000))
        .find_map(|port| TcpListener::bind(("127.0.0.1", port)).and_then(|listener| listener.local_addr()).ok())
        .ok_or(Error::NoPort)
}

async fn ask_for_books(address: SocketAddr) -> Result<Books, Error> {
    let request = format!("GET /books HTTP/1.1\r\nhost: {address}\r\n\r\n");
    let answer = Client::new(address, PATIENCE).send(request.as_bytes()).await?;
    if !answer.is_success() {
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        return Err(Error::Unexpected { what: "the bank's books", status: answer.status, body });
    }
    Ok(books_of(&answer.json()))
}

impl Victim for Binary {
    fn address(&self) -> SocketAddr {
        self.address
    }

    async fn start(&mut self) -> Result<(), Error> {
        self.server = Some(self.launch.start().await?);
        match (self.place, &self.bank) {
            (Bank::Beside, None) => self.start_bank().await,
            (Bank::Beside, Some(_)) | (Bank::Inside, _) => Ok(()),
        }
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

    fn has_bank_beside(&self) -> bool {
        self.place == Bank::Beside
    }

    async fn start_bank(&mut self) -> Result<(), Error> {
        self.bank = Some(self.bank_launch.start().await?);
        Ok(())
    }

    async fn kill_bank(&mut self) -> Result<(), Error> {
        match self.bank.take() {
            Some(bank) => bank.kill().await,
            None => Ok(()),
        }
    }

    fn begin_fault(&mut self, fault: Fault) -> Result<(), Error> {
        match place_of(fault) {
            Place::Disk(failing) => self.disk.begin(failing),
            Place::Server => self.server.as_ref().map_or(Ok(()), |server| server.pause(true)),
            Place::Bank => self.bank.as_ref().map_or(Ok(()), |bank| bank.pause(true)),
        }
    }

    fn end_fault(&mut self, fault: Fault) -> Result<bool, Error> {
        let paused = match place_of(fault) {
            Place::Disk(failing) => return self.disk.end(failing),
            Place::Server => &self.server,
            Place::Bank => &self.bank,
        };
        // One that was killed meanwhile has stood still, too.
        paused.as_ref().map_or(Ok(()), |server| server.pause(false))?;
        Ok(true)
    }

    async fn stop(&mut self) -> Result<(), Error> {
        match self.server.take() {
            Some(server) => server.stop().await,
            None => Ok(()),
        }
    }

    async fn verify(&mut self) -> Result<Vec<String>, Error> {
        self.with_bank(async |binary, bank| {
            let mut command = Command::new(&binary.program);
            command.arg("verify").arg("--store").arg(store_url(&binary.directory)).arg("--bank").arg(format!("http://{bank}"));
            let output = command.kill_on_drop(true).output().await?;
            if output.status.success() {
                return Ok(Vec::new());
            }
            let both = [output.stdout, output.stderr].concat();
            let text = String::from_utf8_lossy(&both);
            let mut differences: Vec<String> = text.lines().take(DIFFERENCES_MAX).map(str::to_owned).collect();
            differences.push(format!("ended with {}", output.status));
            Ok(differences)
        })
        .await
    }

    async fn bank_books(&mut self) -> Result<Books, Error> {
        self.with_bank(async |_, bank| ask_for_books(bank).await).await
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
