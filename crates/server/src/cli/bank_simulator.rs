//! `bursar bank-simulator`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use bursar::compose::SetupError;
use clap::Args;
use providers::simulator::{self, Durability, Location, Simulator};
use tokio::net::TcpListener;

use super::{failed, say, stop_signal};

#[derive(Args)]
pub(super) struct BankSimulator {
    /// Where to listen.
    #[arg(long, env = "BURSAR_BANK_LISTEN", default_value = "127.0.0.1:8421")]
    listen: SocketAddr,
    /// Where its books are.
    #[arg(long, env = "BURSAR_BANK_BOOKS", default_value = "bursar-data/bank.db")]
    books: PathBuf,
    /// Where buyers' browsers reach its pages; the listening address if left out.
    #[arg(long, env = "BURSAR_BANK_PUBLIC_URL")]
    public_url: Option<String>,
}

impl BankSimulator {
    pub(super) async fn run(self) -> Result<(), SetupError> {
        bursar::serve::log();
        if let Some(directory) = self.books.parent() {
            std::fs::create_dir_all(directory).map_err(|e| failed("the books' directory", e))?;
        }
        let listener = TcpListener::bind(self.listen).await.map_err(|e| failed("listening", e))?;
        let url = format!("http://{}", listener.local_addr().map_err(|e| failed("listening", e))?);
        let options = simulator::Options {
            durability: Durability::Synced,
            public_base: self.public_url.unwrap_or_else(|| url.clone()),
            ..simulator::Options::default()
        };
        let bank = Simulator::open(&Location::File(self.books), options).map_err(|e| failed("the bank", e))?;
        say(&format!("listening on {url}\n"));
        let router = simulator::server::router(Arc::new(bank));
        axum::serve(listener, router).with_graceful_shutdown(stop_signal()).await.map_err(|e| failed("serving", e))
    }
}
