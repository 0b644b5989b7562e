//! Sends a frame so that the receiver's first buffer holds its Ethernet header alone: from a ring that the kernel sends
//! from without copying (PACKET_TX_RING, packet(7)).

use std::io;
use std::os::fd::AsRawFd as _;
use std::ptr;

use heartbeat_tests::lab::packet_socket::PacketSocket;

const PAGE: usize = 4096;
/// A place in the ring.
const PLACE: usize = PAGE / 2;
/// Where the kernel looks for the frame in it.
const FRAME: usize = size_of::<libc::tpacket2_hdr>();

/// Sends one frame that way, once a socket.
///
/// # Errors
/// What the kernel answers.
///
/// # Panics
/// If the frame is longer than its place.
pub(crate) fn send_scattered(socket: &PacketSocket, frame: &[u8]) -> io::Result<()> {
    assert!(frame.len() <= PLACE - FRAME, "a place has room for it");
    let socket = socket.socket().as_raw_fd();
    set(
        socket,
        libc::PACKET_VERSION,
        &libc::tpacket_versions::TPACKET_V2,
    )?;
    let ring = libc::tpacket_req {
        tp_block_size: PAGE as u32,
        tp_block_nr: 1,
        tp_frame_size: PLACE as u32,
        tp_frame_nr: 2,
    };
    set(socket, libc::PACKET_TX_RING, &ring)?;
    let (access, shared) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
    // SAFETY: a new mapping of the ring that was just made; nothing else knows of it.
    let page = unsafe { libc::mmap(ptr::null_mut(), PAGE, access, shared, socket, 0) };
    if page == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    let header: *mut libc::tpacket2_hdr = page.cast();
    // SAFETY: the page is mapped, begins with the header and has room for the frame behind it; the status, by which
    // the kernel takes it, is written last.
    let sent = unsafe {
        ptr::copy_nonoverlapping(frame.as_ptr(), page.cast::<u8>().add(FRAME), frame.len());
        (*header).tp_len = u32::try_from(frame.len()).expect("less than a page");
        (&raw mut (*header).tp_status).write_volatile(libc::TP_STATUS_SEND_REQUEST);
        libc::send(socket, ptr::null(), 0, 0)
    };
    let result = checked(sent);
    // SAFETY: mapped above, and used no more.
    unsafe { libc::munmap(page, PAGE) };
    result
}

fn set<T>(socket: i32, option: libc::c_int, value: &T) -> io::Result<()> {
    let length = libc::socklen_t::try_from(size_of::<T>()).expect("a few bytes");
    let value = ptr::from_ref(value).cast();
    // SAFETY: the kernel reads `length` bytes of the value, which lives until the call returns.
    let done = unsafe { libc::setsockopt(socket, libc::SOL_PACKET, option, value, length) };
    checked(done as isize)
}

fn checked(result: isize) -> io::Result<()> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
