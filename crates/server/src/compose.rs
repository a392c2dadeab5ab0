//! Composition: which engine and which connector a server is put together with.

use std::io::{self, Write as _};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use domain::audit::signing::SigningKey;
use domain::time::Timestamp;
use payments::platform::TestCard;
use payments::ports::{Clock, Delivering, Entropy};
use payments::vault::{KEY_LENGTH, Vault};
use payments::{By, Error, Parts, Platform};
use providers::Connector;
use providers::simulator::client::{RemoteSimulator, Timeouts};
use providers::simulator::{self, Location, Simulator};
use store::Store;

use crate::api::App;
use crate::connections::TrustedProxies;
use crate::engines::{Address, Purpose};
use crate::limits::{Limits, Rules};
use crate::metrics::{MeteredConnector, MeteredCourier, MeteredStore, Meters};
use crate::presenter::ApiPresenter;
use crate::tls::Tls;
use crate::traces::{TracedConnector, TracedCourier, TracedStore};
use crate::webhooks::{HttpCourier, Reach};

/// How a server is to be put together.
#[derive(Clone)]
pub struct Settings {
    /// Where the store is, see [`Address::parse`].
    pub store: String,
    /// A bank simulator's address; `memory:` is one in process that keeps nothing. Where the store is a file, one in
    /// process beside it when `None`.
    pub bank: Option<String>,
    /// The vault's key, 64 hexadecimal digits. Where the store is a file, a key file beside it when `None`.
    pub vault_key: Option<String>,
    /// The file of the key that signs the audit trail's chain; it stays unsigned when `None`.
    pub audit_signing_key: Option<PathBuf>,
    /// Where browsers reach this server.
    pub public_url: String,
    /// How shops are told of what happens.
    pub webhooks: Webhooks,
}

/// How shops are told of what happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Webhooks {
    /// At once, and again when it is due.
    AtOnce(Reach),
    /// When the background jobs are told to run, for a process that stands still otherwise.
    WhenTold(Reach),
}

impl Webhooks {
    fn delivering(self, meters: &Meters) -> Result<Delivering, SetupError> {
        let courier = |reach| HttpCourier::new(reach).map(|courier| TracedCourier::over(MeteredCourier::over(Arc::new(courier), meters)));
        match self {
            Self::AtOnce(reach) => courier(reach).map(Delivering::AtOnce),
            Self::WhenTold(reach) => courier(reach).map(Delivering::WhenTold),
        }
    }
}

/// A server put together.
pub struct Composed {
    /// The handlers' share.
    pub app: Arc<App>,
    /// The bank, when it is in process: its pages are served with ours.
    pub bank: Option<Arc<Simulator>>,
    /// So many connections may be open; `None` is as many as come.
    pub connections: Option<NonZeroUsize>,
    /// What connections are encrypted with; they are not when `None`.
    pub tls: Option<Arc<Tls>>,
    /// Whose word is taken for where requests come from.
    pub proxies: Arc<TrustedProxies>,
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

/// The operating system's randomness.
pub struct SystemEntropy;

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

/// Puts a server together.
///
/// # Errors
/// The store is in use or cannot be opened, or the key cannot be read.
pub async fn compose(settings: &Settings) -> Result<Composed, SetupError> {
    compose_limited(settings, &Meters::off(), &Rules::default()).await
}

/// Puts a server together that counts what happens.
///
/// # Errors
/// As [`compose`].
pub async fn compose_measured(settings: &Settings, meters: &Meters) -> Result<Composed, SetupError> {
    compose_limited(settings, meters, &Rules::default()).await
}

/// Puts a server together that counts what happens, and holds its clients to rules.
///
/// # Errors
/// As [`compose`].
pub async fn compose_limited(settings: &Settings, meters: &Meters, rules: &Rules) -> Result<Composed, SetupError> {
    let address = Address::parse(&settings.store)?;
    check_shared(settings, &address)?;
    let store = TracedStore::over(MeteredStore::over(address.open(Purpose::Serve).await?, meters));
    let (bank, connector) = bank(settings, &address)?;
    let limits = Limits::new(rules);
    let connector = limits.watch(TracedConnector::over(MeteredConnector::over(connector, meters)));
    let key = vault_key(settings, &address)?;
    let signing_key = settings.audit_signing_key.as_deref().map(signing_key).transpose()?;
    let outside = Outside { connectors: vec![connector], delivering: settings.webhooks.delivering(meters)? };
    let (platform, presenter) = platform(store, outside, &key, &settings.public_url, signing_key)?;
    let mut app = App::new(Arc::new(platform), presenter);
    app.meters = meters.clone();
    app.limits = limits;
    Ok(Composed { app: Arc::new(app), bank, connections: rules.connections, tls: None, proxies: Arc::default() })
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
    let (platform, _) = platform(store, Outside::default(), &key, "", signing_key)?;
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
    let outside = Outside { connectors: vec![connector], delivering: Delivering::Never };
    let (platform, presenter) = platform(store, outside, key, public_url, None)?;
    Ok(Arc::new(App::new(Arc::new(platform), presenter)))
}

/// What a platform reaches of the world.
#[derive(Default)]
struct Outside {
    connectors: Vec<Arc<dyn Connector>>,
    delivering: Delivering,
}

fn platform(
    store: Arc<dyn Store>,
    outside: Outside,
    key: &[u8; KEY_LENGTH],
    public_url: &str,
    audit_signing_key: Option<SigningKey>,
) -> Result<(Platform, Arc<ApiPresenter>), SetupError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let presenter = Arc::new(ApiPresenter::new(Arc::clone(&store), Arc::clone(&clock)));
    let platform = Platform::new(Parts {
        store,
        connectors: outside.connectors,
        clock,
        vault: Vault::new(key, Arc::clone(&entropy)).map_err(|e| failed("the vault", e))?,
        entropy,
        presenter: Arc::<ApiPresenter>::clone(&presenter),
        fingerprint_key: derived(key),
        audit_signing_key,
        public_url: public_url.to_owned(),
        test_card,
        delivering: outside.delivering,
    });
    Ok((platform, presenter))
}

type Bank = (Option<Arc<Simulator>>, Arc<dyn Connector>);

/// The address of a bank that keeps nothing.
const FORGETFUL_BANK: &str = "memory:";

/// Servers that share a store must share the bank and the vault's key, too: one that had a bank of its own would find that
/// it never heard of what another one sent, and could not open the cards that another one sealed.
fn check_shared(settings: &Settings, address: &Address) -> Result<(), SetupError> {
    if !address.is_shared() {
        return Ok(());
    }
    if settings.vault_key.is_none() {
        return Err(no_shared_key());
    }
    if settings.bank.is_none() {
        return Err(SetupError(
            "servers that share a store share a bank: start `bursar bank-simulator` and give its address with --bank \
             (--bank memory: is a bank in this process that forgets everything with it, for a try)"
                .to_owned(),
        ));
    }
    Ok(())
}

fn no_shared_key() -> SetupError {
    SetupError(
        "such a store has no key file beside it: give every server the same vault's key, 64 hexadecimal digits, as \
         BURSAR_VAULT_KEY or in a file that --vault-key-file names"
            .to_owned(),
    )
}

fn bank(settings: &Settings, address: &Address) -> Result<Bank, SetupError> {
    let location = match (settings.bank.as_deref(), address.directory()) {
        (None, Some(directory)) => Location::File(directory.join("bank.db")),
        (None | Some(FORGETFUL_BANK), _) => Location::Memory,
        (Some(url), _) => {
            let remote = RemoteSimulator::new(url, Timeouts::default()).map_err(|e| failed("the bank", e))?;
            return Ok((None, Arc::new(remote)));
        }
    };
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

fn vault_key(settings: &Settings, address: &Address) -> Result<[u8; KEY_LENGTH], SetupError> {
    let text = match (&settings.vault_key, address) {
        (Some(text), _) => text.clone(),
        (None, Address::File(path)) => {
            let path = path.parent().unwrap_or_else(|| Path::new("")).join("vault.key");
            key_file(&path).map_err(|e| failed("the vault's key file", e))?
        }
        (None, Address::Memory) => fresh_key().map_err(|e| failed("the vault's key", e))?,
        (None, Address::Database(_) | Address::Table(_)) => return Err(no_shared_key()),
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

#[cfg(test)]
mod tests {
    use super::*;

    async fn complaint(vault_key: Option<&str>, bank: Option<&str>) -> String {
        let settings = Settings {
            store: "postgres://u:hush@127.0.0.1:1/d".to_owned(),
            bank: bank.map(str::to_owned),
            vault_key: vault_key.map(str::to_owned),
            audit_signing_key: None,
            public_url: String::new(),
            webhooks: Webhooks::AtOnce(Reach::Public),
        };
        compose(&settings).await.err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[tokio::test]
    async fn servers_on_a_database_are_told_which_key_and_which_bank() {
        let key = "00".repeat(KEY_LENGTH);
        assert!(complaint(None, Some("memory:")).await.contains("BURSAR_VAULT_KEY"));
        assert!(complaint(Some(&key), None).await.contains("--bank"));
        assert!(complaint(Some(&key), Some("memory:")).await.contains("the database cannot be used"));
    }
}
