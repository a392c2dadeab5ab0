//! Which certificate a connection gets: the server's, or the one that proves a name to an authority.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

/// What only an authority that looks asks for (RFC 8737 §3).
pub(super) const CHALLENGE: &[u8] = b"acme-tls/1";

/// The certificates there are.
#[derive(Debug, Default)]
pub(super) struct Resolver {
    own: RwLock<Option<Arc<CertifiedKey>>>,
    /// By name, while an order is under way.
    proofs: RwLock<HashMap<String, Arc<CertifiedKey>>>,
}

impl Resolver {
    pub(super) fn serve(&self, key: CertifiedKey) {
        *self.own.write() = Some(Arc::new(key));
    }

    pub(super) fn prove(&self, name: &str, proof: CertifiedKey) {
        self.proofs.write().insert(name.to_owned(), Arc::new(proof));
    }

    pub(super) fn forget_proofs(&self) {
        self.proofs.write().clear();
    }

    #[cfg(test)]
    pub(super) fn serves(&self) -> bool {
        self.own.read().is_some()
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let asks_for_proof = hello.alpn().is_some_and(|mut offered| offered.next() == Some(CHALLENGE) && offered.next().is_none());
        if asks_for_proof { self.proofs.read().get(hello.server_name()?).cloned() } else { self.own.read().clone() }
    }
}
