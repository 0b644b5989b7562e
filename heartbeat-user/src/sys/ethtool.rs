//! What an interface does with packets before any program sees them, as ethtool(8) tells it.

use std::io;
use std::mem::zeroed;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;

/// ETHTOOL_GFLAGS (linux/ethtool.h).
const GET_FLAGS: u32 = 0x25;
/// ETH_FLAG_RXVLAN.
const STRIPS_VLAN_TAGS: u32 = 1 << 8;

/// struct ethtool_value.
#[repr(C)]
struct Value {
    command: u32,
    data: u32,
}

/// ETHTOOL_GDRVINFO.
const GET_DRIVER: u32 = 0x03;

/// struct ethtool_drvinfo.
#[repr(C)]
struct DriverInfo {
    command: u32,
    driver: [u8; 32],
    version: [u8; 32],
    firmware: [u8; 32],
    bus: [u8; 32],
    _rest: [u8; 32 + 12 + 5 * 4],
}

/// What drives an interface. A text that the driver does not tell is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Driver {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The card's firmware.
    pub firmware: String,
    /// Where the card is on its bus.
    pub bus: String,
}

/// What drives the interface of this network namespace.
///
/// # Errors
/// ENODEV if there is no such interface, EOPNOTSUPP if its driver tells nothing.
pub fn driver(interface: &str) -> io::Result<Driver> {
    // SAFETY: integers only, for which zero is a value.
    let mut info: DriverInfo = unsafe { zeroed() };
    info.command = GET_DRIVER;
    // SAFETY: the kernel fills in a struct ethtool_drvinfo for this command.
    unsafe { ask(interface, (&raw mut info).cast()) }?;
    let text = |bytes: &[u8]| {
        let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        let text = String::from_utf8_lossy(text).into_owned();
        if text == "N/A" { String::new() } else { text }
    };
    Ok(Driver {
        name: text(&info.driver),
        version: text(&info.version),
        firmware: text(&info.firmware),
        bus: text(&info.bus),
    })
}

/// Whether the interface of this network namespace takes the VLAN tag off what it receives and hands it over
/// beside the packet (rx-vlan-offload), where XDP does not see it.
///
/// # Errors
/// ENODEV if there is no such interface, EOPNOTSUPP if it knows no such question.
pub fn strips_vlan_tags(interface: &str) -> io::Result<bool> {
    let mut value = Value {
        command: GET_FLAGS,
        data: 0,
    };
    // SAFETY: the kernel reads and writes a struct ethtool_value for this command.
    unsafe { ask(interface, (&raw mut value).cast()) }?;
    Ok(value.data & STRIPS_VLAN_TAGS != 0)
}

/// ETHTOOL_GCOALESCE.
const GET_COALESCE: u32 = 0x0e;

/// struct ethtool_coalesce: what is not named here is about sending, or other load.
#[repr(C)]
struct CoalesceInfo {
    command: u32,
    rx_usecs: u32,
    rx_frames: u32,
    _sending: [u32; 7],
    adaptive_rx: u32,
    _rest: [u32; 12],
}

/// How long a card may hold back what it received, so that one interrupt serves several frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coalesce {
    /// So long at most, in microseconds; 0: not for a time.
    pub rx_usecs: u32,
    /// Until there are so many frames; 0 and 1: not for more.
    pub rx_frames: u32,
    /// Whether the driver changes both by the load.
    pub is_adaptive: bool,
}

/// What the interface of this network namespace does so.
///
/// # Errors
/// ENODEV if there is no such interface, EOPNOTSUPP if its driver has no such thing.
pub fn coalesce(interface: &str) -> io::Result<Coalesce> {
    // SAFETY: integers only, for which zero is a value.
    let mut info: CoalesceInfo = unsafe { zeroed() };
    info.command = GET_COALESCE;
    // SAFETY: the kernel fills in a struct ethtool_coalesce for this command.
    unsafe { ask(interface, (&raw mut info).cast()) }?;
    Ok(Coalesce {
        rx_usecs: info.rx_usecs,
        rx_frames: info.rx_frames,
        is_adaptive: info.adaptive_rx != 0,
    })
}

/// Asks the driver.
///
/// # Safety
/// `value` begins with a command, and has the length that this command reads and writes.
unsafe fn ask(interface: &str, value: *mut libc::c_char) -> io::Result<()> {
    // Any socket of the namespace will do.
    let socket = UdpSocket::bind("127.0.0.1:0").or_else(|_| UdpSocket::bind("[::]:0"))?;
    // SAFETY: integers and pointers only, for which zero is a value.
    let mut request: libc::ifreq = unsafe { zeroed() };
    let name = interface.as_bytes();
    if name.len() >= request.ifr_name.len() {
        return Err(io::Error::from_raw_os_error(libc::ENODEV));
    }
    for (place, byte) in request.ifr_name.iter_mut().zip(name) {
        *place = byte.cast_signed();
    }
    request.ifr_ifru.ifru_data = value;
    // SAFETY: the request is a whole ifreq that names the value, which lives through the call and has the
    // length that its command writes, as the caller says.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCETHTOOL, &raw mut request) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_structs_have_the_kernels_sizes() {
        assert_eq!(size_of::<DriverInfo>(), 196);
        assert_eq!(size_of::<CoalesceInfo>(), 23 * 4);
    }

    #[test]
    fn an_interface_that_is_not_there_is_an_error() {
        for name in ["nosuchif0", "a-name-far-too-long"] {
            let error = strips_vlan_tags(name).expect_err("it is not there");
            assert_eq!(error.raw_os_error(), Some(libc::ENODEV), "{name}");
            let error = coalesce(name).expect_err("it is not there");
            assert_eq!(error.raw_os_error(), Some(libc::ENODEV), "{name}");
            let error = driver(name).expect_err("it is not there");
            assert_eq!(error.raw_os_error(), Some(libc::ENODEV), "{name}");
        }
    }
}
