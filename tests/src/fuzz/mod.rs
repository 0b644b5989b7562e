//! What is thrown at everything that reads what others wrote: one function a target, from bytes made by a fuzzer.
//! None of them may panic. The fuzzer's programs are in `fuzz/`; its corpora are replayed by the ordinary tests.

mod bytes;
mod config;
mod core;
mod datagram;
mod frame;
mod request;

/// One target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Name of its program and of its corpus's folder.
    pub name: &'static str,
    /// What it does with some bytes.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: [Target; 5] = [
    Target {
        name: "frame",
        run: frame::run,
    },
    Target {
        name: "datagram",
        run: datagram::run,
    },
    Target {
        name: "request",
        run: request::run,
    },
    Target {
        name: "config",
        run: config::run,
    },
    Target {
        name: "core",
        run: core::run,
    },
];

/// Runs the target of this name.
///
/// # Panics
/// When there is none, or it finds a defect.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.expect("a target").run)(bytes);
}
