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

/// Whether the interface of this network namespace takes the VLAN tag off what it receives and hands it over
/// beside the packet (rx-vlan-offload), where XDP does not see it.
///
/// # Errors
/// ENODEV if there is no such interface, EOPNOTSUPP if it knows no such question.
pub fn strips_vlan_tags(interface: &str) -> io::Result<bool> {
    // Any socket of the namespace will do.
    let socket = UdpSocket::bind("127.0.0.1:0").or_else(|_| UdpSocket::bind("[::]:0"))?;
    let mut value = Value {
        command: GET_FLAGS,
        data: 0,
    };
    // SAFETY: integers and pointers only, for which zero is a value.
    let mut request: libc::ifreq = unsafe { zeroed() };
    let name = interface.as_bytes();
    if name.len() >= request.ifr_name.len() {
        return Err(io::Error::from_raw_os_error(libc::ENODEV));
    }
    for (place, byte) in request.ifr_name.iter_mut().zip(name) {
        *place = byte.cast_signed();
    }
    request.ifr_ifru.ifru_data = (&raw mut value).cast();
    // SAFETY: the request is a whole ifreq that names the value, which lives through the call and has the
    // length that this command writes.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCETHTOOL, &raw mut request) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(value.data & STRIPS_VLAN_TAGS != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_that_is_not_there_is_an_error() {
        for name in ["nosuchif0", "a-name-far-too-long"] {
            let error = strips_vlan_tags(name).expect_err("it is not there");
            assert_eq!(error.raw_os_error(), Some(libc::ENODEV), "{name}");
        }
    }
}
