//! Certificates from a certificate authority that speaks ACME (RFC 8555), as Let's Encrypt: got at the first start, kept in a folder,
//! and renewed when a third of their time is left.
//!
//! The authority sees that the names are this server's by a connection to it (TLS-ALPN-01, RFC 8737): port 443 of each name must lead
//! here, and to no other server. Absent on purpose: other proofs, names with wildcards, and servers that share certificates.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::CertifiedKey;
use x509_parser::parse_x509_certificate;
use zeroize::Zeroizing;

use super::order::{self, Failed};
use super::resolver::{CHALLENGE, Resolver};
use super::{HTTP_1, HTTP_2, TlsError};

/// Where Let's Encrypt is.
pub const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";
/// The key and the certificates that lead to its issuer; in one file, so that they are always of each other.
const CERTIFICATE: &str = "certificate.pem";

/// How long an order may take: the authority looks from several places.
const ORDER_WITHIN: Duration = Duration::from_secs(300);
/// Before an order that failed is repeated, at first; authorities allow a few failures an hour.
const FIRST_PAUSE: Duration = Duration::from_secs(15 * 60);
/// And at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(12 * 3_600);
/// Between two looks at the clock: one that was set ahead is noticed.
const LOOK_PAUSE: Duration = Duration::from_secs(3_600);

/// Whose certificates, and for what.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The names.
    pub domains: Vec<String>,
    /// Where the authority writes to, if it does.
    pub contact: Option<String>,
    /// The authority.
    pub directory: String,
    /// The certificate that the authority's own is held against, if it is none that the system trusts; PEM.
    pub root: Option<PathBuf>,
    /// Where account and certificate are kept.
    pub folder: PathBuf,
}

/// Certificates of an authority.
pub(super) struct Acme {
    settings: Settings,
    resolver: Arc<Resolver>,
}

impl Acme {
    pub(super) fn open(settings: Settings) -> Result<Self, TlsError> {
        let error = |why| TlsError::File { path: settings.folder.clone(), why };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&settings.folder).map_err(error)?;
        let acme = Self { settings, resolver: Arc::default() };
        match acme.kept() {
            Ok(Some((key, _))) => acme.resolver.serve(key),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "the certificate that was kept cannot be used: another one is asked for"),
        }
        Ok(acme)
    }

    pub(super) fn config(&self) -> Result<ServerConfig, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::clone(&self.resolver) as _);
        config.alpn_protocols = vec![HTTP_2.to_vec(), HTTP_1.to_vec(), CHALLENGE.to_vec()];
        Ok(config)
    }

    /// Has certificates renewed, until it is dropped.
    pub(super) async fn keep_up(&self) {
        let mut pause = FIRST_PAUSE;
        loop {
            if let Ok(Some((_, renewal))) = self.kept()
                && let Ok(left) = renewal.duration_since(SystemTime::now())
            {
                tokio::time::sleep(left.min(LOOK_PAUSE)).await;
                continue;
            }
            match self.renew().await {
                Ok(()) => {
                    tracing::info!(domains = ?self.settings.domains, "there is a new certificate");
                    pause = FIRST_PAUSE;
                }
                Err(error) => {
                    tracing::error!(%error, domains = ?self.settings.domains, "there is no new certificate");
                    tokio::time::sleep(pause).await;
                    pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    async fn renew(&self) -> Result<(), Failed> {
        let order = order::run(&self.settings, &self.resolver);
        let pem = tokio::time::timeout(ORDER_WITHIN, order).await.map_err(|_| Failed::Late)??;
        let (key, _) = read(pem.as_bytes())?;
        keep(&self.settings.folder, CERTIFICATE, pem.as_bytes())?;
        self.resolver.serve(key);
        Ok(())
    }

    /// What is kept, and when it is to be renewed.
    fn kept(&self) -> Result<Option<(CertifiedKey, SystemTime)>, Failed> {
        match fs::read(self.settings.folder.join(CERTIFICATE)).map(Zeroizing::new) {
            Ok(pem) => read(&pem).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// A key with its certificates, and when they are to be renewed.
fn read(pem: &[u8]) -> Result<(CertifiedKey, SystemTime), Failed> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(Failed::certificate)?;
    let key = PrivateKeyDer::from_pem_slice(pem).map_err(Failed::certificate)?;
    let renewal = renewal_of(chain.first().ok_or_else(|| Failed::certificate("there is none"))?)?;
    let key = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()).map_err(Failed::certificate)?;
    Ok((key, renewal))
}

/// When two thirds of a certificate's time are over.
fn renewal_of(certificate: &CertificateDer<'_>) -> Result<SystemTime, Failed> {
    let (_, parsed) = parse_x509_certificate(certificate).map_err(Failed::certificate)?;
    let validity = parsed.validity();
    let [from, until] = [validity.not_before, validity.not_after].map(|at| u64::try_from(at.timestamp()).unwrap_or(0));
    Ok(UNIX_EPOCH + Duration::from_secs(from) + Duration::from_secs(until.saturating_sub(from)) * 2 / 3)
}

/// Writes a file that nobody else may read; whoever reads it meanwhile sees the one before.
pub(super) fn keep(folder: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let new = folder.join(format!("{name}.new"));
    let _ = fs::remove_file(&new);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&new, folder.join(name))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn pem() -> String {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["pay.example".to_owned()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(2026, 4, 1));
        format!("{}{}", key.serialize_pem(), params.self_signed(&key).unwrap().pem())
    }

    #[test]
    fn a_certificate_is_renewed_when_a_third_of_its_time_is_left() {
        let (_, renewal) = read(pem().as_bytes()).unwrap();
        // 60 of 90 days after the first of January 2026.
        assert_eq!(renewal.duration_since(UNIX_EPOCH).unwrap().as_secs(), 1_767_225_600 + 60 * 86_400);
    }

    #[test]
    fn what_is_kept_is_served_again_and_nobody_else_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let settings = |folder: &Path| Settings {
            domains: vec!["pay.example".to_owned()],
            contact: None,
            directory: LETS_ENCRYPT.to_owned(),
            root: None,
            folder: folder.join("acme"),
        };
        let acme = Acme::open(settings(folder.path())).unwrap();
        assert!(acme.kept().unwrap().is_none() && !acme.resolver.serves());
        keep(&acme.settings.folder, CERTIFICATE, pem().as_bytes()).unwrap();
        assert!(Acme::open(settings(folder.path())).unwrap().resolver.serves());
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(acme.settings.folder.clone()), mode(acme.settings.folder.join(CERTIFICATE))), (0o700, 0o600));
        // The key of another certificate, and a file that broke off.
        let other = KeyPair::generate().unwrap().serialize_pem();
        let certificate = pem();
        let certificate = &certificate[certificate.find("-----BEGIN CERTIFICATE").unwrap()..];
        for broken in [format!("{other}{certificate}"), other, String::new()] {
            keep(&acme.settings.folder, CERTIFICATE, broken.as_bytes()).unwrap();
            assert!(!Acme::open(settings(folder.path())).unwrap().resolver.serves());
        }
    }
}
