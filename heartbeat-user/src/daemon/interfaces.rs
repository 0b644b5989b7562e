//! Waiting for the interfaces that the configuration names.

use std::thread;
use std::time::Duration;

use tracing::{info, warn};

use super::signals::Stop;
use crate::net::netlink::{Link, Netlink, NetlinkError};

/// How often an interface that is missing or down is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// How often the log says that it is still waited for.
const SAY_AGAIN: Duration = Duration::from_secs(30);

/// Waits until `name` exists and is up, saying so once and then now and again. `None` if the daemon was
/// told to stop meanwhile.
///
/// Waits for as long as it takes: at boot, interfaces come when they come, and a daemon that gave up
/// would have to be started again by hand.
///
/// # Errors
/// When netlink does not answer.
pub(super) fn wait_until_up(
    netlink: &mut Netlink,
    name: &str,
    stop: &Stop,
) -> Result<Option<Link>, NetlinkError> {
    let mut waited = Duration::ZERO;
    loop {
        let found = match netlink.link(name) {
            Ok(link) if link.up => {
                if waited > Duration::ZERO {
                    info!(interface = name, "interface is there and up");
                }
                return Ok(Some(link));
            }
            Ok(_) => "down: `ip link set dev NAME up` brings it up",
            Err(NetlinkError::NoInterface { .. }) => "missing",
            Err(error) => return Err(error),
        };
        if waited.as_millis().is_multiple_of(SAY_AGAIN.as_millis()) {
            warn!(
                interface = name,
                found, "waiting for the interface; this node takes no part until it is up"
            );
        }
        if stop.is_asked() {
            return Ok(None);
        }
        thread::sleep(LOOK_AGAIN);
        waited += LOOK_AGAIN;
    }
}
