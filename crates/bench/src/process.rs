//! The server under test as a child process: started, watched, stopped, killed.
//!
//! A server says `listening on http://…` on its standard output and is ready when `/readyz` answers 200.
//! Whatever happens here, the child does not outlive its owner.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::Error;
use crate::http::Client;

/// Ready after a crash on a large store is two seconds by the targets; this is where patience ends.
const START_PATIENCE: Duration = Duration::from_secs(60);
/// A graceful stop finishes what was begun and leaves the store merged into one file.
const STOP_PATIENCE: Duration = Duration::from_secs(30);
/// Pause between two looks at `/readyz`.
const READY_PAUSE: Duration = Duration::from_millis(2);
/// What a server prints before its address.
const ANNOUNCEMENT: &str = "listening on http://";
/// So much of the end of a log is told: some lines.
const LOG_END: u64 = 2_000;
/// Length of a tick of CPU time in `/proc`: Linux shows 100 a second to programs whatever its own clock.
const TICK: Duration = Duration::from_millis(10);

/// How to start a server.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The binary.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Environment variables beside the inherited ones.
    pub environment: BTreeMap<String, String>,
    /// Where its standard error goes; nowhere if none.
    pub log: Option<PathBuf>,
    /// Whether it has `/readyz`; if not, its announcement is enough.
    pub has_readiness: bool,
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    child: Child,
    log: Option<PathBuf>,
    /// Where it listens.
    pub address: SocketAddr,
    /// Its process.
    pub pid: u32,
    /// From the start of the process until it was ready.
    pub start_time: Duration,
}

/// A process that was started and may not be listening yet.
#[derive(Debug)]
pub struct Starting {
    child: Child,
    log: Option<PathBuf>,
    lines: Lines<BufReader<ChildStdout>>,
    began: Instant,
    has_readiness: bool,
}

impl Launch {
    /// Starts the process, and waits for nothing.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn spawn(&self) -> Result<Starting, Error> {
        let began = Instant::now();
        let log = match &self.log {
            Some(path) => Stdio::from(std::fs::File::options().create(true).append(true).open(path)?),
            None => Stdio::null(),
        };
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .envs(&self.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| Error::Program { program: self.program.clone(), source })?;
        let stdout = child.stdout.take().ok_or(Error::Worker)?;
        Ok(Starting { child, log: self.log.clone(), lines: BufReader::new(stdout).lines(), began, has_readiness: self.has_readiness })
    }

    /// Starts the process and waits until it is ready.
    ///
    /// # Errors
    /// If it cannot be started, ends, or is not ready in time.
    pub async fn start(&self) -> Result<Server, Error> {
        self.spawn()?.ready().await
    }
}

impl Starting {
    /// Waits until the server is ready.
    ///
    /// # Errors
    /// If it ends or is not ready in time.
    pub async fn ready(mut self) -> Result<Server, Error> {
        let waited = tokio::time::timeout(START_PATIENCE, async {
            let address = self.announced().await?;
            if self.has_readiness {
                answer_ready(address).await;
            }
            Ok::<SocketAddr, Error>(address)
        });
        let address = waited.await.map_err(|_| Error::NotReady(START_PATIENCE))??;
        let start_time = self.began.elapsed();
        let pid = self.child.id().ok_or_else(|| ended(self.log.as_deref()))?;
        let mut lines = self.lines;
        // What the server prints later must not fill the pipe and stop it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Server { child: self.child, log: self.log, address, pid, start_time })
    }

    /// Kills it on its way.
    ///
    /// # Errors
    /// If the system refuses.
    pub async fn kill(mut self) -> Result<(), Error> {
        Ok(self.child.kill().await?)
    }

    async fn announced(&mut self) -> Result<SocketAddr, Error> {
        while let Some(line) = self.lines.next_line().await? {
            if let Some(address) = announced_address(&line) {
                return Ok(address);
            }
        }
        Err(ended(self.log.as_deref()))
    }
}

/// The error of a process that is gone, with the last it wrote into its log.
fn ended(log: Option<&Path>) -> Error {
    let end = |path: &Path| {
        let mut file = std::fs::File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LOG_END)))?;
        let mut bytes = Vec::new();
        file.take(LOG_END).read_to_end(&mut bytes)?;
        Ok::<String, std::io::Error>(String::from_utf8_lossy(&bytes).into_owned())
    };
    let log = log.map(|path| end(path).unwrap_or_else(|error| format!("{}: {error}", path.display())));
    Error::Ended { log: log.unwrap_or_default() }
}

fn announced_address(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once(ANNOUNCEMENT)?;
    let end = rest.find(|c: char| c == '/' || c == '"' || c.is_whitespace()).unwrap_or(rest.len());
    rest.get(..end)?.parse().ok()
}

async fn answer_ready(address: SocketAddr) {
    let request = format!("GET /readyz HTTP/1.1\r\nhost: {address}\r\n\r\n");
    let mut client = Client::new(address, START_PATIENCE);
    while !matches!(client.send(request.as_bytes()).await, Ok(answer) if answer.status == 200) {
        tokio::time::sleep(READY_PAUSE).await;
    }
}

impl Server {
    /// Ends it at once (SIGKILL), as a crash would.
    ///
    /// # Errors
    /// If the system refuses.
    pub async fn kill(mut self) -> Result<(), Error> {
        Ok(self.child.kill().await?)
    }

    /// Stops it where it is (SIGSTOP), or lets it go on (SIGCONT).
    ///
    /// # Errors
    /// If the system refuses.
    pub fn pause(&self, on: bool) -> Result<(), Error> {
        self.signal(if on { Signal::STOP } else { Signal::CONT })
    }

    fn signal(&self, signal: Signal) -> Result<(), Error> {
        match i32::try_from(self.pid).ok().and_then(Pid::from_raw) {
            Some(pid) => Ok(kill_process(pid, signal).map_err(std::io::Error::from)?),
            None => Err(ended(self.log.as_deref())),
        }
    }

    /// Asks it to finish (SIGTERM) and waits for its end; killed when that takes too long.
    ///
    /// # Errors
    /// If it does not end in time or ends with a failure.
    pub async fn stop(mut self) -> Result<(), Error> {
        self.signal(Signal::TERM)?;
        match tokio::time::timeout(STOP_PATIENCE, self.child.wait()).await {
            Ok(status) => status?.success().then_some(()).ok_or_else(|| ended(self.log.as_deref())),
            Err(_) => {
                self.child.kill().await?;
                Err(Error::NotStopped(STOP_PATIENCE))
            }
        }
    }
}

/// What a process has used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// CPU time, user and system.
    pub cpu: Duration,
    /// Resident memory, in bytes.
    pub memory: u64,
    /// The most it was, in bytes.
    pub memory_peak: u64,
}

impl Usage {
    /// Of a running process; none if it is gone.
    #[must_use]
    pub fn of(pid: u32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        Some(Self {
            cpu: cpu_of(&stat)?,
            memory: kilobytes_of(&status, "VmRSS:")?.saturating_mul(1024),
            memory_peak: kilobytes_of(&status, "VmHWM:")?.saturating_mul(1024),
        })
    }
}

fn cpu_of(stat: &str) -> Option<Duration> {
    // The name in parentheses may hold spaces; the fields counted here start after it with the third.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    TICK.checked_mul(user.checked_add(system)?)
}

fn kilobytes_of(status: &str, field: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Launch {
        Launch {
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), script.into()],
            environment: BTreeMap::new(),
            log: None,
            has_readiness: false,
        }
    }

    #[test]
    fn the_address_is_read_from_the_announcement() {
        let expected: SocketAddr = "127.0.0.1:8420".parse().unwrap();
        assert_eq!(announced_address("listening on http://127.0.0.1:8420"), Some(expected));
        assert_eq!(announced_address("bursar listening on http://127.0.0.1:8420/ (test)"), Some(expected));
        assert_eq!(announced_address("{\"message\":\"listening on http://127.0.0.1:8420\"}"), Some(expected));
        assert_eq!(announced_address("hello"), None);
    }

    #[test]
    fn cpu_and_memory_are_read_from_proc() {
        let stat = "42 (a b) c) S 1 1 1 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 4 0 100 1000 200";
        assert_eq!(cpu_of(stat), Some(Duration::from_secs(3)));
        assert_eq!(kilobytes_of("VmHWM:\t  120 kB\nVmRSS:\t  100 kB\n", "VmRSS:"), Some(100));
        assert!(Usage::of(std::process::id()).unwrap().memory > 0);
    }

    #[tokio::test]
    async fn a_server_is_ready_when_it_announces_itself_and_stops_when_asked() {
        let server = shell("trap 'exit 0' TERM; echo listening on http://127.0.0.1:9; while :; do sleep 0.05; done");
        let server = server.start().await.unwrap();
        assert_eq!(server.address.port(), 9);
        server.stop().await.unwrap();
    }

    #[tokio::test]
    async fn a_process_that_ends_before_it_listens_is_an_error() {
        assert!(matches!(shell("echo oops").start().await, Err(Error::Ended { log }) if log.is_empty()));
        let folder = tempfile::tempdir().unwrap();
        let launch = Launch { log: Some(folder.path().join("log")), ..shell("head -c 5000 /dev/zero >&2; echo why >&2; exit 1") };
        let Err(Error::Ended { log }) = launch.start().await else { panic!("it is there") };
        assert!(log.len() == 2_000 && log.ends_with("why\n"), "{log}");
    }

    #[tokio::test]
    async fn a_paused_server_does_nothing_and_goes_on_when_it_may() {
        let server = shell("echo listening on http://127.0.0.1:9; while :; do :; done").start().await.unwrap();
        let stands = || std::fs::read_to_string(format!("/proc/{}/stat", server.pid)).unwrap().contains(") T ");
        // A signal takes a moment to arrive.
        for on in [true, false] {
            server.pause(on).unwrap();
            while stands() != on {
                tokio::task::yield_now().await;
            }
        }
        server.kill().await.unwrap();
    }

    #[tokio::test]
    async fn a_killed_server_is_gone() {
        let server = shell("echo listening on http://127.0.0.1:9; exec sleep 60").start().await.unwrap();
        let pid = server.pid;
        server.kill().await.unwrap();
        assert_eq!(Usage::of(pid), None);
    }
}
