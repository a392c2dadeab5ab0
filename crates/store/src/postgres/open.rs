//! The address of a database, the connections to it, and why it may not be usable.

use std::net::IpAddr;
use std::str::FromStr as _;
use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Config, NoTls};

use super::session;
use super::tls::{self, Tls};

/// Connections of one process. Each is a process of the database's machine, which has as many to share among all its
/// clients as `max_connections` says (100, if nobody changed it).
const CONNECTIONS: usize = 24;
/// How long a statement waits for a free connection before its caller hears that the store is busy: shorter than clients
/// wait for an answer.
const WAIT: Duration = Duration::from_secs(15);
/// How long making a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// A server that says nothing for this long is asked whether it is there.
const KEEPALIVE: Duration = Duration::from_secs(10);
/// What is sent and not acknowledged for this long ends the connection.
const UNACKNOWLEDGED: Duration = Duration::from_secs(10);

/// Why a database cannot be the store.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address makes no sense.
    #[error("not the address of a database: {0}")]
    Address(String),
    /// It cannot be reached, or refuses.
    #[error("the database cannot be used: {0}")]
    Connection(String),
    /// It is not as it must be.
    #[error("the database cannot be used: {0}")]
    Unsuitable(String),
    /// Another version has been here.
    #[error("the tables are of version {found} and this program's of version {known}: use the newer program")]
    Newer {
        /// The version of what is there.
        found: i32,
        /// The newest version this program knows.
        known: i32,
    },
    /// There is nothing to read, or an older version has been here.
    #[error("the database holds no store of this version yet: start a server on it once")]
    NotMade,
}

/// An address taken apart.
struct Address {
    config: Config,
    tls: Tls,
}

impl Address {
    fn parse(url: &str) -> Result<Self, OpenError> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut mode, mut authorities) = (None, None);
        let mut rest = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "sslmode" => mode = Some(value.into_owned()),
                "sslrootcert" => authorities = Some(value.into_owned().into()),
                _ => drop(rest.append_pair(&name, &value)),
            }
        }
        // The driver reads `+` as itself.
        let rest = rest.finish().replace('+', "%20");
        let plain = if rest.is_empty() { base.to_owned() } else { format!("{base}?{rest}") };
        let mut config = Config::from_str(&plain).map_err(|error| OpenError::Address(super::error::text(&error)))?;
        if config.get_hosts().is_empty() {
            return Err(OpenError::Address("it names no host".to_owned()));
        }
        let tls = match mode.as_deref() {
            Some("disable") => Tls::Disabled,
            Some("require" | "verify-full") => Tls::Verified(authorities),
            Some(_) => return Err(OpenError::Address("sslmode must be verify-full, require (here the same), or disable".to_owned())),
            None if authorities.is_none() && config.get_hosts().iter().all(is_here) => Tls::Disabled,
            None => Tls::Verified(authorities),
        };
        config.ssl_mode(if tls == Tls::Disabled { SslMode::Disable } else { SslMode::Require });
        config.connect_timeout(CONNECT).keepalives_idle(KEEPALIVE).tcp_user_timeout(UNACKNOWLEDGED);
        if config.get_application_name().is_none() {
            config.application_name("bursar");
        }
        Ok(Self { config, tls })
    }
}

/// Whether what is said to that host stays on this machine.
fn is_here(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => name == "localhost" || IpAddr::from_str(name).is_ok_and(|address| address.is_loopback()),
        Host::Unix(_) => true,
    }
}

/// The connections to a database; none is made yet.
pub(super) fn pool(url: &str) -> Result<Pool, OpenError> {
    let Address { config, tls } = Address::parse(url)?;
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = match &tls {
        Tls::Disabled => Manager::from_config(config, NoTls, recycling),
        Tls::Verified(authorities) => {
            let connector = tls::connector(authorities.as_deref()).map_err(OpenError::Connection)?;
            Manager::from_config(config, connector, recycling)
        }
    };
    let settings = Hook::async_fn(|client: &mut deadpool_postgres::ClientWrapper, _| {
        Box::pin(async move { client.batch_execute(session::SETTINGS).await.map_err(HookError::Backend) })
    });
    Pool::builder(manager)
        .max_size(CONNECTIONS)
        .wait_timeout(Some(WAIT))
        .create_timeout(Some(CONNECT.saturating_mul(2)))
        .recycle_timeout(Some(WAIT))
        .runtime(Runtime::Tokio1)
        .post_create(settings)
        .build()
        .map_err(|error| OpenError::Connection(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tls(url: &str) -> Result<Tls, String> {
        Address::parse(url).map(|address| address.tls).map_err(|error| error.to_string())
    }

    #[test]
    fn what_leaves_the_machine_is_encrypted_unless_the_address_says_otherwise() {
        assert_eq!(tls("postgres://u:p@db.example/bursar"), Ok(Tls::Verified(None)));
        assert_eq!(tls("postgres://u:p@db.example/bursar?sslmode=require"), Ok(Tls::Verified(None)));
        assert_eq!(tls("postgres://db.example/bursar?sslrootcert=/a%20b.pem"), Ok(Tls::Verified(Some("/a b.pem".into()))));
        assert_eq!(tls("postgres://db.example/bursar?sslmode=disable"), Ok(Tls::Disabled));
        for here in ["localhost", "127.0.0.1:5433", "[::1]", "%2Frun%2Fpostgresql"] {
            assert_eq!(tls(&format!("postgres://u@{here}/bursar")), Ok(Tls::Disabled), "{here}");
            assert_eq!(tls(&format!("postgres://u@{here}/bursar?sslmode=verify-full")), Ok(Tls::Verified(None)), "{here}");
        }
        assert_eq!(tls("postgres://localhost,db.example/bursar"), Ok(Tls::Verified(None)));
    }

    #[test]
    fn modes_that_promise_nothing_are_refused() {
        for mode in ["allow", "prefer", "verify-ca", "no"] {
            assert!(tls(&format!("postgres://db/bursar?sslmode={mode}")).unwrap_err().contains("sslmode"));
        }
    }

    #[test]
    fn other_parameters_reach_the_driver() {
        let address = Address::parse("postgres://u@h/d?sslmode=disable&application_name=two%20words&target_session_attrs=read-write");
        assert_eq!(address.unwrap().config.get_application_name(), Some("two words"));
        assert!(Address::parse("postgres://u@h/d?nonsense=1").is_err());
    }

    #[test]
    fn no_complaint_shows_a_password() {
        for url in ["postgres://u:hush@h:port/d", "postgres://u:hush@h/d?sslmode=x", "postgres://u:hush@/d?x=y", "postgres:hush"] {
            if let Err(error) = Address::parse(url) {
                assert!(!format!("{error} {error:?}").contains("hush"), "{error}");
            }
        }
    }
}
