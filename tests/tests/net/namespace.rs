//! Network namespaces that vanish with the value that stands for them.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use heartbeat_tests::skip::{Need, lacks};
use nix::sched::{CloneFlags, setns, unshare};

/// Longest wait for something that the kernel does at once.
pub(crate) const SOON: Duration = Duration::from_secs(2);

/// Whether the test can run; if not, it says so, or fails where it must run.
pub(crate) fn is_root(test: &str) -> bool {
    !lacks(test, &[Need::Root])
}

/// A network namespace; gone once this and every socket in it are closed.
pub(crate) struct Namespace(OwnedFd);

impl Namespace {
    pub(crate) fn new() -> Self {
        let made = thread::spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).expect("root may make a network namespace");
            File::open("/proc/thread-self/ns/net").expect("the own namespace can be opened")
        });
        Self(made.join().expect("the thread does not panic").into())
    }

    /// Runs `work` in a thread of its own inside the namespace.
    pub(crate) fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        thread::scope(|scope| {
            let inside = scope.spawn(|| {
                setns(&self.0, CloneFlags::CLONE_NEWNET).expect("root may enter the namespace");
                work()
            });
            match inside.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }

    /// Runs `ip` with these arguments inside the namespace and gives its output.
    pub(crate) fn ip(&self, arguments: &str) -> String {
        self.run(|| {
            let output = Command::new("ip")
                .args(arguments.split_whitespace())
                .output()
                .expect("ip of iproute2 is installed");
            assert!(
                output.status.success(),
                "ip {arguments}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            String::from_utf8(output.stdout).expect("ip prints text")
        })
    }

    /// Where other processes find the namespace.
    fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.0.as_raw_fd())
    }
}

/// Two namespaces, joined by a veth pair that is up: `biz0` at the node, `client0` at the client, with
/// addresses of both families.
pub(crate) struct Segment {
    pub(crate) node: Namespace,
    pub(crate) client: Namespace,
}

/// Hardware address of the node's end.
pub(crate) const NODE_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x0a];

impl Segment {
    pub(crate) fn new() -> Self {
        let segment = Self {
            node: Namespace::new(),
            client: Namespace::new(),
        };
        segment.join();
        segment.node.ip("link set lo up");
        segment.node.ip("address add 203.0.113.1/24 dev biz0");
        segment.client.ip("address add 203.0.113.9/24 dev client0");
        for (namespace, interface, last) in [
            (&segment.node, "biz0", "1"),
            (&segment.client, "client0", "9"),
        ] {
            for address in ["2001:db8:113::", "fe80::"] {
                let address = format!("{address}{last}/64");
                namespace.ip(&format!("address add {address} dev {interface} nodad"));
            }
            // The kernel joins the group that solicitations go to a moment later, behind others' changes.
            let group = format!("ff0200000000000000000001ff00000{last}");
            eventually("solicitations are heard", || {
                let groups = namespace.run(|| fs::read_to_string("/proc/thread-self/net/igmp6"));
                groups.is_ok_and(|text| text.contains(&group)).then_some(())
            });
        }
        segment
    }

    /// Makes the pair of interfaces, at the start or after one end was deleted.
    pub(crate) fn join(&self) {
        let client = self.client.path();
        self.node.ip(&format!(
            "link add biz0 address 02:00:00:00:00:0a type veth peer name client0 netns {client}"
        ));
        self.node.ip("link set biz0 up");
        self.client.ip("link set client0 up");
    }
}

/// Waits until `probe` gives something, at most [`SOON`].
pub(crate) fn eventually<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + SOON;
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(Instant::now() < until, "{what}: not within {SOON:?}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Reads one packet; none if there is none for the socket's timeout.
pub(crate) fn read(socket: &mut impl Read) -> Option<Vec<u8>> {
    let mut packet = [0; 256];
    loop {
        match socket.read(&mut packet) {
            Ok(length) => return Some(packet[..length].to_vec()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
            Err(error) => panic!("a packet can be read: {error}"),
        }
    }
}
