//! The kernel programs, packet by packet.

use heartbeat_tests::kernel::frames::{Answer, probe};
use heartbeat_tests::kernel::{Kernel, XDP_TX};
use heartbeat_tests::skip::{Need, lacks};
use heartbeat_wire::Epoch;

#[test]
fn a_probe_is_answered() {
    if lacks("a_probe_is_answered", &[Need::Root, Need::KernelProgram]) {
        return;
    }
    let kernel = Kernel::load().expect("the programs load");
    let ran = kernel
        .responder(&probe(Epoch::new(1, 1), 1).packet())
        .expect("the program runs");
    assert_eq!(ran.action, XDP_TX);
    assert_eq!(Answer::read(&ran.packet, 0).frame.sequence, 1);
}
