//! The kernel programs, packet by packet (BPF_PROG_TEST_RUN), and on real interfaces.

mod answers;
mod gate;
mod gate_ipv6;
mod gate_slots;
mod grants;
mod guard;
mod live;
mod log;
mod map_page;
mod pins;
mod replies;
mod scattered;
mod segment;
mod strangers;
mod survival;
mod swap;
mod twin;
mod verdicts;

use heartbeat_tests::kernel::{Family, Kernel, stay_on_first_cpu};
use heartbeat_tests::skip::{Need, lacks};

/// The programs, freshly loaded; `None` where they cannot be, which is said.
fn kernel(test: &str) -> Option<Kernel> {
    kernel_over(test, Family::V4)
}

/// The same for a management network of this family.
fn kernel_over(test: &str, family: Family) -> Option<Kernel> {
    if lacks(test, &[Need::Root, Need::KernelProgram]) {
        return None;
    }
    stay_on_first_cpu().expect("a thread may choose its processor");
    Some(Kernel::load_over(family).expect("the programs load"))
}
