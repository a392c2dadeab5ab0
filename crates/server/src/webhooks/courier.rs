//! The courier: one POST over a connection of ours.
//!
//! Redirects are not followed: they would lead to where nobody looked. No proxy is asked: it would resolve names by itself.

use std::error::Error as _;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::scope::Mode;
use domain::webhook_delivery::{Failure, MAX_HEAD, Told};
use payments::ports::{Courier, Parcel};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};

use super::address::{Kind, kind};
use crate::compose::SetupError;

/// How long a connection may take to be made.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How long all of it may take: connecting, and 20 seconds for the answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(25);
/// For how long a connection is kept for the next event.
const IDLE_FOR: Duration = Duration::from_secs(30);
/// Connections to one endpoint that are kept: as many as are used at the same time.
const IDLE_PER_ENDPOINT: usize = 16;
/// As much of an answer is read, so that its connection can be used again; one that says more is closed.
const MAX_ANSWER: usize = 16 * 1024;

/// Which endpoints a server may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Those that anybody can.
    Public,
    /// Those in its own network and on its own machine, too.
    Private,
}

impl Reach {
    fn allows(self, address: IpAddr) -> bool {
        match kind(address) {
            Kind::Public => true,
            Kind::Private => self == Self::Private,
            Kind::Forbidden => false,
        }
    }
}

/// Why a name led nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Unresolved {
    #[error("the name has no address")]
    NoAddress,
    #[error("the name has no address that may be reached")]
    NotAllowed,
}

/// Resolves names to addresses that may be reached.
struct Resolver(Reach);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(|_| Unresolved::NoAddress)?.collect();
            if found.is_empty() {
                return Err(Unresolved::NoAddress.into());
            }
            let allowed: Vec<SocketAddr> = found.into_iter().filter(|address| reach.allows(address.ip())).collect();
            if allowed.is_empty() {
                return Err(Unresolved::NotAllowed.into());
            }
            let addresses: Addrs = Box::new(allowed.into_iter());
            Ok(addresses)
        })
    }
}

/// Carries events by HTTP.
pub struct HttpCourier {
    client: Client,
    reach: Reach,
}

impl HttpCourier {
    /// One that reaches so far.
    ///
    /// # Errors
    /// There is no TLS.
    pub fn new(reach: Reach) -> Result<Self, SetupError> {
        let client = Client::builder()
            .user_agent(concat!("Bursar/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_WITHIN)
            .timeout(ANSWER_WITHIN)
            .pool_idle_timeout(IDLE_FOR)
            .pool_max_idle_per_host(IDLE_PER_ENDPOINT)
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            .dns_resolver(Arc::new(Resolver(reach)))
            .build();
        Ok(Self { client: client.map_err(|e| SetupError(format!("deliveries: {e}")))?, reach })
    }

    /// The address, if an endpoint may have it. What a name leads to is looked at when it is reached; an address that is written
    /// as one never passes by the resolver.
    fn parsed(&self, url: &str, mode: Mode) -> Result<Url, String> {
        let url = Url::parse(url).map_err(|_| "This is no URL.".to_owned())?;
        match (url.scheme(), mode) {
            ("https", _) | ("http", Mode::Test) => {}
            ("http", Mode::Live) => return Err("An endpoint for live events must begin with https://.".to_owned()),
            _ => return Err("The URL must begin with https:// or http://.".to_owned()),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("The URL may not hold a user name or password.".to_owned());
        }
        let host = url.host_str().unwrap_or_default();
        let literal: Option<IpAddr> = host.trim_start_matches('[').trim_end_matches(']').parse().ok();
        let is_here = matches!(host.trim_end_matches('.'), "localhost") || host.trim_end_matches('.').ends_with(".localhost");
        if literal.is_some_and(|address| !self.reach.allows(address)) || (is_here && self.reach == Reach::Public) {
            return Err("The URL leads into a private network, where this server sends nothing (unless it is started with \
                        --webhooks-allow-private)."
                .to_owned());
        }
        Ok(url)
    }
}

#[async_trait]
impl Courier for HttpCourier {
    fn check(&self, url: &str, mode: Mode) -> Result<(), String> {
        self.parsed(url, mode).map(|_| ())
    }

    async fn post(&self, parcel: Parcel<'_>) -> Told {
        let Ok(url) = self.parsed(parcel.url, parcel.mode) else { return Told::Failed(Failure::AddressNotAllowed) };
        let mut request = self.client.post(url).header("content-type", "application/json; charset=utf-8").body(parcel.body);
        for (name, value) in parcel.headers {
            request = request.header(name, value);
        }
        match request.send().await {
            Ok(answer) => Told::Answered { status: answer.status().as_u16(), head: head(answer).await },
            Err(error) => Told::Failed(why(&error)),
        }
    }
}

/// How an answer begins. What cannot be read of it is left out: the status was answered.
async fn head(mut answer: Response) -> String {
    let mut bytes = Vec::new();
    while let Ok(Some(part)) = answer.chunk().await {
        bytes.extend_from_slice(&part);
        if bytes.len() > MAX_ANSWER {
            break;
        }
    }
    String::from_utf8_lossy(&bytes).chars().filter(|c| !c.is_control()).take(MAX_HEAD).collect()
}

/// What TLS complains of is invalid data, also inside another error, which does not name it as its source.
fn is_of_tls(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<io::Error>());
    error.kind() == io::ErrorKind::InvalidData || inner.is_some_and(is_of_tls)
}

fn why(error: &reqwest::Error) -> Failure {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(unresolved) = cause.downcast_ref::<Unresolved>() {
            return match unresolved {
                Unresolved::NoAddress => Failure::NameNotFound,
                Unresolved::NotAllowed => Failure::AddressNotAllowed,
            };
        }
        if cause.downcast_ref::<io::Error>().is_some_and(is_of_tls) {
            return Failure::TlsFailed;
        }
        source = cause.source();
    }
    if error.is_timeout() {
        Failure::TimedOut
    } else if error.is_connect() {
        Failure::ConnectionFailed
    } else {
        Failure::NoAnswer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(reach: Reach, mode: Mode, url: &str) -> bool {
        HttpCourier::new(reach).unwrap().check(url, mode).is_err()
    }

    #[test]
    fn private_addresses_are_refused_in_every_notation() {
        let urls = [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0177.0.0.1/",
            "http://0x7f.1/",
            "http://localhost/",
            "http://LOCALHOST./",
            "http://a.localhost/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[0:0:0:0:0:0:0:1]/",
            "http://10.0.0.1/",
            "http://192.168.0.1/",
            "http://172.16.0.1/",
            "http://[fd00::1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[2002:7f00:1::]/",
            "http://１２７.０.０.１/",
            "http://127。0。0。1/",
        ];
        for url in urls {
            assert!(refused(Reach::Public, Mode::Test, url), "{url}");
            assert!(!refused(Reach::Private, Mode::Test, url), "{url}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_to_a_private_address_leads_nowhere() {
        let resolve = |reach, name: &str| Resolver(reach).resolve(name.parse().unwrap());
        assert!(resolve(Reach::Private, "localhost").await.is_ok_and(|mut addresses| addresses.next().is_some()));
        let refused = resolve(Reach::Public, "localhost").await.err().unwrap();
        assert_eq!(refused.downcast_ref(), Some(&Unresolved::NotAllowed));
    }

    #[test]
    fn what_a_cloud_tells_its_machines_is_refused_always() {
        for url in [
            "http://169.254.169.254/latest",
            "http://[fd00:ec2::254]/",
            "http://2852039166/",
            "http://[::ffff:a9fe:a9fe]/",
            "http://0.0.0.0/",
        ] {
            assert!(refused(Reach::Private, Mode::Test, url), "{url}");
        }
    }

    #[test]
    fn live_events_go_over_https_only_and_nothing_goes_by_another_scheme() {
        assert!(!refused(Reach::Public, Mode::Live, "https://shop.example/hooks?x=1"));
        assert!(refused(Reach::Private, Mode::Live, "http://shop.example/hooks"));
        assert!(!refused(Reach::Public, Mode::Test, "http://shop.example:8080/hooks"));
        for url in ["ftp://shop.example/", "file:///etc/passwd", "shop.example", "", "https://", "https://user:secret@shop.example/"] {
            assert!(refused(Reach::Private, Mode::Test, url), "{url}");
        }
    }
}
