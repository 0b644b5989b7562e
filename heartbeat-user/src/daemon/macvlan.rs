//! The interface under a macvlan: on the same wire, with a hardware address of its own.

use crate::net::netlink::Link;

/// Kinds of interfaces that share the wire of the one that they stand on, and do not share its hardware address.
const KINDS: [&str; 2] = ["macvlan", "macvtap"];

/// Number of the interface of this namespace that `link` shares the wire with; `None` if there is none, as in a container
/// that was given a macvlan.
pub(super) fn parent(link: &Link) -> Option<u32> {
    let kind = link.kind.as_deref()?;
    link.parent.filter(|_| KINDS.contains(&kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_hears_the_same_wire_has_a_parent() {
        for (kind, under, parent_of_it) in [
            (Some("macvlan"), Some(3), Some(3)),
            (Some("macvtap"), Some(3), Some(3)),
            (Some("macvlan"), None, None),
            (Some("vlan"), Some(3), None),
            (None, None, None),
        ] {
            let link = Link {
                index: 7,
                name: "mgmt0".into(),
                mac: None,
                up: true,
                running: true,
                mtu: 1500,
                kind: kind.map(Into::into),
                parent: under,
            };
            assert_eq!(parent(&link), parent_of_it, "{link:?}");
        }
    }
}
