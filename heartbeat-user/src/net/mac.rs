//! Hardware addresses.

use std::fmt;
use std::net::IpAddr;

/// A 48-bit Ethernet hardware address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MacAddress(pub [u8; 6]);

impl MacAddress {
    /// To every station of the network segment.
    pub const BROADCAST: Self = Self([0xff; 6]);

    /// Where a multicast group is sent on Ethernet: over IPv4 the prefix 01:00:5e and the low 23 bits of the
    /// group (RFC 1112, section 6.4), over IPv6 the prefix 33:33 and its low 32 bits (RFC 2464, section 7).
    ///
    /// # Panics
    /// If `group` is no multicast address; the configuration check refuses such a group.
    #[must_use]
    pub const fn of_group(group: IpAddr) -> Self {
        assert!(
            group.is_multicast(),
            "only a multicast group has a group hardware address"
        );
        match group {
            IpAddr::V4(v4) => {
                let [_, b, c, d] = v4.octets();
                Self([0x01, 0x00, 0x5e, b & 0x7f, c, d])
            }
            IpAddr::V6(v6) => {
                let [.., a, b, c, d] = v6.octets();
                Self([0x33, 0x33, a, b, c, d])
            }
        }
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv4_groups_hardware_address_keeps_only_the_low_23_bits() {
        // 224.128.64.32 and 224.0.64.32 differ only in the bit that RFC 1112 cuts off.
        for group in [[224, 128, 64, 32], [224, 0, 64, 32]] {
            let mac = MacAddress::of_group(IpAddr::from(group));
            assert_eq!(mac.to_string(), "01:00:5e:00:40:20");
        }
        assert_eq!(
            MacAddress::of_group(IpAddr::from([239, 192, 7, 1])).to_string(),
            "01:00:5e:40:07:01"
        );
    }

    #[test]
    fn an_ipv6_groups_hardware_address_keeps_the_low_32_bits() {
        let group = "ff02::1:8a2e:7405".parse().expect("an address");
        assert_eq!(MacAddress::of_group(group).to_string(), "33:33:8a:2e:74:05");
    }
}
