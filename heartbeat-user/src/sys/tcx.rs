//! Which classifiers hang on an interface by tcx (Linux 6.6), by their numbers.
//!
//! aya opens each program that it finds by its number, which takes CAP_SYS_ADMIN; the numbers are enough here.

use std::io;

use nix::net::if_::if_nametoindex;

/// The fields of `union bpf_attr` that a query uses (linux/bpf.h of Linux 6.6).
#[repr(C)]
#[derive(Default)]
struct QueryAttr {
    interface: u32,
    attach_type: u32,
    query_flags: u32,
    attach_flags: u32,
    program_ids: u64,
    program_count: u32,
    padding: u32,
    program_attach_flags: u64,
    link_ids: u64,
    link_attach_flags: u64,
    revision: u64,
}

const BPF_PROG_QUERY: libc::c_int = 16;

/// No interface has more on one side (`BPF_MPROG_MAX`).
const MOST_PROGRAMS: usize = 64;

/// One side of an interface (`enum bpf_attach_type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum TcxSide {
    /// What comes in.
    Ingress = 46,
    /// What goes out.
    Egress = 47,
}

/// The numbers of the programs on that side of an interface, in the order in which packets meet them.
///
/// # Errors
/// ENODEV if there is no such interface, EINVAL from a kernel without tcx, EPERM without CAP_NET_ADMIN.
pub fn programs_on(interface: &str, side: TcxSide) -> io::Result<Vec<u32>> {
    let mut ids = vec![0_u32; MOST_PROGRAMS];
    let mut attr = QueryAttr {
        interface: if_nametoindex(interface)?,
        attach_type: side as u32,
        program_ids: ids.as_mut_ptr() as u64,
        program_count: MOST_PROGRAMS as u32,
        ..QueryAttr::default()
    };
    // SAFETY: the kernel reads and writes `attr` and writes at most `program_count` numbers to `ids`, which has room
    // for them; both live until the end of this function.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            BPF_PROG_QUERY,
            &raw mut attr,
            size_of::<QueryAttr>(),
        )
    };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    ids.truncate(attr.program_count as usize);
    Ok(ids)
}
