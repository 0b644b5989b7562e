//! Frames and states, made by chance: most of them nearly right, in every header's shape.

use heartbeat_tests::kernel::frames::{Heartbeat, heartbeat};
use heartbeat_tests::kernel::{
    Family, KEYS, MAX_LEASE_NS, OWN_SLOT, PORT, SLOTS, address, business_address,
};
use heartbeat_wire::decide::Accepted;
use heartbeat_wire::maps::{Config, Control, Grant, Sent};
use heartbeat_wire::tag::Key;
use heartbeat_wire::{Epoch, Kind};

/// Numbers by chance, the same for the same seed (SplitMix64; Steele, Lea, Flood 2014).
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.word() % limit
    }

    pub(super) fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).expect("a place in a slice")]
    }

    fn slot(&mut self) -> u16 {
        self.pick(&[1, 1, 2, 3, 3, 4, 5, 6, 0])
    }

    /// One of few epochs, so that they meet; now and then one far away.
    fn epoch(&mut self) -> Epoch {
        let round = match self.below(40) {
            0 => 1 << 40,
            1 => 0,
            _ => 5 + self.below(4),
        };
        Epoch::new(round, self.pick(&[1, 1, 1, 2, 3, 4]))
    }

    /// Some time around `now_ns`, clear of it, or zero.
    fn time(&mut self, now_ns: u64) -> u64 {
        match self.below(3) {
            0 => 0,
            1 => now_ns - 1_000_000_000 - self.below(1_000_000_000),
            _ => now_ns + 60_000_000_000 + self.below(1_000_000_000),
        }
    }
}

/// What the words may hold at `now_ns`.
pub(super) fn grant(chance: &mut Chance, now_ns: u64) -> Grant {
    let probed = chance.epoch();
    let accepted = if chance.one_in(4) {
        chance.epoch()
    } else {
        probed
    };
    Grant {
        end_ns: chance.time(now_ns).min(now_ns + MAX_LEASE_NS),
        accepted: Accepted::new(accepted, 90 + chance.below(20)).0,
        probed_epoch: probed.0,
        arrival_ns: now_ns - chance.below(1_000_000_000),
        holder_incarnation: chance.word(),
        successor: chance.below(6),
        duplicate_ns: 0,
        lease_ns: 50_000_000,
    }
}

/// The same of the daemon's words.
pub(super) fn control(chance: &mut Chance, now_ns: u64) -> Control {
    Control {
        lease_deadline_ns: chance.time(now_ns),
        lease_epoch: chance.epoch().0,
        promised_epoch: chance.epoch().0,
        vote_grant_end_ns: chance.time(now_ns),
        vote_epoch: chance.epoch().0,
        vote_incarnation: chance.word(),
        abstain_until_ns: if chance.one_in(4) {
            chance.time(now_ns)
        } else {
            0
        },
        beat_ns: chance.time(now_ns).min(now_ns),
        service_ns: chance.time(now_ns).min(now_ns),
        role: chance.below(5),
        diagnosis: chance.below(1 << 16),
        flags: chance.below(16),
        info_version: chance.below(1 << 16),
        epoch_floor: chance.epoch().0,
        released_epoch: chance.epoch().0,
        slot_lease_ns: chance.time(now_ns),
        ..Control::default()
    }
}

/// Changes what of the configuration changes while a daemon runs.
pub(super) fn configure(chance: &mut Chance, config: &mut Config) {
    config.is_elector = u16::from(!chance.one_in(4));
    config.signing_slot = u16::from(chance.one_in(4));
    (config.next_version, config.next_digest) = if chance.one_in(2) {
        (config.elector_version + 1, 0xfeed)
    } else {
        (0, 0)
    };
}

/// Questions that this node sent just now, with numbers above `last`.
pub(super) fn sent(chance: &mut Chance, last: u64, now_ns: u64) -> Vec<Sent> {
    let kinds = [Kind::Probe, Kind::Probe, Kind::Query];
    let record = |sequence| Sent {
        epoch: Epoch::new(5 + chance.below(4), OWN_SLOT).0,
        sequence,
        sent_ns: now_ns - chance.below(1_000_000) - if chance.one_in(8) { 1 << 32 } else { 0 },
        kind: chance.pick(&kinds) as u64,
    };
    (last + 1..=last + 8).map(record).collect()
}

/// One packet.
pub(super) fn packet(
    chance: &mut Chance,
    family: Family,
    config: &Config,
    sent: &[Sent],
) -> Vec<u8> {
    if chance.one_in(50) {
        let length = 14 + chance.below(200);
        return (0..length).map(|_| chance.word() as u8).collect();
    }
    let heartbeat = match chance.below(10) {
        0..6 => question(chance, config),
        _ => answer(chance, sent),
    };
    let mut packet = spoilt(chance, heartbeat.over(family)).packet();
    match chance.below(12) {
        0 => {
            let at = usize::try_from(chance.below(packet.len() as u64)).expect("short");
            packet[at] ^= 1 << chance.below(8);
        }
        1 => packet
            .truncate(14 + usize::try_from(chance.below(packet.len() as u64 - 14)).expect("short")),
        2 => packet.extend([0; 7]),
        _ => {}
    }
    packet
}

fn question(chance: &mut Chance, config: &Config) -> Heartbeat {
    let epoch = chance.epoch();
    let kind = if chance.one_in(4) {
        Kind::Query
    } else {
        Kind::Probe
    };
    let sender = if chance.one_in(6) {
        chance.slot()
    } else {
        epoch.slot()
    };
    let mut made = heartbeat(kind, sender, epoch, 85 + chance.below(100));
    let frame = &mut made.frame;
    if sender == OWN_SLOT && chance.one_in(2) {
        frame.incarnation = config.incarnation;
    }
    match chance.below(10) {
        0 => frame.lease_us = u32::try_from(MAX_LEASE_NS / 1_000).expect("short") + 1,
        1 => frame.lease_us = 0,
        2 => frame.elector_version += 1,
        3 => {
            (frame.elector_version, frame.elector_digest) =
                (config.next_version, config.next_digest);
        }
        4 => frame.elector_digest ^= 1,
        5 => (frame.stride, frame.offset) = (4, u16::try_from(chance.below(4)).expect("short")),
        6 => frame.sequence = chance.word() >> chance.below(64),
        _ => {}
    }
    frame.successor = u16::try_from(chance.below(6)).expect("short");
    made
}

fn answer(chance: &mut Chance, sent: &[Sent]) -> Heartbeat {
    let question = chance.pick(sent);
    let kind = chance.pick(&[Kind::Reply, Kind::Reply, Kind::Reply, Kind::Refusal]);
    let from = chance.pick(&[1, 3, 4, 5]);
    let mut made = heartbeat(kind, from, Epoch(question.epoch), question.sequence);
    made.destination = address(OWN_SLOT);
    let frame = &mut made.frame;
    frame.sent_ns = question.sent_ns;
    frame.incarnation = chance.below(3);
    frame.flags = u8::try_from(chance.below(16)).expect("four bits");
    (frame.promised_epoch, frame.probed_epoch) = (chance.epoch().0, chance.epoch().0);
    (frame.daemon_age_us, frame.service_age_us) = (chance.word() as u32, chance.word() as u32);
    (frame.role, frame.gate) = (chance.below(5) as u8, chance.below(2) as u8);
    frame.info_version = chance.below(1 << 16);
    match chance.below(12) {
        0 => frame.sent_ns += 1,
        1 => frame.epoch ^= 1 << 16,
        2 => frame.sequence += 1,
        3 => frame.elector_version += 1,
        _ => {}
    }
    made
}

/// Something about it is wrong now and then.
fn spoilt(chance: &mut Chance, mut heartbeat: Heartbeat) -> Heartbeat {
    let sender = heartbeat.frame.sender;
    if heartbeat.source.is_ipv4() && chance.one_in(4) && SLOTS.contains(&sender) {
        heartbeat.source = business_address(sender);
        heartbeat.destination = business_address(OWN_SLOT);
    }
    match chance.below(60) {
        0 => heartbeat.key = Key { k0: 1, k1: 1 },
        1 => heartbeat.key_slot = u8::try_from(chance.below(3)).expect("short"),
        2..6 => (heartbeat.key, heartbeat.key_slot) = (KEYS[1], u8::from(chance.one_in(2))),
        6 => heartbeat.hop_limit = u8::try_from(chance.below(256)).expect("a byte"),
        7 => heartbeat.fragment = chance.word() as u16,
        8 => heartbeat.options = 1 + usize::try_from(chance.below(3)).expect("short"),
        9 => heartbeat.shorter = 1 + usize::try_from(chance.below(40)).expect("short"),
        10 => heartbeat.port = PORT + 1,
        11 => heartbeat.frame.cluster_id ^= 1,
        12 => heartbeat.frame.version ^= 1,
        13 => heartbeat.frame.kind = chance.word() as u8,
        14 => heartbeat.frame.magic ^= 1,
        15 => heartbeat.source = heartbeat.destination,
        16..22 => heartbeat.tag = Some(chance.word() as u16),
        _ => {}
    }
    heartbeat
}
