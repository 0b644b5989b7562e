//! Another daemon in the same place: refused in one line that names the first, which goes on undisturbed.

use crate::rig::Rig;

#[test]
fn a_second_daemon_on_the_same_socket_pins_or_state_is_refused_and_the_first_goes_on() {
    let Some(rig) = Rig::new("a_second_daemon") else {
        return;
    };
    let mut all = rig.cluster();
    let first = &mut all[0];
    let before = first.wait_for("mastership", |status| status["role"] == "master");
    let pid = format!("(process {})", first.pid());
    let other = || {
        let mut order = rig.daemon(1);
        order.control = rig.path("other.sock");
        order.pins = rig.pins("other");
        order.state = rig.path("other.state");
        order.log = rig.path("other.log");
        order
    };
    let own = rig.daemon(1);
    let mut same_socket = other();
    same_socket.control.clone_from(&own.control);
    same_socket
        .refused()
        .check(1, &[&pid, "n1.sock", "stop it first", "--control"]);
    let mut same_pins = other();
    same_pins.pins.clone_from(&own.pins);
    same_pins
        .refused()
        .check(1, &[&pid, "/n1", "stop it first", "--bpf-dir"]);
    let mut same_state = other();
    same_state.state.clone_from(&own.state);
    same_state
        .refused()
        .check(1, &[&pid, "n1.state", "stop it first", "--state"]);
    let after = first.wait_for("that it goes on", |status| status["role"] == "master");
    assert_eq!(before["epoch"], after["epoch"]);
    assert!(after["role_age_us"].as_u64() > before["role_age_us"].as_u64());
}
