//! Which addresses an endpoint may have.
//!
//! From IANA's registries of special-purpose addresses (<https://www.iana.org/assignments/iana-ipv4-special-registry>, and the same
//! for IPv6). An IPv6 address that stands for an IPv4 address is looked at as that.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The first bits of addresses.
struct V4(Ipv4Addr, u32);
struct V6(Ipv6Addr, u32);

const fn v4(a: u8, b: u8, c: u8, d: u8, bits: u32) -> V4 {
    V4(Ipv4Addr::new(a, b, c, d), bits)
}

const fn v6(a: u16, b: u16, c: u16, bits: u32) -> V6 {
    V6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), bits)
}

/// Never, wherever a server stands: they are of the machine, of its link, of many machines, or tell what a cloud knows of them.
const NEVER_V4: [V4; 6] = [
    v4(0, 0, 0, 0, 8),
    v4(169, 254, 0, 0, 16),
    // Alibaba's and Oracle's services that tell machines about themselves.
    v4(100, 100, 100, 200, 32),
    v4(192, 0, 0, 192, 32),
    v4(224, 0, 0, 0, 4),
    v4(240, 0, 0, 0, 4),
];
/// Those of a private network, and those that lead nowhere.
const PRIVATE_V4: [V4; 11] = [
    v4(10, 0, 0, 0, 8),
    v4(100, 64, 0, 0, 10),
    v4(127, 0, 0, 0, 8),
    v4(172, 16, 0, 0, 12),
    v4(192, 0, 0, 0, 24),
    v4(192, 0, 2, 0, 24),
    v4(192, 88, 99, 0, 24),
    v4(192, 168, 0, 0, 16),
    v4(198, 18, 0, 0, 15),
    v4(198, 51, 100, 0, 24),
    v4(203, 0, 113, 0, 24),
];
/// Of IPv6 only these lead across networks.
const GLOBAL_V6: V6 = v6(0x2000, 0, 0, 3);
/// Among them, those that do not.
const PRIVATE_V6: [V6; 4] = [v6(0x2001, 0, 0, 23), v6(0x2001, 0xdb8, 0, 32), v6(0x3fff, 0, 0, 20), v6(0x5f00, 0, 0, 16)];
/// Of the others, those that a private network has: its own addresses, and the machine itself.
const LOCAL_V6: V6 = v6(0xfc00, 0, 0, 7);
/// AWS's service that tells machines about themselves.
const AWS_METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

impl V4 {
    fn has(&self, address: Ipv4Addr) -> bool {
        let shift = 32_u32.saturating_sub(self.1);
        self.0.to_bits() >> shift == address.to_bits() >> shift
    }
}

impl V6 {
    fn has(&self, address: Ipv6Addr) -> bool {
        let shift = 128_u32.saturating_sub(self.1);
        self.0.to_bits() >> shift == address.to_bits() >> shift
    }
}

/// What an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Anybody can reach it.
    Public,
    /// Only those in a network, or on a machine, can; or nobody.
    Private,
    /// It is no other machine of anybody.
    Forbidden,
}

/// What an address is.
pub(super) fn kind(address: IpAddr) -> Kind {
    match address {
        IpAddr::V4(address) => kind_v4(address),
        IpAddr::V6(address) => kind_v6(address),
    }
}

fn kind_v4(address: Ipv4Addr) -> Kind {
    if NEVER_V4.iter().any(|part| part.has(address)) {
        Kind::Forbidden
    } else if PRIVATE_V4.iter().any(|part| part.has(address)) {
        Kind::Private
    } else {
        Kind::Public
    }
}

fn kind_v6(address: Ipv6Addr) -> Kind {
    if let Some(inner) = inner(address) {
        return kind_v4(inner);
    }
    if address == AWS_METADATA {
        Kind::Forbidden
    } else if address == Ipv6Addr::LOCALHOST || LOCAL_V6.has(address) {
        Kind::Private
    } else if !GLOBAL_V6.has(address) {
        Kind::Forbidden
    } else if PRIVATE_V6.iter().any(|part| part.has(address)) {
        Kind::Private
    } else {
        Kind::Public
    }
}

/// The IPv4 address that an IPv6 address stands for: mapped, compatible, translated (RFC 6052), or 6to4 (RFC 3056).
fn inner(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let last = || Ipv4Addr::from_bits(u32::from(g) << 16 | u32::from(h));
    match (a, b, c, d, e, f) {
        (0, 0, 0, 0, 0, 0xffff) | (0x64, 0xff9b, 0, 0, 0, 0) => Some(last()),
        (0, 0, 0, 0, 0, 0) if address != Ipv6Addr::LOCALHOST => Some(last()),
        (0x2002, ..) => Some(Ipv4Addr::from_bits(u32::from(b) << 16 | u32::from(c))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(kind_is: Kind, addresses: &[&str]) {
        for address in addresses {
            assert_eq!(kind(address.parse().unwrap()), kind_is, "{address}");
        }
    }

    #[test]
    fn what_anybody_can_reach_is_public() {
        all(Kind::Public, &["1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.0.1.1", "198.20.0.1"]);
        all(Kind::Public, &["2606:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1", "2001:4860::8888"]);
    }

    #[test]
    fn private_networks_and_the_machine_itself_are_private_also_as_ipv6() {
        all(Kind::Private, &["10.0.0.1", "100.64.0.1", "127.0.0.1", "127.8.9.10", "172.16.0.1", "172.31.255.255", "192.168.1.1"]);
        all(Kind::Private, &["192.0.0.1", "192.0.2.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1"]);
        all(Kind::Private, &["::1", "fc00::1", "fd12:3456::1", "2001:db8::1", "2001::1", "2001:2::1", "3fff::1"]);
        all(Kind::Private, &["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::10.0.0.1", "2002:7f00:1::1", "2002:a00:1::"]);
    }

    #[test]
    fn the_link_many_machines_and_what_a_cloud_tells_are_forbidden() {
        all(Kind::Forbidden, &["0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.0.1", "100.100.100.200", "192.0.0.192"]);
        all(Kind::Forbidden, &["224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "::", "fe80::1", "fec0::1", "ff02::1"]);
        all(Kind::Forbidden, &["fd00:ec2::254", "::ffff:169.254.169.254", "64:ff9b::169.254.169.254", "2002:a9fe:a9fe::", "100::1"]);
        all(Kind::Forbidden, &["64:ff9b:1::1", "4000::1", "8000::1"]);
    }
}
