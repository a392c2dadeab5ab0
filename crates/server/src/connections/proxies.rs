//! Whose address a request comes from where proxies stand in front: `X-Forwarded-For`, as far as it can be believed.
//!
//! Each proxy adds the address that it got the request from at the right. So from the right, as long as the one who speaks is trusted, the
//! next address is true; the first that is not a trusted proxy's is the client's, and whatever stands left of it may be its invention.
//! A request that comes from none of the proxies is its peer's, whatever its headers say. Absent on purpose: `Forwarded` (RFC 7239) and
//! the headers of single vendors: of two headers that differ, the one that a proxy does not write is the client's.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use ipnet::IpNet;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The networks of the proxies that are believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Those in these networks.
    #[must_use]
    pub const fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    fn trust(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Where a request comes from, of a connection with `peer`.
    #[must_use]
    pub fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> SocketAddr {
        let mut known = peer.ip().to_canonical();
        if !self.trust(known) {
            return peer;
        }
        let values = headers.get_all(FORWARDED_FOR).iter().rev();
        for entry in values.flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b',')) {
            // What is no address ends what can be followed: the proxy that wrote it down is the last one that is known.
            let Some(address) = std::str::from_utf8(entry).ok().and_then(|entry| address(entry.trim())) else { break };
            known = address;
            if !self.trust(known) {
                break;
            }
        }
        // Which port it has, nobody tells.
        SocketAddr::new(known, 0)
    }
}

/// An address, also with a port behind it, as some proxies write it.
fn address(entry: &str) -> Option<IpAddr> {
    let bare = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(entry);
    let address = bare.parse().or_else(|_| entry.parse::<SocketAddr>().map(|address| address.ip())).ok()?;
    Some(IpAddr::to_canonical(&address))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn client(peer: &str, forwarded: &[&str]) -> String {
        let proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()]);
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        proxies.client(SocketAddr::new(peer.parse().unwrap(), 4000), &headers).ip().to_string()
    }

    #[test]
    fn who_is_no_trusted_proxy_is_not_believed() {
        assert_eq!(client("192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        assert_eq!(client("192.0.2.1", &["10.0.0.1"]), "192.0.2.1");
    }

    #[test]
    fn behind_a_trusted_proxy_the_right_most_address_that_is_none_is_the_clients() {
        assert_eq!(client("10.0.0.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(client("10.0.0.1", &["203.0.113.9, 198.51.100.7"]), "198.51.100.7", "what the client wrote is left of it");
        assert_eq!(client("10.0.0.1", &["203.0.113.9, 198.51.100.7 , 10.0.0.2,2001:db8::1"]), "198.51.100.7");
        assert_eq!(client("10.0.0.1", &["203.0.113.9", "198.51.100.7"]), "198.51.100.7", "of several headers the last one counts first");
        assert_eq!(client("::ffff:10.0.0.1", &["::ffff:198.51.100.7"]), "198.51.100.7");
    }

    #[test]
    fn where_only_proxies_are_named_the_farthest_is_known() {
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["10.0.0.3, 10.0.0.2"]), "10.0.0.3");
    }

    #[test]
    fn what_is_no_address_ends_what_is_known() {
        for nonsense in ["unknown", "", "_hidden", "198.51.100.7.1", "198.51.100.7 203.0.113.9", "\u{e4}"] {
            assert_eq!(client("10.0.0.1", &[&format!("203.0.113.9, {nonsense}, 10.0.0.2")]), "10.0.0.2", "{nonsense}");
        }
    }

    #[test]
    fn a_port_behind_an_address_is_left_out() {
        assert_eq!(client("10.0.0.1", &["198.51.100.7:40000"]), "198.51.100.7");
        assert_eq!(client("10.0.0.1", &["[2001:db9::7]:40000"]), "2001:db9::7");
        assert_eq!(client("10.0.0.1", &["[2001:db9::7]"]), "2001:db9::7");
    }

    #[test]
    fn by_default_nobody_is_believed() {
        let mut headers = HeaderMap::new();
        headers.append(FORWARDED_FOR, HeaderValue::from_static("198.51.100.7"));
        let peer: SocketAddr = "10.0.0.1:4000".parse().unwrap();
        assert_eq!(TrustedProxies::default().client(peer, &headers), peer);
    }
}
