//! Whether VLAN tags reach the responder on the management interface.

use crate::net::netlink::Link;

/// What is wrong if the interface takes tags off (`strips`) while VLANs stand on it; `None` if nothing is.
///
/// On a VLAN's own interface nothing can be: the kernel takes the tag off before the responder sees the packet
/// and puts it on the answer.
pub(super) fn lost_tags(management: &Link, links: &[Link], strips: bool) -> Option<String> {
    let name = &management.name;
    let stands_on_it =
        |link: &&Link| link.kind.as_deref() == Some(VLAN) && link.parent == Some(management.index);
    let vlans: Vec<&str> = links
        .iter()
        .filter(stands_on_it)
        .map(|link| link.name.as_str())
        .collect();
    (strips && !vlans.is_empty()).then(|| {
        format!(
            "management interface {name} takes VLAN tags off before the responder sees them (rx-vlan-offload), and VLANs \
             stand on it ({}): a heartbeat that comes in one of them would be answered outside of it; run `ethtool -K \
             {name} rx-vlan-offload off`, or name the VLAN's own interface as the management interface",
            vlans.join(", ")
        )
    })
}

const VLAN: &str = "vlan";

#[cfg(test)]
mod tests {
    use super::*;

    fn link(index: u32, name: &str, kind: Option<&str>, parent: Option<u32>) -> Link {
        Link {
            index,
            name: name.into(),
            mac: None,
            up: true,
            running: true,
            mtu: 1500,
            kind: kind.map(Into::into),
            parent,
        }
    }

    #[test]
    fn only_an_interface_that_strips_the_tags_of_vlans_on_it_is_warned_of() {
        let trunk = link(3, "mgmt0", None, None);
        let other = link(4, "biz0", None, None);
        let vlan = link(7, "mgmt0.30", Some("vlan"), Some(3));
        let macvlan = link(8, "mac0", Some("macvlan"), Some(4));
        let all = [trunk.clone(), other.clone(), vlan.clone(), macvlan];
        let warning = lost_tags(&trunk, &all, true).expect("tags are lost");
        for part in ["mgmt0.30", "ethtool -K mgmt0 rx-vlan-offload off"] {
            assert!(warning.contains(part), "{part} is missing in: {warning}");
        }
        assert_eq!(lost_tags(&trunk, &all, false), None, "tags stay");
        assert_eq!(lost_tags(&other, &all, true), None, "no VLAN on it");
        assert_eq!(lost_tags(&vlan, &all, true), None, "a VLAN itself");
    }
}
