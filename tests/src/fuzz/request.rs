//! A line on the control socket.

use heartbeat_user::control::understand;

/// It is a request, or it is refused with words for its sender.
pub(super) fn run(bytes: &[u8]) {
    let Ok(line) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Err(refusal) = understand(line) {
        assert!(!refusal.is_empty(), "a refusal says why");
    }
}
