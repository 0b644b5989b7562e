//! Every verdict of the responder: a situation that leads to it, its action, its counter.

use heartbeat_tests::kernel::frames::{Heartbeat, heartbeat, probe, query};
use heartbeat_tests::kernel::{
    Family, Kernel, MAX_LEASE_NS, OWN_SLOT, Ran, XDP_DROP, XDP_PASS, XDP_TX,
};
use heartbeat_user::datapath::Question;
use heartbeat_user::sys::clock::boot_ns;
use heartbeat_wire::frame::flag;
use heartbeat_wire::maps::{Config, name};
use heartbeat_wire::tag::Key;
use heartbeat_wire::{Epoch, Kind, Verdict};

/// The epoch that the node under test knows as its own, when it is the one that asks.
pub(crate) const OWN_EPOCH: Epoch = Epoch::new(9, OWN_SLOT);
/// A master's epoch.
pub(crate) const EPOCH: Epoch = Epoch::new(7, 1);
/// A higher one.
pub(crate) const NEWER: Epoch = Epoch::new(8, 3);

/// What the kernel does with a frame of each verdict.
pub(crate) fn action(verdict: Verdict) -> u32 {
    match verdict {
        Verdict::Foreign | Verdict::Unconfigured => XDP_PASS,
        Verdict::Refused
        | Verdict::Granted
        | Verdict::Abstained
        | Verdict::LeaseTooLong
        | Verdict::OtherElectors
        | Verdict::QueryAnswered => XDP_TX,
        Verdict::Malformed
        | Verdict::Unauthentic
        | Verdict::Impostor
        | Verdict::Reflected
        | Verdict::Duplicate
        | Verdict::Implausible
        | Verdict::RefusalLimited
        | Verdict::Replayed
        | Verdict::Contended
        | Verdict::Recorded
        | Verdict::ReplyCounted
        | Verdict::ReplyNoGrant
        | Verdict::QueryReplyCounted
        | Verdict::Repeated
        | Verdict::Stale
        | Verdict::RefusalPromised
        | Verdict::RefusalProbed => XDP_DROP,
    }
}

/// Brings the node into a situation and gives the packets to run; the last one gets the verdict.
fn situation(kernel: &Kernel, verdict: Verdict) -> Vec<Heartbeat> {
    let words = &kernel.opened.words;
    let now_ns = boot_ns();
    match verdict {
        Verdict::Malformed => vec![Heartbeat {
            hop_limit: 254,
            ..probe(EPOCH, 1)
        }],
        Verdict::Foreign => vec![body(probe(EPOCH, 1), |frame| frame.cluster_id ^= 1)],
        Verdict::Unauthentic => vec![Heartbeat {
            key: Key { k0: 1, k1: 1 },
            ..probe(EPOCH, 1)
        }],
        Verdict::Impostor => vec![Heartbeat {
            source: heartbeat_tests::kernel::address(9),
            ..probe(EPOCH, 1)
        }],
        Verdict::Reflected => vec![own_probe(kernel)],
        Verdict::Duplicate => vec![body(own_probe(kernel), |frame| frame.incarnation ^= 1)],
        Verdict::Implausible => {
            vec![probe(
                Epoch::new(Epoch::PLAUSIBLE_ROUNDS + 1, EPOCH.slot()),
                1,
            )]
        }
        Verdict::Refused => {
            words.promise(NEWER);
            vec![probe(EPOCH, 1)]
        }
        Verdict::RefusalLimited => {
            words.promise(NEWER);
            // Another slot than above, which is not to be limited.
            kernel.limit_refusals(4).expect("maps are writable");
            vec![probe(Epoch::new(7, 4), 1)]
        }
        Verdict::Replayed => vec![probe(EPOCH, 5), probe(EPOCH, 5)],
        // Eight lost races in a row cannot be brought about from outside.
        Verdict::Contended => Vec::new(),
        Verdict::Granted => vec![probe(EPOCH, 1)],
        Verdict::Abstained => {
            words.set_abstain_until(now_ns + 1_000_000_000);
            vec![probe(EPOCH, 1)]
        }
        Verdict::LeaseTooLong => vec![body(probe(EPOCH, 1), |frame| {
            frame.lease_us = (MAX_LEASE_NS / 1_000) as u32 + 1;
        })],
        Verdict::OtherElectors => vec![body(probe(EPOCH, 1), |frame| frame.elector_version += 1)],
        Verdict::Recorded => {
            configure(kernel, |config| config.is_elector = 0);
            vec![body(probe(EPOCH, 1), |frame| {
                (frame.stride, frame.offset) = (4, 3);
            })]
        }
        Verdict::QueryAnswered => vec![query(3, NEWER, 1)],
        Verdict::ReplyCounted => vec![answer(kernel, Kind::Reply, 100)],
        Verdict::ReplyNoGrant => {
            vec![body(answer(kernel, Kind::Reply, 101), |frame| {
                frame.flags = flag::NO_GRANT;
            })]
        }
        Verdict::QueryReplyCounted => vec![query_answer(kernel, 102)],
        Verdict::Repeated => {
            let reply = answer(kernel, Kind::Reply, 103);
            vec![reply.clone(), reply]
        }
        Verdict::Stale => vec![body(answer(kernel, Kind::Reply, 104), |frame| {
            frame.sent_ns += 1;
        })],
        Verdict::RefusalPromised => vec![body(answer(kernel, Kind::Refusal, 105), |frame| {
            frame.promised_epoch = Epoch::new(10, 3).0;
        })],
        Verdict::RefusalProbed => vec![body(answer(kernel, Kind::Refusal, 106), |frame| {
            frame.flags = flag::NO_GRANT | flag::PROBED;
            frame.probed_epoch = Epoch::new(10, 3).0;
        })],
        Verdict::Unconfigured => {
            configure(kernel, |config| config.cluster_id = 0);
            vec![probe(EPOCH, 1)]
        }
    }
}

pub(crate) fn body(
    mut heartbeat: Heartbeat,
    change: impl FnOnce(&mut heartbeat_wire::Frame),
) -> Heartbeat {
    change(&mut heartbeat.frame);
    heartbeat
}

fn own_probe(kernel: &Kernel) -> Heartbeat {
    body(probe(OWN_EPOCH, 1), |frame| {
        frame.incarnation = kernel.opened.kept.incarnation;
    })
}

/// An answer of slot 3 to a probe that this node has just recorded as sent.
pub(crate) fn answer(kernel: &Kernel, kind: Kind, sequence: u64) -> Heartbeat {
    answer_to(kernel, Kind::Probe, kind, sequence)
}

pub(crate) fn query_answer(kernel: &Kernel, sequence: u64) -> Heartbeat {
    answer_to(kernel, Kind::Query, Kind::Reply, sequence)
}

fn answer_to(kernel: &Kernel, asked: Kind, kind: Kind, sequence: u64) -> Heartbeat {
    let sent_ns = boot_ns();
    kernel.opened.words.record_question(&Question {
        kind: asked,
        epoch: OWN_EPOCH,
        sequence,
        sent_ns,
    });
    let mut answer = heartbeat(kind, 3, OWN_EPOCH, sequence);
    answer.destination = heartbeat_tests::kernel::address(OWN_SLOT);
    answer.frame.sent_ns = sent_ns;
    answer
}

pub(crate) fn configure(kernel: &Kernel, change: impl FnOnce(&mut Config)) {
    let mut config: Config = kernel.get(name::CONFIG, 0).expect("there is one");
    change(&mut config);
    kernel.set(name::CONFIG, 0, config).expect("it is writable");
}

/// Runs the packets; what the program did with the last one, and the packet it was given.
pub(crate) fn run(kernel: &Kernel, heartbeats: &[Heartbeat]) -> (Vec<u8>, Ran) {
    let mut last = None;
    for heartbeat in heartbeats {
        let packet = heartbeat.packet();
        let ran = kernel.responder(&packet).expect("the program runs");
        last = Some((packet, ran));
    }
    last.expect("there is a packet to run")
}

#[test]
fn every_verdict_has_its_action_and_its_counter_and_leaves_the_packet_alone_unless_it_answers() {
    every_verdict(Family::V4);
}

#[test]
fn over_ipv6_every_verdict_has_the_same_action_and_counter() {
    every_verdict(Family::V6);
}

fn every_verdict(family: Family) {
    let Some(mut kernel) = crate::kernel_over("every_verdict_has_its_action", family) else {
        return;
    };
    let mut exercised = Vec::new();
    for verdict in Verdict::ALL.iter().copied() {
        kernel.reset().expect("maps are writable");
        configure(&kernel, |now| {
            let incarnation = now.incarnation;
            *now = family.config();
            now.incarnation = incarnation;
        });
        let situation = situation(&kernel, verdict);
        let heartbeats: Vec<_> = situation.into_iter().map(|it| it.over(family)).collect();
        let Some((last, before)) = heartbeats.split_last() else {
            continue;
        };
        for heartbeat in before {
            let _ = kernel
                .responder(&heartbeat.packet())
                .expect("the program runs");
        }
        let counted = kernel.verdicts().expect("counters can be read");
        let (packet, ran) = run(&kernel, std::slice::from_ref(last));
        let mut expected = counted;
        *expected.entry(verdict).or_default() += 1;
        assert_eq!(
            kernel.verdicts().expect("counters can be read"),
            expected,
            "exactly one count, of {}",
            verdict.as_str()
        );
        assert_eq!(ran.action, action(verdict), "{}", verdict.as_str());
        assert_eq!(
            ran.packet != packet,
            ran.action == XDP_TX,
            "{}: a packet that is not answered stays as it was",
            verdict.as_str()
        );
        exercised.push(verdict);
    }
    let missing: Vec<_> = Verdict::ALL
        .iter()
        .filter(|verdict| !exercised.contains(verdict))
        .collect();
    assert_eq!(missing, [&Verdict::Contended]);
}
