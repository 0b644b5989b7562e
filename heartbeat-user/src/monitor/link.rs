//! An interface that has its carrier.

use super::look::Fault;
use crate::net::netlink::Netlink;

/// Asks the kernel, which answers at once.
pub(super) fn look(interface: Option<&str>) -> Result<(), Fault> {
    let interface = interface
        .ok_or_else(|| Fault::Found("this node has no interface on that network".to_owned()))?;
    let link = Netlink::open()
        .and_then(|mut netlink| netlink.link(interface))
        .map_err(|error| Fault::Found(error.to_string()))?;
    if link.running {
        Ok(())
    } else {
        Err(Fault::Found(format!("{interface} has no carrier")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_interface_that_is_there_can_be_well() {
        assert_eq!(look(Some("lo")), Ok(()));
        for absent in [Some("nowhere0"), None] {
            assert!(matches!(look(absent), Err(Fault::Found(_))), "{absent:?}");
        }
    }
}
