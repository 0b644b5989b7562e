//! Which packets can still have an effect.

use heartbeat_core::message::{Message, VoteAnswer};
use heartbeat_core::snapshot::Role;
use heartbeat_core::{Epoch, Slot};
use heartbeat_kernel_twin::Kernel;
use heartbeat_wire::decide::Accepted;
use heartbeat_wire::frame::{Frame, Kind};

use crate::machine::Machine;
use crate::packet::{Body, Packet};

/// Whether `packet` can still have an effect at tick `at`. `can_lose`: a machine may still lose its maps, so what its
/// kernel knows now says nothing.
pub(crate) fn matters(
    packet: &Packet,
    from: &Machine,
    to: &Machine,
    at: u32,
    can_lose: bool,
) -> bool {
    let (asker, answerer) = (&from.kernel, &to.kernel);
    match &packet.body {
        Body::Frame(frame) if packet.is_of(Kind::Probe) => {
            can_lose
                || awaits(asker, frame, packet.to, from.now(at).0)
                || could_accept(answerer, frame)
        }
        Body::Frame(frame) if packet.is_of(Kind::Query) => {
            awaits(asker, frame, packet.to, from.now(at).0) && is_newest(asker, frame)
        }
        Body::Frame(frame) => {
            awaits(answerer, frame, packet.from, to.now(at).0)
                && (is_newest(answerer, frame)
                    || answerer.sent.of(frame.sequence).kind == Kind::Probe as u64
                    || Epoch(frame.promised_epoch.max(frame.probed_epoch)) > to.known())
        }
        Body::Message {
            message: Message::Release { epoch, .. },
            ..
        } => can_lose || answerer.promises().highest() <= *epoch,
        Body::Message {
            message: Message::Promote { epoch },
            ..
        } => can_lose || answerer.grant.probed_epoch < epoch.0,
        Body::Message {
            message: Message::VoteRequest { epoch, .. },
            ..
        } => can_lose || to.known() < *epoch || may_ask(from, *epoch),
        Body::Message {
            message: Message::Vote { epoch, answer, .. },
            ..
        } => can_lose || may_ask(to, *epoch) || teaches(*answer, to.known()),
        Body::Message { .. } => true,
    }
}

/// Whether it is, or answers, this node's newest question: an answer to an older query counts for what it teaches.
const fn is_newest(kernel: &Kernel, frame: &Frame) -> bool {
    frame.sequence == kernel.control.sequence
}

/// Whether a machine may be asking for votes on `epoch`.
fn may_ask(machine: &Machine, epoch: Epoch) -> bool {
    let asks = matches!(machine.role(), Some(Role::Candidate | Role::Master));
    asks && machine.kernel.control.promised_epoch == epoch.0
}

/// Whether a vote's answer names an epoch above `known`.
fn teaches(answer: VoteAnswer, known: Epoch) -> bool {
    matches!(answer, VoteAnswer::Old { promised, probed } if promised.max(probed) > known)
}

/// Whether an answer of `from` to this node's question, of which `frame` bears the number, could still count.
fn awaits(kernel: &Kernel, frame: &Frame, from: Slot, now_ns: u64) -> bool {
    let sent = kernel.sent.of(frame.sequence);
    let is_ours = sent.sequence != 0
        && sent.sent_ns == frame.sent_ns
        && now_ns.saturating_sub(sent.sent_ns) <= kernel.config.detect_ns;
    is_ours
        && kernel.counted.get(&from).is_none_or(|known| {
            let newest = if sent.kind == Kind::Query as u64 {
                known.query_sequence
            } else {
                known.sequence
            };
            sent.sequence > newest || known.incarnation != frame.incarnation
        })
}

/// Whether this probe could still be granted.
fn could_accept(kernel: &Kernel, frame: &Frame) -> bool {
    let (epoch, probed) = (Epoch(frame.epoch), Epoch(kernel.grant.probed_epoch));
    let is_repeated =
        epoch == probed && Accepted(kernel.grant.accepted).repeats(epoch, frame.sequence);
    epoch >= kernel.promises().highest() && !is_repeated
}
