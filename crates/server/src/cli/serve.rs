//! `bursar serve`.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use bursar::compose::{Settings, SetupError, Webhooks, compose_limited};
use bursar::connections::TrustedProxies;
use bursar::metrics::{self, Meters};
use bursar::serve;
use bursar::traces::Traces;
use bursar::webhooks::Reach;
use clap::Args;
use ipnet::IpNet;
use tokio::net::TcpListener;

use super::limits::LimitArgs;
use super::tls::TlsArgs;
use super::{StoreArgs, failed, say, stop_signal};

#[derive(Args)]
pub(super) struct Serve {
    /// Where to listen.
    #[arg(long, env = "BURSAR_LISTEN", default_value = "127.0.0.1:8420")]
    listen: SocketAddr,
    /// Where to show figures to Prometheus, at /metrics; nowhere, and nothing is counted, if left out.
    #[arg(long, env = "BURSAR_METRICS", value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,
    /// Where an OpenTelemetry collector takes traces (OTLP over HTTP), as http://127.0.0.1:4318; what OTEL_EXPORTER_OTLP_ENDPOINT says if
    /// left out, and nowhere if that is not set.
    #[arg(long, env = "BURSAR_OTLP_ENDPOINT", value_name = "URL")]
    otlp_endpoint: Option<String>,
    #[command(flatten)]
    store: StoreArgs,
    /// The address of a bank simulator; one in this process if left out, beside a store that is a file. `memory:` is one
    /// in this process that keeps nothing.
    #[arg(long, env = "BURSAR_BANK")]
    bank: Option<String>,
    /// Where browsers reach this server; the listening address if left out.
    #[arg(long, env = "BURSAR_PUBLIC_URL")]
    public_url: Option<String>,
    /// The vault's key, 64 hexadecimal digits; a key file beside a store that is a file if left out.
    #[arg(long, env = "BURSAR_VAULT_KEY", hide_env_values = true)]
    vault_key: Option<String>,
    /// A file that holds the vault's key.
    #[arg(long, env = "BURSAR_VAULT_KEY_FILE", conflicts_with = "vault_key")]
    vault_key_file: Option<PathBuf>,
    /// The file of the key that signs the audit trail's chain, made by `bursar audit keygen`; unsigned if left out.
    #[arg(long, env = "BURSAR_AUDIT_SIGNING_KEY", value_name = "FILE")]
    audit_signing_key: Option<PathBuf>,
    /// Send webhooks to private addresses, too: of this machine and its network. Never to those where a cloud tells its machines
    /// about themselves.
    #[arg(long, env = "BURSAR_WEBHOOKS_ALLOW_PRIVATE")]
    webhooks_allow_private: bool,
    #[command(flatten)]
    tls: TlsArgs,
    /// Addresses and networks of proxies, with commas between them: what they write into X-Forwarded-For is taken for where a request
    /// comes from. Nobody is believed if left out.
    #[arg(long, env = "BURSAR_TRUSTED_PROXIES", value_name = "NETWORKS", value_delimiter = ',', value_parser = network)]
    trusted_proxies: Vec<IpNet>,
    #[command(flatten)]
    limits: LimitArgs,
    /// The secret key of the shop that the first start makes.
    #[arg(long, env = "BURSAR_TEST_KEY", hide_env_values = true)]
    test_key: Option<String>,
}

/// A network, or a single address.
fn network(text: &str) -> Result<IpNet, String> {
    let single = || text.parse::<IpAddr>().ok().map(IpNet::from);
    text.parse().ok().or_else(single).ok_or_else(|| "an address or a network, as 10.0.0.0/8".to_owned())
}

impl Serve {
    pub(super) async fn run(self) -> Result<(), SetupError> {
        let collector = self.otlp_endpoint.or_else(|| std::env::var("OTEL_EXPORTER_OTLP_ENDPOINT").ok().filter(|url| !url.is_empty()));
        let traces = collector.as_deref().map(Traces::to).transpose()?;
        match &traces {
            Some(traces) => serve::log_and_trace(traces),
            None => serve::log(),
        }
        let listener = TcpListener::bind(self.listen).await.map_err(|e| failed("listening", e))?;
        let figures = match self.metrics {
            Some(address) => Some(TcpListener::bind(address).await.map_err(|e| failed("listening for metrics", e))?),
            None => None,
        };
        let address = listener.local_addr().map_err(|e| failed("listening", e))?;
        let tls = self.tls.open()?;
        let url = format!("{}://{address}", if tls.is_some() { "https" } else { "http" });
        let named = self.vault_key_file.map(std::fs::read_to_string).transpose().map_err(|e| failed("the vault's key file", e))?;
        let settings = Settings {
            store: self.store.store,
            bank: self.bank,
            vault_key: self.vault_key.or(named),
            audit_signing_key: self.audit_signing_key,
            public_url: self.public_url.unwrap_or_else(|| url.clone()).trim_end_matches('/').to_owned(),
            webhooks: Webhooks::AtOnce(if self.webhooks_allow_private { Reach::Private } else { Reach::Public }),
        };
        let meters = match figures {
            Some(_) => Meters::on().map_err(|e| failed("metrics", e))?,
            None => Meters::off(),
        };
        let mut composed = compose_limited(&settings, &meters, &self.limits.rules()).await?;
        composed.tls = tls;
        composed.proxies = Arc::new(TrustedProxies::new(self.trusted_proxies));
        let keys = serve::first_shop(&composed.app.platform, self.test_key.as_deref()).await.map_err(|e| failed("the first shop", e))?;
        if let Some(address) = figures.as_ref().and_then(|figures| figures.local_addr().ok()) {
            say(&format!("metrics at http://{address}/metrics\n"));
        }
        let platform = Arc::clone(&composed.app.platform);
        let figures = figures.map(|figures| tokio::spawn(metrics::run(figures, platform, meters)));
        say(&greeting(&url, keys.as_ref()));
        serve::run(listener, &composed, stop_signal()).await;
        if let Some(figures) = figures {
            figures.abort();
            // Ended by that, or before by a failure of its listener: either way it owns nothing any more.
            let _ = figures.await;
        }
        // The last owner of the store: its writer commits what waits before this returns.
        drop(composed);
        if let Some(traces) = traces {
            traces.finish().await;
        }
        Ok(())
    }
}

fn greeting(url: &str, keys: Option<&serve::FirstKeys>) -> String {
    let mut text = String::new();
    if let Some(keys) = keys {
        text.push_str(&format!(
            "A test shop is ready.\n  secret key       {}\n  publishable key  {}\n\nA first payment:\n  curl {url}/v1/payment_intents -u {}: \\\n    -d amount=2000 -d currency=usd -d payment_method=pm_card_visa -d confirm=true\n\n",
            keys.secret, keys.publishable, keys.secret
        ));
    }
    text.push_str(&format!("listening on {url}\n"));
    text
}
