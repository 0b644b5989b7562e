//! Reading per-CPU map values into memory that the caller has, since the pulse must not allocate.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _};

use aya::maps::{MapData, MapError};
use aya::util::nr_cpus;

/// The fields of `union bpf_attr` that a lookup uses (linux/bpf.h, unchanged since Linux 3.18).
#[repr(C)]
struct LookupAttr {
    map_fd: u32,
    padding: u32,
    key: u64,
    value: u64,
    flags: u64,
}

const BPF_MAP_LOOKUP_ELEM: libc::c_int = 1;

/// A per-CPU array map and a buffer that one value of every possible CPU fits into.
#[derive(Debug)]
pub struct PerCpuArray {
    map: MapData,
    bytes_per_cpu: usize,
    buffer: Vec<u8>,
}

impl PerCpuArray {
    /// Takes a map of type per-CPU array and allocates its buffer, the only allocation there is.
    ///
    /// # Errors
    /// The kernel does not tell the map's size, or /sys not the number of possible CPUs.
    pub fn new(map: MapData) -> Result<Self, MapError> {
        // The kernel copies each CPU's value rounded up to eight bytes.
        let bytes_per_cpu = (map.info()?.value_size() as usize).next_multiple_of(8);
        let cpus = nr_cpus().map_err(|(_, error)| MapError::IoError(error))?;
        Ok(Self {
            map,
            bytes_per_cpu,
            buffer: vec![0; bytes_per_cpu * cpus],
        })
    }

    /// The values of all possible CPUs under `index`: one chunk of bytes a CPU.
    ///
    /// The kernel copies word by word without a lock: words of one value may be of different moments.
    ///
    /// # Errors
    /// What bpf(2) answers: ENOENT for an index that is not there.
    pub fn read(&mut self, index: u32) -> io::Result<impl Iterator<Item = &[u8]>> {
        let mut attr = LookupAttr {
            // A descriptor is never negative while its owner lives.
            map_fd: self.map.fd().as_fd().as_raw_fd().cast_unsigned(),
            padding: 0,
            key: (&raw const index) as u64,
            value: self.buffer.as_mut_ptr() as u64,
            flags: 0,
        };
        // SAFETY: the kernel reads `attr` and the four bytes of `index`, which live until the end of this
        // block, and writes the value of each possible CPU to the buffer, which `new` made as long as the
        // kernel said they are.
        let result = unsafe {
            libc::syscall(
                libc::SYS_bpf,
                BPF_MAP_LOOKUP_ELEM,
                &raw mut attr,
                size_of::<LookupAttr>(),
            )
        };
        if result != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(self.buffer.chunks_exact(self.bytes_per_cpu))
    }
}
