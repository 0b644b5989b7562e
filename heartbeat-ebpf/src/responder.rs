//! Heartbeats: what is ours is judged, recorded and answered in place.

use core::mem::MaybeUninit;

use aya_ebpf::helpers::bpf_ktime_get_boot_ns;
use heartbeat_wire::answer::{Own, write_answer};
use heartbeat_wire::decide::{
    Accepted, Decision, GrantStep, Promises, View, after_grant, check_head, check_shape, decide,
    is_authentic, key_of, road,
};
use heartbeat_wire::maps::{Address, Config, EventKind, Interface, Keys, Member};
use heartbeat_wire::{Epoch, Frame, Kind, Verdict};

use crate::atomic::{Contended, ControlWords, GrantWords};
use crate::context::PacketContext;
use crate::counter::count_answer;
use crate::limit::may_refuse;
use crate::packet::Datagram;
use crate::turn::turn_round;
use crate::{event, maps};

/// What was done with a packet; `None` if it is no heartbeat for this node.
#[inline(always)]
pub(crate) fn respond(ctx: &impl PacketContext) -> Option<Verdict> {
    ctx.gather();
    let datagram = Datagram::find(ctx)?;
    let config = maps::config()?;
    if !datagram.is_ours(ctx, config) {
        return None;
    }
    Some(match judge(ctx, &datagram, config) {
        Ok(verdict) | Err(verdict) => verdict,
    })
}

/// Everything about one authentic frame that is looked up once.
struct Question<'a, C> {
    ctx: &'a C,
    /// Where the frame says that it comes from.
    source: Address,
    frame: &'a mut Frame,
    kind: Kind,
    config: &'a Config,
    keys: &'a Keys,
    interface: &'a Interface,
    sender: Option<&'a Member>,
    control: ControlWords,
    grant: GrantWords,
    now_ns: u64,
}

/// `Err` holds a verdict too: the earlier a frame is done with, the earlier this returns.
#[inline(always)]
fn judge(
    ctx: &impl PacketContext,
    datagram: &Datagram,
    config: &Config,
) -> Result<Verdict, Verdict> {
    check_head(&datagram.head(ctx).ok_or(Verdict::Malformed)?, config)?;
    let mut body = MaybeUninit::uninit();
    let frame = datagram
        .load_body(ctx, &mut body)
        .ok_or(Verdict::Malformed)?;
    let kind = check_shape(frame, config)?;
    let keys = maps::keys().ok_or(Verdict::Unconfigured)?;
    let beginning = maps::beginning(frame.sender).ok_or(Verdict::Unconfigured)?;
    // SAFETY: this CPU's own value; no other program runs on it meanwhile.
    if !is_authentic(frame, keys, unsafe { &mut *beginning }) {
        return Err(Verdict::Unauthentic);
    }
    let mut question = Question {
        ctx,
        source: datagram.source(),
        kind,
        config,
        keys,
        interface: maps::interface(ctx.interface()).ok_or(Verdict::Unconfigured)?,
        sender: maps::member(frame.sender),
        control: maps::control().ok_or(Verdict::Unconfigured)?,
        grant: maps::grant().ok_or(Verdict::Unconfigured)?,
        // SAFETY: the helper takes nothing.
        now_ns: unsafe { bpf_ktime_get_boot_ns() },
        frame,
    };
    Ok(question.carry_out())
}

impl<C: PacketContext> Question<'_, C> {
    #[inline(always)]
    fn carry_out(&mut self) -> Verdict {
        // First: who sees a word accepted must see its epoch probed, which is raised before.
        let accepted = Accepted(self.grant.accepted().read());
        let decision = decide(
            self.frame,
            self.kind,
            &View {
                config: self.config,
                sender: self.sender,
                promises: self.promises(),
                accepted,
                epoch_floor: Epoch(self.control.epoch_floor().read()),
                abstain_until_ns: self.control.abstain_until_ns().read(),
                source: self.source,
                now_ns: self.now_ns,
            },
        );
        match decision {
            Decision::Drop(verdict) => {
                if matches!(verdict, Verdict::Implausible) {
                    event::implausible(self.ctx, self.frame, self.now_ns);
                }
                verdict
            }
            Decision::Duplicate { shut } => self.note_duplicate(shut),
            Decision::Refuse => self.refuse(),
            Decision::Accept(step) => self.accept(step),
            Decision::AnswerQuery => self.answer(Kind::Reply, Verdict::QueryAnswered),
            Decision::MatchAnswer => self.match_answer(),
        }
    }

    #[inline(always)]
    fn promises(&self) -> Promises {
        Promises {
            promised: Epoch(self.control.promised_epoch().read()),
            probed: Epoch(self.grant.probed_epoch().read()),
        }
    }

    #[inline(always)]
    fn note_duplicate(&self, shut: bool) -> Verdict {
        if shut {
            self.grant.duplicate_ns().exchange(self.now_ns);
        }
        event::duplicate(self.ctx, self.frame, self.now_ns);
        Verdict::Duplicate
    }

    /// Records the grant; then, behind the full barrier, reads both promise words once more: of a
    /// promise and a grant that cross, at least one side sees the other.
    #[inline(always)]
    fn accept(&mut self, step: GrantStep) -> Verdict {
        let is_new_epoch = match self.raise_words(&step) {
            Ok(is_new_epoch) => is_new_epoch,
            Err(verdict) => return verdict,
        };
        if !after_grant(self.frame, self.promises()) {
            return self.refuse();
        }
        self.note_probe(is_new_epoch);
        if matches!(step.verdict, Verdict::Recorded) {
            return step.verdict;
        }
        self.answer(Kind::Reply, step.verdict)
    }

    /// Raises the probed epoch, swaps the accepted word, raises the grant's end. Says whether the probe
    /// is the first one of its epoch.
    ///
    /// The last of them is the barrier before the promises are read again.
    #[inline(always)]
    fn raise_words(&self, step: &GrantStep) -> Result<bool, Verdict> {
        let epoch = Epoch(self.frame.epoch);
        let contended = |Contended| Verdict::Contended;
        // One that is there already was raised before any word that goes with it.
        let probed = self.grant.probed_epoch();
        let raised = probed.read() < epoch.0 && probed.raise(epoch.0).map_err(contended)?;
        let before = self
            .grant
            .accepted()
            .replace_unless(step.accepted.0, |found| {
                // The word of a higher epoch must stay, or its probes would be accepted once more.
                if self.grant.probed_epoch().read() > epoch.0 {
                    return Some(Verdict::Contended);
                }
                step.is_late(self.frame, Accepted(found))
                    .then_some(Verdict::Replayed)
            })
            .map_err(|stopped| stopped.unwrap_or_else(contended))?;
        self.grant.end_ns().raise(step.end_ns).map_err(contended)?;
        // A refusal may have told of the epoch before its first probe came.
        Ok(raised || !Accepted(before).is_of(epoch))
    }

    /// What the daemon and the operator want to know about the accepted probe; no decision of the
    /// kernel's rests on it.
    #[inline(always)]
    fn note_probe(&self, is_new_epoch: bool) {
        let (frame, grant) = (&*self.frame, self.grant);
        let last_ns = grant.arrival_ns().read();
        grant.arrival_ns().write(self.now_ns);
        grant.holder_incarnation().write(frame.incarnation);
        grant.successor().write(frame.successor.into());
        grant.lease_ns().write(u64::from(frame.lease_us) * 1_000);
        if is_new_epoch {
            event::tell(EventKind::NewEpoch, frame, self.now_ns);
        } else {
            maps::count_gap(self.now_ns.saturating_sub(last_ns));
        }
    }

    #[inline(always)]
    fn refuse(&mut self) -> Verdict {
        if !may_refuse(self.frame.sender, self.now_ns) {
            return Verdict::RefusalLimited;
        }
        self.answer(Kind::Refusal, Verdict::Refused)
    }

    /// Turns the frame into its answer in place.
    #[inline(always)]
    fn answer(&mut self, kind: Kind, verdict: Verdict) -> Verdict {
        let Some(sender) = self.sender else {
            return Verdict::Impostor;
        };
        let Some(road) = road(sender, self.config, &self.source) else {
            return Verdict::Impostor;
        };
        let Some(key) = key_of(self.keys, self.config.signing_slot) else {
            return Verdict::Unconfigured;
        };
        write_answer(
            self.frame,
            kind,
            verdict,
            &Own {
                config: self.config,
                control: &self.control.snapshot(),
                grant: &self.grant.snapshot(),
                now_ns: self.now_ns,
            },
        );
        let Some(beginning) = maps::beginning(self.config.slot) else {
            return Verdict::Unconfigured;
        };
        // SAFETY: this CPU's own value; no other program runs on it meanwhile.
        unsafe { &mut *beginning }.sign(self.frame, self.config.signing_slot as u8, &key);
        match turn_round(self.ctx, self.frame, self.interface.mac, &road, self.config) {
            Some(()) => verdict,
            None => Verdict::Malformed,
        }
    }

    #[inline(always)]
    fn match_answer(&self) -> Verdict {
        let verdict = count_answer(self.frame, self.kind, self.config, self.now_ns);
        if !matches!(verdict, Verdict::RefusalProbed) {
            return verdict;
        }
        // The gate goes by this word: raising it shuts the gate before userspace runs.
        match self.grant.probed_epoch().raise(self.frame.probed_epoch) {
            Ok(_) => verdict,
            Err(Contended) => Verdict::Contended,
        }
    }
}
