//! The lab proves itself before anything is proved with it: its client sees what happens, its
//! detector of two masters can fire, its faults are at work (each by its own counters), and it
//! leaves nothing behind.

use std::net::{Ipv4Addr, UdpSocket};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Result;
use heartbeat_tests::client::packet::{ARP, arp_request};
use heartbeat_tests::fault::flood::{self, Flood};
use heartbeat_tests::fault::wire::{self, Death};
use heartbeat_tests::fault::{delay, hog, replay};
use heartbeat_tests::lab::addresses::{GROUP, HEARTBEAT_PORT, Network, VIRTUAL_ADDRESS};
use heartbeat_tests::lab::alone::Alone;
use heartbeat_tests::lab::command::run;
use heartbeat_tests::lab::packet_socket::PacketSocket;
use heartbeat_tests::lab::port::{Counts, Direction, Wear};
use heartbeat_tests::lab::topology::Plan;
use heartbeat_tests::lab::{Lab, clean};
use heartbeat_tests::report::doubles::{judge, overlap_ns};
use heartbeat_tests::report::outage::{gaps, moves, of_the_move};
use heartbeat_tests::report::{answers, within};
use heartbeat_tests::skip;
use heartbeat_user::sys::clock::boot_ns;
use heartbeat_wire::frame::{Frame, Kind};

/// Runs `test` in a lab of three nodes, where that can be.
fn in_a_lab(name: &str, test: impl FnOnce(&Lab) -> Result<()>) {
    if skip::lacks(name, &skip::LAB) {
        return;
    }
    let _alone = Alone::wait().expect("the machine is to be had");
    let lab = Lab::build(Plan::default()).expect("the lab can be built");
    test(&lab).unwrap_or_else(|error| panic!("{error:#}"));
}

/// Gives the virtual address to a node by hand, and announces it.
fn give(lab: &Lab, slot: u16) -> Result<()> {
    change_address(lab, slot, "add")?;
    let mac = Network::Business.mac(u8::try_from(slot)?);
    lab.topology().node(slot).run(|| -> Result<()> {
        let socket = PacketSocket::open(Network::Business.interface(), ARP)?;
        Ok(socket.send(&arp_request(mac, VIRTUAL_ADDRESS, VIRTUAL_ADDRESS))?)
    })?
}

/// Takes it away.
fn take(lab: &Lab, slot: u16) -> Result<()> {
    change_address(lab, slot, "del")
}

fn change_address(lab: &Lab, slot: u16, verb: &str) -> Result<()> {
    let address = format!("{VIRTUAL_ADDRESS}/32");
    let node = lab.topology().node(slot).name();
    run(
        "ip",
        &[
            "-netns",
            node,
            "addr",
            verb,
            &address,
            "dev",
            Network::Business.interface(),
        ],
    )
    .map(drop)
}

#[test]
fn the_client_sees_a_move_by_hand_as_one_outage_and_no_two_nodes() {
    in_a_lab("the_client_sees_a_move_by_hand", |lab| {
        let _services = [lab.serve(1)?, lab.serve(2)?];
        give(lab, 1)?;
        let mut watch = lab.watch()?;
        sleep(Duration::from_millis(300));
        let fault_ns = boot_ns();
        take(lab, 1)?;
        sleep(Duration::from_millis(40));
        give(lab, 2)?;
        sleep(Duration::from_millis(300));
        let end_ns = boot_ns();

        let seen = answers(watch.client()?);
        let outage = of_the_move(&gaps(&seen, fault_ns, end_ns)).expect("the service came back");
        assert_eq!((outage.before, outage.after), (1, 2));
        let length = Duration::from_nanos(outage.length_ns());
        assert!(
            length >= Duration::from_millis(40),
            "the gap of 40 ms is seen, not {length:?}"
        );
        assert!(
            length < Duration::from_millis(100),
            "the announcement is heeded at once: {length:?}"
        );
        assert_eq!(moves(&seen).len(), 1);
        assert_eq!(overlap_ns(&seen), 0);

        let verdict = judge(watch.observer()?);
        assert!(
            !verdict.any(),
            "one node after the other is no two: {verdict:?}"
        );
        // A slow machine holds the observer up between two copies; some of its questions prove nothing then.
        assert!(
            verdict.judged + verdict.held_up > 400 && verdict.judged > 100,
            "the observer's questions were answered: {}, {} were held up",
            verdict.judged,
            verdict.held_up
        );
        assert!(
            verdict.arp_judged > 80,
            "its ARP requests too: {}",
            verdict.arp_judged
        );
        Ok(())
    });
}

#[test]
fn the_client_misses_nothing_while_one_node_serves() {
    in_a_lab("the_client_misses_nothing", |lab| {
        let _service = lab.serve(3)?;
        give(lab, 3)?;
        let mut watch = lab.watch()?;
        sleep(Duration::from_millis(100));
        let from_ns = boot_ns();
        sleep(Duration::from_secs(1));
        let seen = within(watch.client()?, from_ns, from_ns + 900_000_000);
        let answered = answers(&seen).len();
        // 4,500 questions in 900 ms; a busy machine may put fewer, but each must be answered.
        let asked = seen.len() - answered;
        assert!(asked > 3_000, "only {asked} questions in 900 ms");
        assert!(
            answered + 5 >= asked,
            "{answered} of {asked} questions were answered"
        );
        Ok(())
    });
}

#[test]
fn two_nodes_that_answer_are_detected_by_datagram_and_by_arp() {
    in_a_lab("two_nodes_that_answer_are_detected", |lab| {
        let _services = [lab.serve(1)?, lab.serve(2)?];
        give(lab, 1)?;
        let mut watch = lab.watch()?;
        sleep(Duration::from_millis(200));
        let both_ns = boot_ns();
        give(lab, 2)?;
        sleep(Duration::from_millis(200));
        let until_ns = boot_ns();
        take(lab, 1)?;
        sleep(Duration::from_millis(100));

        let events = watch.observer()?;
        let verdict = judge(events);
        let two = [1, 2].into();
        assert!(
            verdict.found.iter().all(|(_, nodes)| *nodes == two),
            "{verdict:?}"
        );
        assert!(
            verdict
                .found
                .iter()
                .all(|(at, _)| (both_ns - 2_000_000..until_ns + 50_000_000).contains(at))
        );
        // Of 200 datagrams and 40 ARP requests; as above.
        let datagrams_and_arps = 20 + 20;
        assert!(
            verdict.found.len() > datagrams_and_arps,
            "only {} doubles in 200 ms",
            verdict.found.len()
        );
        assert!(
            verdict.time_ns > 150_000_000,
            "two-answer time of only {} ns",
            verdict.time_ns
        );
        assert!(overlap_ns(&answers(events)) > 150_000_000);
        Ok(())
    });
}

/// Pings node 2 from node 1 over the management network `count` times; how many came back, and how
/// many of these twice.
fn ping(lab: &Lab, count: u16) -> Result<(usize, usize)> {
    let (count, address) = (
        count.to_string(),
        Network::Management.address(2).to_string(),
    );
    let output = lab.topology().node(1).run(|| {
        Command::new("ping")
            .args(["-i", "0.002", "-W", "1", "-c", &count, &address])
            .output()
    })??;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let replies = text.lines().filter(|line| line.contains("bytes from"));
    let (again, first): (Vec<_>, Vec<_>) = replies.partition(|line| line.contains("DUP!"));
    Ok((first.len(), again.len()))
}

fn counts(lab: &Lab, slot: u16, direction: Direction) -> Result<Counts> {
    lab.topology()
        .port(slot, Network::Management)
        .counts(direction)
}

#[test]
fn a_cut_wire_passes_nothing_and_a_healed_one_everything() {
    in_a_lab("a_cut_wire_passes_nothing", |lab| {
        assert_eq!(ping(lab, 20)?, (20, 0));
        wire::cut(lab.topology(), 2, Network::Management)?;
        assert_eq!(ping(lab, 20)?, (0, 0));
        let to_node = counts(lab, 2, Direction::ToNode)?;
        assert!(to_node.lost >= 20, "the requests were lost: {to_node:?}");
        wire::heal(lab.topology(), 2, Network::Management)?;
        assert_eq!(ping(lab, 20)?, (20, 0));
        Ok(())
    });
}

#[test]
fn a_wire_cut_one_way_still_passes_the_other_way() {
    in_a_lab("a_wire_cut_one_way", |lab| {
        assert_eq!(ping(lab, 5)?, (5, 0));
        wire::cut_one_way(lab.topology(), 2, Network::Management, Direction::FromNode)?;
        let before = counts(lab, 2, Direction::ToNode)?;
        assert_eq!(ping(lab, 20)?, (0, 0));
        let (to_node, from_node) = (
            counts(lab, 2, Direction::ToNode)?,
            counts(lab, 2, Direction::FromNode)?,
        );
        assert!(
            to_node.seen >= before.seen + 20,
            "the requests arrived: {to_node:?}"
        );
        assert_eq!(to_node.lost, 0);
        assert!(from_node.lost >= 20, "the replies were lost: {from_node:?}");
        Ok(())
    });
}

#[test]
fn a_wire_that_loses_a_third_loses_about_a_third() {
    in_a_lab("a_wire_that_loses_a_third", |lab| {
        assert_eq!(ping(lab, 5)?, (5, 0));
        let third = Wear {
            lost: 333,
            doubled: 0,
        };
        lab.topology()
            .port(2, Network::Management)
            .wear(Direction::ToNode, third)?;
        let (came_back, twice) = ping(lab, 400)?;
        let lost = counts(lab, 2, Direction::ToNode)?.lost;
        assert_eq!(twice, 0);
        // 400 draws of one third: 133 with a deviation of 9.4; five deviations either side.
        assert!(
            (86..=181).contains(&(400 - came_back)),
            "{came_back} of 400 came back"
        );
        assert!(
            lost >= 400 - came_back as u64,
            "the counters know of {lost}"
        );
        Ok(())
    });
}

#[test]
fn a_wire_that_doubles_does_so_in_either_direction() {
    in_a_lab("a_wire_that_doubles", |lab| {
        assert_eq!(ping(lab, 5)?, (5, 0));
        for direction in [Direction::ToNode, Direction::FromNode] {
            let all = Wear {
                lost: 0,
                doubled: 1_000,
            };
            lab.topology()
                .port(2, Network::Management)
                .wear(direction, all)?;
            let (came_back, twice) = ping(lab, 50)?;
            lab.topology()
                .port(2, Network::Management)
                .wear(direction, Wear::default())?;
            assert_eq!(came_back, 50, "{direction:?}");
            // ping may leave before the copy of the last reply.
            assert!(twice >= 49, "{direction:?}: {twice} of 50 came twice");
            let doubled = counts(lab, 2, direction)?.doubled;
            assert!(
                doubled >= 50,
                "{direction:?}: the counters know of {doubled}"
            );
        }
        Ok(())
    });
}

#[test]
fn a_delayed_wire_takes_its_time_each_way_and_is_quick_again_after() {
    in_a_lab("a_delayed_wire_takes_its_time", |lab| {
        let quick = round_trip(lab)?;
        let slow = {
            let _delay = delay::start(lab, 2, Network::Management, Duration::from_millis(20))?;
            round_trip(lab)?
        };
        let after = round_trip(lab)?;
        assert!(quick < Duration::from_millis(5), "{quick:?} before");
        assert!(
            slow >= Duration::from_millis(40) && slow < Duration::from_millis(60),
            "{slow:?} with 20 ms each way"
        );
        assert!(after < Duration::from_millis(5), "{after:?} after");
        Ok(())
    });
}

/// The shortest of ten UDP round trips between nodes 1 and 2, checksums and all.
fn round_trip(lab: &Lab) -> Result<Duration> {
    let _service = lab.serve(2)?;
    lab.topology().node(1).run(|| -> Result<Duration> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket.set_read_timeout(Some(Duration::from_secs(1)))?;
        let mut best = Duration::MAX;
        for number in 0..10 {
            let begun = Instant::now();
            let question = heartbeat_tests::client::datagram::question(number);
            socket.send_to(
                &question,
                (
                    Network::Management.address(2),
                    heartbeat_tests::client::datagram::PORT,
                ),
            )?;
            socket.recv(&mut [0; 64])?;
            best = best.min(begun.elapsed());
        }
        Ok(best)
    })?
}

#[test]
fn a_dead_node_is_silent_on_both_networks_and_loses_its_carrier_only_when_loud() {
    in_a_lab("a_dead_node_is_silent_on_both_networks", |lab| {
        for (death, carrier) in [(Death::Silent, "1"), (Death::Loud, "0")] {
            assert_eq!(ping(lab, 5)?, (5, 0));
            wire::kill_node(lab.topology(), 2, death)?;
            assert_eq!(ping(lab, 5)?, (0, 0), "{death:?}");
            let node = lab.topology().node(2).name();
            let shown = run("ip", &["-netns", node, "-o", "link", "show", "mgmt0"])?;
            assert_eq!(
                shown.contains("NO-CARRIER"),
                carrier == "0",
                "{death:?}: {shown}"
            );
            wire::heal_node(lab.topology(), 2)?;
        }
        Ok(())
    });
}

/// Sends a probe-shaped frame from node 1 every two milliseconds until dropped.
fn probes_of_node_1<T>(lab: &Lab, meanwhile: impl FnOnce() -> Result<T>) -> Result<T> {
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            lab.topology().node(1).run(|| -> Result<()> {
                let socket = UdpSocket::bind((Network::Management.address(1), HEARTBEAT_PORT))?;
                socket2::SockRef::from(&socket)
                    .set_multicast_if_v4(&Network::Management.address(1))?;
                let mut frame = Frame {
                    kind: Kind::Probe as u8,
                    ..Frame::default()
                };
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    frame.sequence += 1;
                    socket.send_to(frame.as_bytes(), (GROUP, HEARTBEAT_PORT))?;
                    sleep(Duration::from_millis(2));
                }
                Ok(())
            })?
        });
        let result = meanwhile();
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        result
    })
}

#[test]
fn a_flood_of_forgeries_reaches_every_node() {
    in_a_lab("a_flood_of_forgeries", |lab| {
        let before = counts(lab, 3, Direction::ToNode)?.seen;
        let sent = probes_of_node_1(lab, || {
            let flood = flood::start(lab, Flood::Forged)?;
            sleep(Duration::from_millis(300));
            flood::finish(flood)
        })?;
        let arrived = counts(lab, 3, Direction::ToNode)?.seen - before;
        assert!(sent > 3_000, "only {sent} in 300 ms");
        assert!(arrived >= sent, "{arrived} of {sent} arrived");
        Ok(())
    });
}

#[test]
fn a_replay_sends_only_what_its_node_received() {
    in_a_lab("a_replay_sends_only_what_its_node_received", |lab| {
        let before = counts(lab, 2, Direction::ToNode)?.seen;
        let elsewhere = counts(lab, 3, Direction::ToNode)?.seen;
        let sent = probes_of_node_1(lab, || {
            let replay = replay::start(lab, 2, Duration::from_millis(100))?;
            sleep(Duration::from_millis(200));
            flood::finish(replay)
        })?;
        assert!(sent > 2_000, "only {sent} in 200 ms");
        assert!(counts(lab, 2, Direction::ToNode)?.seen - before >= sent);
        assert!(counts(lab, 3, Direction::ToNode)?.seen - elsewhere < 1_000);
        Ok(())
    });
}

#[test]
fn hogs_take_the_processors_from_everybody_below_them() {
    in_a_lab("hogs_take_the_processors", |lab| {
        let free = work_done();
        let hogs = hog::start(lab, lab.topology().node(1), Some(10))?;
        let starved = work_done();
        drop(hogs);
        // The kernel leaves 5% to everybody else (sched_rt_runtime_us).
        assert!(
            starved < free / 2,
            "{starved} steps beside hogs, {free} without"
        );
        Ok(())
    });
}

/// Steps of a loop that one thread takes in 300 ms.
fn work_done() -> u64 {
    let begun = Instant::now();
    let mut steps = 0u64;
    while begun.elapsed() < Duration::from_millis(300) {
        steps = std::hint::black_box(steps + 1);
    }
    steps
}

#[test]
fn a_dropped_lab_leaves_nothing() {
    const NAME: &str = "a_dropped_lab_leaves_nothing";
    if skip::lacks(NAME, &skip::LAB) {
        return;
    }
    let _alone = Alone::wait().expect("the machine is to be had");
    let own = || own_remains(i32::try_from(std::process::id()).expect("a process id fits"));
    assert_eq!(own(), Vec::<String>::new());
    {
        let first = Lab::build(Plan::default()).expect("the lab can be built");
        let _second = Lab::build(Plan::default()).expect("a second one beside it");
        let _service = first.serve(1).expect("a service can be started");
        assert!(
            own().len() > 16,
            "what a lab is made of bears its name: {:?}",
            own()
        );
    }
    assert_eq!(own(), Vec::<String>::new());
}

#[test]
fn a_killed_lab_leaves_nothing_either() {
    const NAME: &str = "a_killed_lab_leaves_nothing_either";
    const HOLD: &str = "HEARTBEAT_LAB_HOLD";
    if skip::lacks(NAME, &skip::LAB) {
        return;
    }
    if std::env::var_os(HOLD).is_some() {
        let lab = Lab::build(Plan::default()).expect("the lab can be built");
        let _service = lab.serve(1).expect("a service can be started");
        sleep(Duration::from_secs(60));
        return;
    }
    let _alone = Alone::wait().expect("the machine is to be had");
    let mut holder = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", NAME])
        .env(HOLD, "1")
        .stdout(Stdio::null())
        .spawn()
        .expect("this program can run once more");
    let owner = i32::try_from(holder.id()).expect("a process id fits");
    until("it has built its lab", || own_remains(owner).len() >= 9);
    sleep(Duration::from_millis(200));
    holder.kill().expect("it lives");
    holder.wait().expect("it is ours");
    until("the guard has cleaned up", || own_remains(owner).is_empty());
}

fn own_remains(owner: i32) -> Vec<String> {
    clean::remains()
        .into_iter()
        .filter(|(of, _)| *of == owner)
        .map(|(_, what)| what)
        .collect()
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "waited 10 s until {what}"
        );
        sleep(Duration::from_millis(20));
    }
}
