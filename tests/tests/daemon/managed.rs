//! What a service manager is told, by the real protocol of sd_notify(3) on a real socket.

use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use heartbeat_tests::lab::thread_stop::ThreadStop;

use crate::rig::{PATIENCE, Rig, Running};

/// Within this the manager wants to hear from the pulse, in microseconds: 600 ms.
const WATCHDOG_US: &str = "600000";
/// How long a daemon or its pulse is held.
const HELD: Duration = Duration::from_secs(1);

/// A service manager's ear.
struct Ear {
    socket: UnixDatagram,
    begun: Instant,
    heard: Vec<(Duration, String)>,
}

impl Ear {
    fn new(rig: &Rig) -> Self {
        let socket = UnixDatagram::bind(rig.path("notify")).expect("a socket can be made");
        let look = Some(Duration::from_millis(20));
        socket.set_read_timeout(look).expect("a time can be set");
        Self {
            socket,
            begun: Instant::now(),
            heard: Vec::new(),
        }
    }

    /// Starts slot 1 as a service manager does.
    fn start(&self, rig: &Rig) -> Running {
        let mut order = rig.daemon(1);
        let socket = rig.path("notify");
        order.before = vec![
            "env".to_owned(),
            format!("NOTIFY_SOCKET={}", socket.display()),
            format!("WATCHDOG_USEC={WATCHDOG_US}"),
        ];
        order.start()
    }

    /// Takes what was sent, for that long.
    fn listen(&mut self, lasts: Duration) {
        let until = Instant::now() + lasts;
        while Instant::now() < until {
            self.take();
        }
    }

    fn take(&mut self) {
        let mut text = [0; 1000];
        if let Ok(length) = self.socket.recv(&mut text) {
            let text = String::from_utf8_lossy(&text[..length]).into_owned();
            self.heard.push((self.begun.elapsed(), text));
        }
    }

    /// When this was heard first, waiting for it.
    fn until(&mut self, begins: &str) -> Duration {
        let begun = Instant::now();
        loop {
            if let Some((at, _)) = self.heard.iter().find(|(_, text)| text.starts_with(begins)) {
                return *at;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "{begins} in vain: {:?}",
                self.heard
            );
            self.take();
        }
    }

    /// How often the watchdog was fed since then.
    fn fed(&self, since: usize) -> usize {
        let said = |(_, text): &&(Duration, String)| text == "WATCHDOG=1";
        self.heard[since..].iter().filter(said).count()
    }
}

#[test]
fn a_service_manager_hears_of_the_first_decision_and_of_the_end() {
    let Some(rig) = Rig::new("a_service_manager_hears") else {
        return;
    };
    let mut ear = Ear::new(&rig);
    let first = ear.start(&rig);
    let starts = ear.until("STATUS=init of ");
    let others = [rig.daemon(2).start(), rig.daemon(3).start()];
    let serves = ear.until("STATUS=master of ");
    let ready = ear.until("READY=1");
    assert!(starts < ready && ready <= serves + HELD, "{:?}", ear.heard);
    let readies = |ear: &Ear| {
        ear.heard
            .iter()
            .filter(|(_, text)| text == "READY=1")
            .count()
    };
    assert_eq!(readies(&ear), 1, "{:?}", ear.heard);
    drop(others);
    ear.until("STATUS=candidate of ");
    let told = ear.heard.len();
    ear.listen(HELD);
    let alarmed = |(_, text): &(Duration, String)| text.contains("alarm");
    assert!(
        ear.heard.iter().any(alarmed),
        "no master, and no word: {:?}",
        ear.heard
    );
    assert!(
        ear.fed(told) >= 3,
        "a pulse without a master lives: {:?}",
        ear.heard
    );
    let ended = first.terminate();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ear.until("STOPPING=1");
    assert_eq!(readies(&ear), 1, "{:?}", ear.heard);
}

#[test]
fn the_watchdog_is_fed_by_the_pulse_and_by_nothing_else() {
    let Some(rig) = Rig::new("the_watchdog") else {
        return;
    };
    let mut ear = Ear::new(&rig);
    let first = ear.start(&rig);
    ear.until("READY=1");
    let before = ear.heard.len();
    ear.listen(HELD);
    assert!(ear.fed(before) >= 3, "{:?}", ear.heard);
    // Only the pulse is held: the daemon answers operators all the while.
    let pulse = ThreadStop::of(first.pid(), "pulse").expect("it can be held");
    ear.listen(Duration::from_millis(100));
    let held = ear.heard.len();
    let answered = first.ask(&["history"]).status.success();
    ear.listen(HELD);
    assert!(answered, "the rest of the daemon lives: {}", first.log());
    assert_eq!(
        ear.fed(held),
        0,
        "nobody stands in for the pulse: {:?}",
        ear.heard
    );
    drop(pulse);
    ear.listen(HELD);
    assert!(ear.fed(held) >= 3, "{:?}", ear.heard);
}

#[test]
fn a_daemon_that_waits_says_for_what_and_is_not_ready() {
    let Some(rig) = Rig::new("a_daemon_that_waits_says") else {
        return;
    };
    rig.ip(1, "link set dev biz0 down");
    let mut ear = Ear::new(&rig);
    let first = ear.start(&rig);
    ear.until("STATUS=lab");
    ear.listen(HELD);
    let (_, last) = ear.heard.last().expect("something was said");
    assert!(
        last.contains("waits for interface biz0, which is down"),
        "{last}"
    );
    let ready = |ear: &Ear| ear.heard.iter().any(|(_, text)| text == "READY=1");
    assert!(!ready(&ear), "{:?}", ear.heard);
    rig.ip(1, "link set dev biz0 up");
    ear.until("READY=1");
    let ended = first.terminate();
    assert_eq!(ended.code, Some(0), "{ended:?}");
}
