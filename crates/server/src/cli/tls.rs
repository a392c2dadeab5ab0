//! Options of encryption: a certificate in files, or one of an authority.

use std::path::PathBuf;
use std::sync::Arc;

use bursar::compose::SetupError;
use bursar::tls::acme::{self, LETS_ENCRYPT};
use bursar::tls::{Files, Tls};
use clap::Args;

use super::failed;

#[derive(Args)]
pub(super) struct TlsArgs {
    /// The file of a certificate, with those that lead to its issuer after it (PEM); without encryption if left out. It is read again
    /// when it changes.
    #[arg(long, env = "BURSAR_TLS_CERT", value_name = "FILE", requires = "tls_key", conflicts_with = "acme_domain")]
    tls_cert: Option<PathBuf>,
    /// The file of the certificate's private key (PEM).
    #[arg(long, env = "BURSAR_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Have a certificate made and renewed for these names, with commas between them, by an authority that speaks ACME. It looks at
    /// port 443 of each, which must lead to this server; its terms are taken for agreed to.
    #[arg(long, env = "BURSAR_ACME_DOMAIN", value_name = "NAMES", value_delimiter = ',')]
    acme_domain: Vec<String>,
    /// Where the authority writes to when something is wrong.
    #[arg(long, env = "BURSAR_ACME_CONTACT", value_name = "EMAIL", requires = "acme_domain")]
    acme_contact: Option<String>,
    /// Where the authority is; Let's Encrypt if left out.
    #[arg(long, env = "BURSAR_ACME_DIRECTORY", value_name = "URL", default_value = LETS_ENCRYPT)]
    acme_directory: String,
    /// A certificate that the authority's own is held against, if it is none that this system trusts (PEM).
    #[arg(long, env = "BURSAR_ACME_ROOT", value_name = "FILE", requires = "acme_domain")]
    acme_root: Option<PathBuf>,
    /// Where account and certificate are kept.
    #[arg(long, env = "BURSAR_ACME_FOLDER", value_name = "DIRECTORY", default_value = "bursar-data/acme")]
    acme_folder: PathBuf,
}

impl TlsArgs {
    pub(super) fn open(self) -> Result<Option<Arc<Tls>>, SetupError> {
        let tls = match self.tls_cert.zip(self.tls_key) {
            Some((certificate, key)) => Tls::open(Files { certificate, key }),
            None if self.acme_domain.is_empty() => return Ok(None),
            None => Tls::certified(acme::Settings {
                domains: self.acme_domain,
                contact: self.acme_contact,
                directory: self.acme_directory,
                root: self.acme_root,
                folder: self.acme_folder,
            }),
        };
        Ok(Some(Arc::new(tls.map_err(|e| failed("encryption", e))?)))
    }
}
