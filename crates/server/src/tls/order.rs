//! One order of a certificate, from the account to the certificate.

use std::fs;
use std::io;

use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, ChallengeType, Identifier, NewAccount, NewOrder, OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, CustomExtension, KeyPair};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::sign::CertifiedKey;
use zeroize::Zeroizing;

use super::acme::{Settings, keep};
use super::resolver::Resolver;

/// The account with the authority, in the folder.
const ACCOUNT: &str = "account.json";

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    #[error("the authority: {0}")]
    Authority(#[from] instant_acme::Error),
    #[error("the authority offers no proof by a connection (TLS-ALPN-01) for {0}")]
    NoProof(String),
    #[error("the authority does not see that the names lead here: the order is {0:?}")]
    Order(OrderStatus),
    #[error("the authority took too long")]
    Late,
    #[error("key and certificate: {0}")]
    Certificate(String),
    #[error("a proof could not be made: {0}")]
    Proof(#[from] rcgen::Error),
    #[error("the folder: {0}")]
    Folder(#[from] io::Error),
    #[error("the account in the folder is none")]
    Account,
}

impl Failed {
    pub(super) fn certificate(why: impl std::fmt::Display) -> Self {
        Self::Certificate(why.to_string())
    }
}

/// A key and the certificates for it, PEM.
pub(super) async fn run(settings: &Settings, resolver: &Resolver) -> Result<Zeroizing<String>, Failed> {
    let account = known(settings).await?;
    let ordered = order(&account, settings, resolver).await;
    resolver.forget_proofs();
    ordered
}

/// The account in the folder, or a new one.
async fn known(settings: &Settings) -> Result<Account, Failed> {
    let builder = match &settings.root {
        Some(root) => Account::builder_with_root(root)?,
        None => Account::builder()?,
    };
    match fs::read(settings.folder.join(ACCOUNT)).map(Zeroizing::new) {
        Ok(kept) => {
            let credentials: AccountCredentials = serde_json::from_slice(&kept).map_err(|_| Failed::Account)?;
            return Ok(builder.from_credentials(credentials).await?);
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    let contact: Vec<String> = settings.contact.iter().map(|address| format!("mailto:{address}")).collect();
    let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
    let new = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
    let (account, credentials) = builder.create(&new, settings.directory.clone(), None).await?;
    let credentials = Zeroizing::new(serde_json::to_vec(&credentials).map_err(|_| Failed::Account)?);
    keep(&settings.folder, ACCOUNT, &credentials)?;
    Ok(account)
}

async fn order(account: &Account, settings: &Settings, resolver: &Resolver) -> Result<Zeroizing<String>, Failed> {
    let names: Vec<Identifier> = settings.domains.iter().cloned().map(Identifier::Dns).collect();
    let mut order = account.new_order(&NewOrder::new(&names)).await?;
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        if authorization.status == AuthorizationStatus::Valid {
            continue;
        }
        let name = authorization.identifier().to_string();
        let mut challenge = authorization.challenge(ChallengeType::TlsAlpn01).ok_or_else(|| Failed::NoProof(name.clone()))?;
        resolver.prove(&name, proof(&name, challenge.key_authorization().digest().as_ref())?);
        challenge.set_ready().await?;
    }
    let status = order.poll_ready(&RetryPolicy::default()).await?;
    if status != OrderStatus::Ready {
        return Err(Failed::Order(status));
    }
    let key = Zeroizing::new(order.finalize().await?);
    let chain = order.poll_certificate(&RetryPolicy::default()).await?;
    Ok(Zeroizing::new(format!("{}{chain}", key.as_str())))
}

/// A certificate that nobody trusts, and that shows what only whoever placed the order knows (RFC 8737 §3).
fn proof(name: &str, digest: &[u8]) -> Result<CertifiedKey, Failed> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new([name.to_owned()])?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let certificate = params.self_signed(&key)?;
    let der = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let key = aws_lc_rs::default_provider().key_provider.load_private_key(der).map_err(Failed::certificate)?;
    // Not looked at any further: what it shows is critical, and no verifier but the authority's knows it.
    Ok(CertifiedKey::new(vec![certificate.der().clone()], key))
}
