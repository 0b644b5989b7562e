//! The frames whose cost is measured, and the state of the node in which each comes to its verdict.

use anyhow::Result;
use heartbeat_user::datapath::Question;
use heartbeat_user::sys::clock::boot_ns;
use heartbeat_wire::decide::Accepted;
use heartbeat_wire::frame::gate_state;
use heartbeat_wire::maps::{Control, Grant, Keys, SENT_RECORDS, name};
use heartbeat_wire::tag::Key;
use heartbeat_wire::{Epoch, Kind, Verdict};

use super::object::{FRAME_BYTES, FRAMES};
use crate::kernel::frames::{Heartbeat, heartbeat, probe, query};
use crate::kernel::{KEYS, Kernel, OWN_SLOT, PORT, SLOTS, address};

/// A sort of frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    /// TCP: not ours after the first header.
    OtherTcp,
    /// UDP to another group: not ours by its address.
    OtherGroup,
    /// UDP to this node, another port: not ours at the last look.
    OtherPort,
    /// Another cluster's probe on our group and port.
    OtherCluster,
    /// TTL 64.
    Malformed,
    /// Wrong tag; the node has one key.
    Unauthentic,
    /// Wrong tag; the node has two keys, as while one is replaced.
    UnauthenticTwoKeys,
    /// Authentic, from an address that is not its member's.
    Impostor,
    /// Authentic, accepted before.
    Replayed,
    /// Authentic, below the promised epoch, too many of late.
    RefusalLimited,
    /// Authentic, below the promised epoch, answered with a refusal.
    Refused,
    /// A full answer: probe to reply.
    Granted,
    /// Query to answer.
    QueryAnswered,
    /// Reply to a probe of ours.
    ReplyCounted,
    /// Reply to nothing we asked.
    Stale,
}

/// All of them.
pub(super) const CASES: [Case; 15] = [
    Case::OtherTcp,
    Case::OtherGroup,
    Case::OtherPort,
    Case::OtherCluster,
    Case::Malformed,
    Case::Unauthentic,
    Case::UnauthenticTwoKeys,
    Case::Impostor,
    Case::Replayed,
    Case::RefusalLimited,
    Case::Refused,
    Case::Granted,
    Case::QueryAnswered,
    Case::ReplyCounted,
    Case::Stale,
];

/// The epoch of the probes measured.
const EPOCH: Epoch = Epoch::new(7, 1);
/// Refusals may not fail for want of a promise that is higher.
const PROMISED: Epoch = Epoch::new(9, 3);

impl Case {
    /// What the tables call it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::OtherTcp => "not ours: TCP",
            Self::OtherGroup => "not ours: UDP to another group",
            Self::OtherPort => "not ours: UDP to this node, another port",
            Self::OtherCluster => "foreign: another cluster's probe",
            Self::Malformed => "malformed",
            Self::Unauthentic => "unauthentic (forged)",
            Self::UnauthenticTwoKeys => "unauthentic, two keys in use",
            Self::Impostor => "impostor",
            Self::Replayed => "replayed",
            Self::RefusalLimited => "refusal limited",
            Self::Refused => "refused: probe to refusal",
            Self::Granted => "granted: probe to reply",
            Self::QueryAnswered => "query to answer",
            Self::ReplyCounted => "reply counted",
            Self::Stale => "stale",
        }
    }

    /// How the program must count it; `None`: not at all.
    pub(super) const fn verdict(self) -> Option<Verdict> {
        match self {
            Self::OtherTcp | Self::OtherGroup | Self::OtherPort => None,
            Self::OtherCluster => Some(Verdict::Foreign),
            Self::Malformed => Some(Verdict::Malformed),
            Self::Unauthentic | Self::UnauthenticTwoKeys => Some(Verdict::Unauthentic),
            Self::Impostor => Some(Verdict::Impostor),
            Self::Replayed => Some(Verdict::Replayed),
            Self::RefusalLimited => Some(Verdict::RefusalLimited),
            Self::Refused => Some(Verdict::Refused),
            Self::Granted => Some(Verdict::Granted),
            Self::QueryAnswered => Some(Verdict::QueryAnswered),
            Self::ReplyCounted => Some(Verdict::ReplyCounted),
            Self::Stale => Some(Verdict::Stale),
        }
    }

    /// Whether the packet stays as it is and so does the state: then the shipped program itself can be
    /// measured on it.
    pub(super) const fn repeats(self) -> bool {
        self.yardstick().is_none()
    }

    /// For a frame that only the benchmark's entry can run many times: a frame of about the same way through
    /// the code that the shipped program can run too, so that the two tell what the entry's copy costs.
    pub(super) const fn yardstick(self) -> Option<Self> {
        match self {
            Self::RefusalLimited | Self::Refused | Self::Granted | Self::QueryAnswered => {
                Some(Self::Replayed)
            }
            Self::ReplyCounted => Some(Self::Stale),
            Self::OtherTcp
            | Self::OtherGroup
            | Self::OtherPort
            | Self::OtherCluster
            | Self::Malformed
            | Self::Unauthentic
            | Self::UnauthenticTwoKeys
            | Self::Impostor
            | Self::Replayed
            | Self::Stale => None,
        }
    }

    /// Slot whose refusals are not limited while it is measured; 0 for none.
    pub(super) const fn unlimited_slot(self) -> u16 {
        match self {
            Self::Refused => EPOCH.slot(),
            Self::OtherTcp
            | Self::OtherGroup
            | Self::OtherPort
            | Self::OtherCluster
            | Self::Malformed
            | Self::Unauthentic
            | Self::UnauthenticTwoKeys
            | Self::Impostor
            | Self::Replayed
            | Self::RefusalLimited
            | Self::Granted
            | Self::QueryAnswered
            | Self::ReplyCounted
            | Self::Stale => 0,
        }
    }

    /// Puts the node into the state, and makes the frames. `from`: the first of [`FRAMES`] sequence
    /// numbers that no frame had before.
    pub(super) fn prepare(self, kernel: &Kernel, from: u64) -> Result<Vec<Vec<u8>>> {
        self.set_state(kernel)?;
        if self == Self::ReplyCounted {
            return Ok(answered_questions(kernel, from));
        }
        Ok((from..from + u64::from(FRAMES))
            .map(|sequence| self.frame(sequence))
            .collect())
    }

    fn set_state(self, kernel: &Kernel) -> Result<()> {
        kernel.reset()?;
        let two = self == Self::UnauthenticTwoKeys;
        let second = if two { KEYS[1] } else { Key::default() };
        let keys = Keys {
            slots: [KEYS[0], second],
        };
        kernel.set(name::KEYS, 0, keys)?;
        if matches!(self, Self::Refused | Self::RefusalLimited) {
            let promised_epoch = PROMISED.0;
            let control = Control {
                promised_epoch,
                ..Control::default()
            };
            kernel.set(name::CONTROL, 0, control)?;
        }
        if self == Self::Replayed {
            let grant = Grant {
                probed_epoch: EPOCH.0,
                accepted: Accepted::new(EPOCH, heartbeat_wire::frame::SEQUENCE_LIMIT - 1).0,
                ..Grant::default()
            };
            kernel.set(name::GRANT, 0, grant)?;
        }
        Ok(())
    }

    fn frame(self, sequence: u64) -> Vec<u8> {
        let probe = probe(EPOCH, sequence);
        let packet = match self {
            Self::OtherTcp => {
                let mut packet = probe.packet();
                packet[23] = 6;
                packet
            }
            Self::OtherGroup => Heartbeat {
                destination: [239, 192, 9, 9].into(),
                ..probe
            }
            .packet(),
            Self::OtherPort => Heartbeat {
                destination: address(OWN_SLOT),
                port: PORT + 1,
                ..probe
            }
            .packet(),
            Self::OtherCluster => {
                let mut probe = probe;
                probe.frame.cluster_id ^= 1;
                probe.packet()
            }
            Self::Malformed => Heartbeat {
                hop_limit: 64,
                ..probe
            }
            .packet(),
            Self::Unauthentic | Self::UnauthenticTwoKeys => Heartbeat {
                key: Key::from_bytes(*b"a key of no node"),
                ..probe
            }
            .packet(),
            Self::Impostor => Heartbeat {
                source: address(4),
                ..probe
            }
            .packet(),
            Self::Replayed | Self::RefusalLimited | Self::Refused | Self::Granted => probe.packet(),
            Self::QueryAnswered => query(1, EPOCH, sequence).packet(),
            Self::ReplyCounted | Self::Stale => reply(1, sequence, 0).packet(),
        };
        assert_eq!(packet.len(), FRAME_BYTES);
        packet
    }
}

/// A reply of the node in `slot` to our probe.
fn reply(slot: u16, sequence: u64, sent_ns: u64) -> Heartbeat {
    let own = Epoch::new(EPOCH.round(), OWN_SLOT);
    let mut reply = heartbeat(Kind::Reply, slot, own, sequence);
    reply.frame.sent_ns = sent_ns;
    reply.frame.gate = gate_state::SHUT;
    reply.destination = address(OWN_SLOT);
    reply
}

/// As many replies as frames, to probes in the node's own record: of each probe one reply from every other
/// member.
fn answered_questions(kernel: &Kernel, from: u64) -> Vec<Vec<u8>> {
    let others: Vec<u16> = SLOTS.filter(|slot| *slot != OWN_SLOT).collect();
    let sent_ns = boot_ns();
    let epoch = Epoch::new(EPOCH.round(), OWN_SLOT);
    let questions = u64::from(FRAMES) / others.len() as u64;
    assert!(questions <= SENT_RECORDS as u64);
    (from..from + questions)
        .flat_map(|sequence| {
            kernel.opened.words.record_question(&Question {
                kind: Kind::Probe,
                epoch,
                sequence,
                sent_ns,
            });
            let packet = move |slot: &u16| reply(*slot, sequence, sent_ns).packet();
            others.iter().map(packet).collect::<Vec<_>>()
        })
        .collect()
}
