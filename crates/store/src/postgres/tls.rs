//! Whether and how a connection is encrypted. Encryption without knowing to whom is no mode here.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How a connection is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tls {
    /// In the clear: over a socket of this machine, or by the operator's word.
    Disabled,
    /// To a server whose certificate is valid for its name, by these authorities or the system's.
    Verified(Option<PathBuf>),
}

/// A connector that checks certificates.
///
/// # Errors
/// What is wrong with the authorities.
pub(super) fn connector(authorities: Option<&Path>) -> Result<MakeRustlsConnect, String> {
    let roots = match authorities {
        Some(path) => from_file(path)?,
        None => from_system()?,
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(|e| e.to_string())?;
    Ok(MakeRustlsConnect::new(config.with_root_certificates(roots).with_no_client_auth()))
}

fn from_file(path: &Path) -> Result<RootCertStore, String> {
    let failed = |why: &dyn std::fmt::Display| format!("sslrootcert {}: {why}", path.display());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|e| failed(&e))? {
        roots.add(certificate.map_err(|e| failed(&e))?).map_err(|e| failed(&e))?;
    }
    if roots.is_empty() { Err(failed(&"no certificate is in it")) } else { Ok(roots) }
}

fn from_system() -> Result<RootCertStore, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added > 0 {
        return Ok(roots);
    }
    let why = found.errors.first().map_or_else(|| "none was found".to_owned(), ToString::to_string);
    Err(format!("the system's certificate authorities: {why}; name a file with sslrootcert"))
}
