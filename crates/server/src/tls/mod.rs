//! TLS: a certificate and its key, in files that are read again when they change, or from a certificate authority ([`acme`]).
//!
//! Certificates live for weeks, and what renews them writes files: a server goes on with the new ones and need not start again.
//! Files that cannot be used leave it with those it has, and are tried at each look, since certificate and key are never written at
//! the same moment. HTTP/2 is offered beside HTTP/1.1. Absent on purpose: certificates of clients.

pub mod acme;
mod order;
mod resolver;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::RwLock;

use self::acme::Acme;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};

/// Between two looks whether the files have changed.
const LOOK_PAUSE: Duration = Duration::from_secs(5);
/// What is offered, the best first.
pub(crate) const HTTP_2: &[u8] = b"h2";
const HTTP_1: &[u8] = b"http/1.1";

/// Why a certificate cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{path}: {why}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        why: io::Error,
    },
    /// A file holds nothing of the kind.
    #[error("{path}: {why}")]
    Content {
        /// Which.
        path: PathBuf,
        /// Why.
        why: pem::Error,
    },
    /// There is no certificate in the file.
    #[error("{0}: there is no certificate in it")]
    Empty(PathBuf),
    /// The certificate authority cannot be asked.
    #[error("the certificate authority: {0}")]
    Authority(String),
    /// Certificate and key cannot be used, or not together.
    #[error("the certificate and its key: {0}")]
    Pair(#[from] tokio_rustls::rustls::Error),
}

/// Where certificate and key are.
#[derive(Clone, Debug)]
pub struct Files {
    /// The certificate, with those that lead to its issuer after it; PEM.
    pub certificate: PathBuf,
    /// Its private key; PEM.
    pub key: PathBuf,
}

/// When a file was written and how long it is: one that was written anew differs.
type Stamp = Option<(SystemTime, u64)>;

/// Where certificates come from.
enum Source {
    Files(Files),
    Authority(Acme),
}

/// What connections are encrypted with.
pub struct Tls {
    source: Source,
    config: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// They cannot be read or used.
    pub fn open(files: Files) -> Result<Self, TlsError> {
        let config = RwLock::new(Arc::new(config(&files)?));
        Ok(Self { source: Source::Files(files), config })
    }

    /// With certificates of an authority. Until there is one, no connection is made but the authority's own.
    ///
    /// # Errors
    /// The folder cannot be used, or the authority's root is no certificate.
    pub fn certified(settings: acme::Settings) -> Result<Self, TlsError> {
        let acme = Acme::open(settings)?;
        let config = RwLock::new(Arc::new(acme.config()?));
        Ok(Self { source: Source::Authority(acme), config })
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config.read()))
    }

    /// Reads the files again whenever they have changed, or has certificates renewed, until it is dropped.
    pub(crate) async fn keep_up(&self) {
        match &self.source {
            Source::Files(files) => self.keep_up_with(files, LOOK_PAUSE).await,
            Source::Authority(acme) => acme.keep_up().await,
        }
    }

    async fn keep_up_with(&self, files: &Files, pause: Duration) {
        let mut used = files.stamps();
        loop {
            tokio::time::sleep(pause).await;
            let found = files.stamps();
            if found == used {
                continue;
            }
            match config(files) {
                Ok(config) => {
                    *self.config.write() = Arc::new(config);
                    used = found;
                    tracing::info!("the certificate was read again");
                }
                Err(error) => tracing::warn!(%error, "the new certificate cannot be used: the one before still is"),
            }
        }
    }

    /// The same as [`keep_up`](Self::keep_up), looking as often.
    #[cfg(test)]
    pub(crate) async fn keep_up_every(&self, pause: Duration) {
        if let Source::Files(files) = &self.source {
            self.keep_up_with(files, pause).await;
        }
    }
}

impl Files {
    fn stamps(&self) -> [Stamp; 2] {
        [&self.certificate, &self.key].map(|path| {
            let about = std::fs::metadata(path).ok()?;
            Some((about.modified().ok()?, about.len()))
        })
    }
}

fn config(files: &Files) -> Result<ServerConfig, TlsError> {
    let content = |path: &Path| {
        let path = path.to_owned();
        |why| TlsError::Content { path, why }
    };
    let pem = read(&files.certificate)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let chain = chain.map_err(content(&files.certificate))?;
    if chain.is_empty() {
        return Err(TlsError::Empty(files.certificate.clone()));
    }
    let key = PrivateKeyDer::from_pem_slice(&read(&files.key)?).map_err(content(&files.key))?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = builder.with_no_client_auth().with_single_cert(chain, key)?;
    config.alpn_protocols = vec![HTTP_2.to_vec(), HTTP_1.to_vec()];
    Ok(config)
}

fn read(path: &Path) -> Result<zeroize::Zeroizing<Vec<u8>>, TlsError> {
    let read = std::fs::read(path).map(zeroize::Zeroizing::new);
    read.map_err(|why| TlsError::File { path: path.to_owned(), why })
}
