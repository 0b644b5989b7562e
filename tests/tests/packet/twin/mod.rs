//! The loaded program beside its twin: the functions that it is built from, run on the host. Same verdict, same
//! answer to the last byte, same words in the maps, for packets made by chance.

mod frames;
mod host;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use heartbeat_kernel_twin::{Kernel as Twin, Questions};
use heartbeat_tests::kernel::frames::Answer;
use heartbeat_tests::kernel::{
    Entry, Family, KEYS, Kernel, OWN_MAC, Ran, SLOTS, XDP_PASS, XDP_TX, wire,
};
use heartbeat_tests::skip::{Need, lacks};
use heartbeat_user::sys::clock::boot_ns;
use heartbeat_wire::frame::{FRAME_LEN, gate_state};
use heartbeat_wire::maps::{Config, Control, Grant, Keys, Reply, SENT_RECORDS, Sent, name};
use heartbeat_wire::{Frame, Verdict};

use frames::Chance;
use host::{Host, Outcome};

/// Packets of every test run, of each family.
const SOME: u64 = 30_000;
/// And when somebody asks for more.
const MANY: u64 = 500_000;
/// Packets that meet one state of the maps before chance makes another.
const A_STATE: u64 = 64;
/// A test run at tcx takes no packet that ends in its IP header.
const SHORTEST_AT_TCX: usize = 14 + 40;

#[test]
fn the_kernel_program_does_what_its_twin_on_the_host_does() {
    for (family, seed) in [(Family::V4, 1), (Family::V6, 2)] {
        compare("twin", Entry::Xdp, family, seed, SOME);
    }
}

#[test]
fn at_tcx_ingress_it_does_the_same() {
    for (family, seed) in [(Family::V4, 5), (Family::V6, 6)] {
        compare("twin_tcx", Entry::Tcx, family, seed, SOME);
    }
}

#[test]
fn the_kernel_program_does_what_its_twin_does_a_million_times() {
    if lacks("twin_long", &[Need::Long]) {
        return;
    }
    for (family, seed) in [(Family::V4, 3), (Family::V6, 4)] {
        compare("twin_long", Entry::Xdp, family, seed, MANY);
    }
}

fn compare(test: &str, entry: Entry, family: Family, seed: u64, packets: u64) {
    let Some(mut kernel) = crate::kernel_over(test, family) else {
        return;
    };
    // One slot's refusals: on a slow machine no two packets come close enough together.
    kernel.limit_refusals(4).expect("maps are writable");
    if entry == Entry::Tcx {
        kernel.load_tcx().expect("the verifier takes it");
    }
    let mut pair = Pair::new(kernel, entry, family, seed);
    for number in 0..packets {
        if number.is_multiple_of(A_STATE) {
            pair.change_state();
        }
        pair.run_one(number);
    }
    let seen: Vec<_> = pair
        .seen
        .iter()
        .map(|(verdict, count)| format!("{} {count}", verdict.as_str()))
        .collect();
    println!(
        "{packets} packets over {family:?}, {} of them not ours, {} on the edge of a time; {}",
        pair.not_ours,
        pair.on_an_edge,
        seen.join(", ")
    );
    let found: BTreeSet<_> = pair.seen.keys().copied().collect();
    let missing: Vec<_> = Verdict::ALL
        .iter()
        .filter(|verdict| !found.contains(verdict))
        .collect();
    // Lost races and a daemon that wrote no configuration are not among the states.
    assert_eq!(missing, [&Verdict::Contended, &Verdict::Unconfigured]);
    assert!(pair.not_ours > packets / 100, "{} not ours", pair.not_ours);
    assert!(pair.on_an_edge < packets / 100, "{}", pair.on_an_edge);
}

struct Pair {
    kernel: Kernel,
    entry: Entry,
    host: Host,
    family: Family,
    chance: Chance,
    counts: BTreeMap<Verdict, u64>,
    seen: BTreeMap<Verdict, u64>,
    not_ours: u64,
    /// A time ran out between the two, so that both may be right.
    on_an_edge: u64,
}

impl Pair {
    fn new(mut kernel: Kernel, entry: Entry, family: Family, seed: u64) -> Self {
        let config: Config = kernel.get(name::CONFIG, 0).expect("there is one");
        let counts = kernel.verdicts().expect("counters can be read");
        Self {
            host: Host {
                twin: Twin::new(config, Arc::new(family.members().into_iter().collect())),
                keys: Keys { slots: KEYS },
            },
            kernel,
            entry,
            family,
            chance: Chance(seed),
            counts,
            seen: BTreeMap::new(),
            not_ours: 0,
            on_an_edge: 0,
        }
    }

    fn change_state(&mut self) {
        let (chance, twin, kernel) = (&mut self.chance, &mut self.host.twin, &self.kernel);
        let now_ns = boot_ns();
        twin.grant = frames::grant(chance, now_ns);
        twin.control = frames::control(chance, now_ns);
        frames::configure(chance, &mut twin.config);
        let written = [
            kernel.set(name::GRANT, 0, twin.grant),
            kernel.set(name::CONTROL, 0, twin.control),
            kernel.set(name::CONFIG, 0, twin.config),
        ];
        let last = twin.sent.iter().last().map(|sent| sent.sequence);
        twin.sent = Questions::default();
        for sent in frames::sent(chance, last.unwrap_or(200), now_ns) {
            let place = usize::try_from(sent.sequence).expect("64 bits") % SENT_RECORDS;
            let index = u32::try_from(place).expect("few");
            kernel.set(name::SENT, index, sent).expect("it is writable");
            twin.sent.note(sent);
        }
        written
            .into_iter()
            .for_each(|done| done.expect("it is writable"));
    }

    fn run_one(&mut self, number: u64) {
        self.host.twin.ring.clear();
        let sent: Vec<Sent> = self.host.twin.sent.iter().copied().collect();
        let config = self.host.twin.config;
        let packet = frames::packet(&mut self.chance, self.family, &config, &sent);
        if self.entry == Entry::Tcx && packet.len() < SHORTEST_AT_TCX {
            return;
        }
        let before = self.host.clone();
        let from_ns = boot_ns();
        let ran = self.kernel.responder_at(self.entry, &packet);
        let ran = ran.expect("the program runs");
        let until_ns = boot_ns();
        let verdict = self.counted();
        let (grant, replies) = self.words();
        let told = format!(
            "packet {number} of {:?} at {:?}: {packet:02x?}, {before:#?}",
            self.family, self.entry
        );

        // The kernel's own time shows in what it wrote; where it wrote none, any between will do.
        let is_limited = verdict == Some(Verdict::RefusalLimited);
        let now_ns = written_at(&before, &grant, &replies).unwrap_or(from_ns);
        assert!((from_ns..=until_ns).contains(&now_ns), "{told}");
        let outcomes = [from_ns, until_ns].map(|at_ns| {
            let mut host = before.clone();
            host.respond(&packet, at_ns, is_limited)
        });
        let [early, late] = &outcomes;
        let outcome = self.host.respond(&packet, now_ns, is_limited);
        if early.verdict != late.verdict {
            self.on_an_edge += 1;
            (self.host.twin.grant, self.host.twin.counted) = (grant, replies);
            return;
        }
        assert_eq!(outcome.verdict, verdict, "{told}");
        assert_eq!(self.host.twin.grant, grant, "{told}");
        assert_eq!(self.host.twin.counted, replies, "{told}");
        let control: Control = self.kernel.get(name::CONTROL, 0).expect("there is one");
        assert_eq!(
            control, before.twin.control,
            "the daemon's words are its own"
        );
        let expected = verdict.map_or(XDP_PASS, crate::verdicts::action);
        assert_eq!(ran.action, expected, "{told}");
        self.same_answer(&packet, &ran, &outcome, &outcomes, &told);
        match verdict {
            Some(verdict) => *self.seen.entry(verdict).or_default() += 1,
            None => self.not_ours += 1,
        }
    }

    fn same_answer(
        &self,
        packet: &[u8],
        ran: &Ran,
        outcome: &Outcome,
        [early, late]: &[Outcome; 2],
        told: &str,
    ) {
        let Some(answer) = &outcome.answer else {
            assert_eq!(ran.packet, packet, "what is not answered stays: {told}");
            return;
        };
        assert_eq!(ran.action, XDP_TX);
        let tag_len = if packet[12..14] == [0x81, 0x00] { 4 } else { 0 };
        let ip_len = if self.family == Family::V4 { 20 } else { 40 };
        let (answered, padding) = ran.packet.split_at(14 + tag_len + ip_len + 8 + FRAME_LEN);
        assert_eq!(padding, &packet[answered.len()..], "padding stays: {told}");
        // It asserts headers and checksums.
        let found = Answer::read(answered, tag_len);
        assert_eq!(ran.packet[12..12 + tag_len], packet[12..12 + tag_len]);
        assert_eq!(
            (found.to_mac, found.from_mac),
            (source_mac(packet), OWN_MAC)
        );
        assert_eq!((wire(found.from), wire(found.to)), (answer.from, answer.to));
        let [early, late] = [early, late].map(|outcome| {
            let answer = outcome.answer.as_ref();
            answer.expect("the same verdict is answered alike").frame
        });
        let mut expected = answer.frame;
        take_times(&mut expected, &found.frame, &early, &late, told);
        self.host.sign(&mut expected);
        assert_eq!(found.frame, expected, "{told}");
    }

    /// The verdict that was counted since the last look.
    fn counted(&mut self) -> Option<Verdict> {
        let counts = self.kernel.verdicts().expect("counters can be read");
        let mut grown = counts.iter().filter(|(verdict, count)| {
            self.counts.get(verdict).copied().unwrap_or_default() != **count
        });
        let verdict = grown.next().map(|(verdict, _)| *verdict);
        assert!(grown.next().is_none(), "one packet, one count");
        self.counts = counts;
        verdict
    }

    fn words(&self) -> (Grant, BTreeMap<u16, Reply>) {
        let grant = self.kernel.get(name::GRANT, 0).expect("there is one");
        let replies = self.kernel.replies().expect("they can be read");
        let counted = SLOTS
            .map(|slot| (slot, replies.slots[usize::from(slot)]))
            .filter(|(_, reply)| *reply != Reply::default());
        (grant, counted.collect())
    }
}

/// When the kernel's program ran, if it wrote that.
fn written_at(before: &Host, grant: &Grant, replies: &BTreeMap<u16, Reply>) -> Option<u64> {
    let changed = |before: u64, now: u64| (before != now).then_some(now);
    let counted = replies.iter().find_map(|(slot, reply)| {
        let before = before.twin.counted.get(slot).copied().unwrap_or_default();
        changed(before.arrival_ns, reply.arrival_ns).or(changed(before.clash_ns, reply.clash_ns))
    });
    changed(before.twin.grant.arrival_ns, grant.arrival_ns)
        .or(changed(before.twin.grant.duplicate_ns, grant.duplicate_ns))
        .or(counted)
}

/// Takes over into `expected` what depends on the time alone, if it lies between what it was at first and what
/// it was at last.
fn take_times(expected: &mut Frame, found: &Frame, early: &Frame, late: &Frame, told: &str) {
    assert!(
        (late.lease_us..=early.lease_us).contains(&found.lease_us),
        "what is left of the grant: {told}"
    );
    assert!((early.daemon_age_us..=late.daemon_age_us).contains(&found.daemon_age_us));
    assert!((early.service_age_us..=late.service_age_us).contains(&found.service_age_us));
    assert!([early.gate, late.gate].contains(&found.gate) && found.gate <= gate_state::OPEN);
    expected.lease_us = found.lease_us;
    expected.daemon_age_us = found.daemon_age_us;
    expected.service_age_us = found.service_age_us;
    expected.gate = found.gate;
}

fn source_mac(packet: &[u8]) -> [u8; 6] {
    packet[6..12].try_into().expect("six bytes")
}
