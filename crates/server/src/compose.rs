//! Composition: which engine and which connector a server is put together with.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use domain::audit::signing::SigningKey;
use domain::time::Timestamp;
use payments::platform::TestCard;
use payments::ports::{Clock, Entropy};
use payments::vault::{KEY_LENGTH, Vault};
use payments::{By, Error, Parts, Platform};
use providers::Connector;
use providers::simulator::client::{RemoteSimulator, Timeouts};
use providers::simulator::{self, Location, Simulator};
use store::Store;
use store::embedded::{Embedded, Options};
use store::memory::Memory;

use crate::api::App;
use crate::presenter::ApiPresenter;

/// How a server is to be put together.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `memory:` or `sqlite:PATH`.
    pub store: String,
    /// A bank simulator's address; in process when `None`.
    pub bank: Option<String>,
    /// The vault's key, 64 hexadecimal digits; a key file beside the store when `None`.
    pub vault_key: Option<String>,
    /// The file of the key that signs the audit trail's chain; it stays unsigned when `None`.
    pub audit_signing_key: Option<PathBuf>,
    /// Where browsers reach this server.
    pub public_url: String,
}

/// A server put together.
pub struct Composed {
    /// The handlers' share.
    pub app: Arc<App>,
    /// The bank, when it is in process: its pages are served with ours.
    pub bank: Option<Arc<Simulator>>,
}

/// Why a server could not be put together.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SetupError(pub String);

fn failed(what: &str, why: impl std::fmt::Display) -> SetupError {
    SetupError(format!("{what}: {why}"))
}

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Error> {
        aws_lc_rs::rand::fill(bytes).map_err(|_| Error::Internal("no randomness".to_owned()))
    }
}

/// Whoever runs this program, by the name of their account at the operating system.
#[must_use]
pub fn operator() -> By {
    By::operator(&whoami::username().unwrap_or_else(|_| "unknown".to_owned()))
}

/// Where the URL says the store is; `None` is memory.
///
/// # Errors
/// No engine has that URL.
pub fn store_path(url: &str) -> Result<Option<PathBuf>, SetupError> {
    match url.split_once(':') {
        Some(("memory", _)) => Ok(None),
        Some(("sqlite", path)) if !path.is_empty() => Ok(Some(PathBuf::from(path))),
        _ => Err(SetupError("the store must be memory: or sqlite:PATH".to_owned())),
    }
}

/// Puts a server together.
///
/// # Errors
/// The store is in use or cannot be opened, or the key cannot be read.
pub fn compose(settings: &Settings) -> Result<Composed, SetupError> {
    let path = store_path(&settings.store)?;
    let store: Arc<dyn Store> = match &path {
        Some(path) => Arc::new(Embedded::open(path, Options::default()).map_err(|e| failed("the store", e))?),
        None => Arc::new(Memory::new()),
    };
    let directory = path.as_deref().and_then(Path::parent).map(Path::to_path_buf);
    let (bank, connector) = bank(settings, directory.as_deref())?;
    let key = vault_key(settings, directory.as_deref())?;
    let signing_key = settings.audit_signing_key.as_deref().map(signing_key).transpose()?;
    let (platform, presenter) = platform(store, vec![connector], &key, &settings.public_url, signing_key)?;
    Ok(Composed { app: Arc::new(App::new(Arc::new(platform), presenter)), bank })
}

/// The key in a file, which signs the audit trail's chain.
///
/// # Errors
/// The file cannot be read, or holds no such key.
pub fn signing_key(path: &Path) -> Result<SigningKey, SetupError> {
    let text = std::fs::read_to_string(path).map(zeroize::Zeroizing::new);
    let text = text.map_err(|e| failed(&format!("the signing key {}", path.display()), e))?;
    SigningKey::from_pem(&text).map_err(|e| failed(&format!("the signing key {}", path.display()), e))
}

/// A platform that keeps accounts and keys and the audit trail, and carries no payment out: no connector, and a vault that no
/// server shares.
///
/// # Errors
/// There is no randomness.
pub fn without_payments(store: Arc<dyn Store>, signing_key: Option<SigningKey>) -> Result<Platform, SetupError> {
    let mut key = [0u8; KEY_LENGTH];
    aws_lc_rs::rand::fill(&mut key).map_err(|e| failed("randomness", e))?;
    let (platform, _) = platform(store, Vec::new(), &key, "", signing_key)?;
    Ok(platform)
}

/// Joins an open store and a connector: one server of possibly several on that store.
///
/// # Errors
/// The key cannot be used.
pub fn join(
    store: Arc<dyn Store>,
    connector: Arc<dyn Connector>,
    key: &[u8; KEY_LENGTH],
    public_url: &str,
) -> Result<Arc<App>, SetupError> {
    let (platform, presenter) = platform(store, vec![connector], key, public_url, None)?;
    Ok(Arc::new(App::new(Arc::new(platform), presenter)))
}

fn platform(
    store: Arc<dyn Store>,
    connectors: Vec<Arc<dyn Connector>>,
    key: &[u8; KEY_LENGTH],
    public_url: &str,
    audit_signing_key: Option<SigningKey>,
) -> Result<(Platform, Arc<ApiPresenter>), SetupError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let presenter = Arc::new(ApiPresenter::new(Arc::clone(&store), Arc::clone(&clock)));
    let platform = Platform::new(Parts {
        store,
        connectors,
        clock,
        vault: Vault::new(key, Arc::clone(&entropy)).map_err(|e| failed("the vault", e))?,
        entropy,
        presenter: Arc::<ApiPresenter>::clone(&presenter),
        fingerprint_key: derived(key),
        audit_signing_key,
        public_url: public_url.to_owned(),
        test_card,
    });
    Ok((platform, presenter))
}

type Bank = (Option<Arc<Simulator>>, Arc<dyn Connector>);

fn bank(settings: &Settings, directory: Option<&Path>) -> Result<Bank, SetupError> {
    if let Some(url) = &settings.bank {
        let remote = RemoteSimulator::new(url, Timeouts::default()).map_err(|e| failed("the bank", e))?;
        return Ok((None, Arc::new(remote)));
    }
    let location = directory.map_or(Location::Memory, |d| Location::File(d.join("bank.db")));
    let options = simulator::Options { public_base: settings.public_url.clone(), ..simulator::Options::default() };
    let bank = Arc::new(Simulator::open(&location, options).map_err(|e| failed("the bank", e))?);
    Ok((Some(Arc::clone(&bank)), bank))
}

/// Fingerprints have a key of their own, so that knowing one does not help with the vault.
fn derived(key: &[u8; KEY_LENGTH]) -> [u8; 32] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), b"bursar fingerprints");
    let mut derived = [0u8; 32];
    for (to, from) in derived.iter_mut().zip(tag.as_ref()) {
        *to = *from;
    }
    derived
}

fn vault_key(settings: &Settings, directory: Option<&Path>) -> Result<[u8; KEY_LENGTH], SetupError> {
    let text = match (&settings.vault_key, directory) {
        (Some(text), _) => text.clone(),
        (None, Some(directory)) => key_file(&directory.join("vault.key")).map_err(|e| failed("the vault's key file", e))?,
        (None, None) => fresh_key().map_err(|e| failed("the vault's key", e))?,
    };
    let bytes = hex::decode(text.trim()).ok().and_then(|b| <[u8; KEY_LENGTH]>::try_from(b).ok());
    bytes.ok_or_else(|| SetupError("the vault's key must be 64 hexadecimal digits".to_owned()))
}

fn fresh_key() -> io::Result<String> {
    let mut bytes = [0u8; KEY_LENGTH];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| io::Error::other("no randomness"))?;
    Ok(hex::encode(bytes))
}

/// Reads the key file, or makes it: readable by its owner only, and on the disk before it is used.
fn key_file(path: &Path) -> io::Result<String> {
    use std::os::unix::fs::OpenOptionsExt as _;
    match std::fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        found => return found,
    }
    let text = fresh_key()?;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(text)
}

/// The year test cards expire in; far enough ahead.
const TEST_EXPIRY: (i64, i64) = (12, 2040);

fn test_card(name: &str) -> Option<TestCard> {
    let card = simulator::test_cards::lookup(name)?;
    let american = card.number.starts_with('3') && card.number.len() == 15;
    Some(TestCard { number: card.number, exp_month: TEST_EXPIRY.0, exp_year: TEST_EXPIRY.1, cvc: if american { "1234" } else { "123" } })
}
