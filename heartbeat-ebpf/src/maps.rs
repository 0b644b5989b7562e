//! Every map, under the name by which operators know it in bpftool.

use core::arch::asm;
use core::ptr::read_volatile;

use aya_ebpf::bindings::BPF_F_MMAPABLE;
use aya_ebpf::btf_maps::{Array, HashMap, PerCpuArray, RingBuf};
use aya_ebpf::macros::btf_map;
use heartbeat_wire::histogram::{BUCKETS, bucket_of};
use heartbeat_wire::maps::{
    Address, Config, Control, EVENTS_BYTES, Event, GateCounts, Grant, Guard, HEARD_GROUP,
    HeardGroup, Histogram, Interface, Keys, Limits, MAX_INTERFACES, MAX_SLOTS, MAX_VIPS, Member,
    REPLIES_CHUNK, Replies, SENT_RECORDS, Sent, Verdicts, Vip,
};
use heartbeat_wire::tag::Beginning;
use heartbeat_wire::verdict::{GateVerdict, Verdict};

use crate::atomic::{ControlWords, GrantWords};

const MMAPABLE: usize = BPF_F_MMAPABLE as usize;
/// Slots run from 1, so slot 0 has an entry that nobody uses. The daemon makes the maps by slot smaller
/// in a smaller cluster.
const SLOTS: usize = MAX_SLOTS + 1;

#[btf_map(name = "hb_config")]
static CONFIG: Array<Config, 1> = Array::new();
#[btf_map(name = "hb_keys")]
static KEYS: Array<Keys, 1> = Array::new();
#[btf_map(name = "hb_members")]
static MEMBERS: Array<Member, SLOTS> = Array::new();
#[btf_map(name = "hb_beginnings")]
static BEGINNINGS: PerCpuArray<Beginning, SLOTS> = PerCpuArray::new();
#[btf_map(name = "hb_interfaces")]
static INTERFACES: Array<Interface, MAX_INTERFACES> = Array::new();
#[btf_map(name = "hb_control")]
static CONTROL: Array<Control, 1, MMAPABLE> = Array::new();
#[btf_map(name = "hb_grant")]
static GRANT: Array<Grant, 1, MMAPABLE> = Array::new();
#[btf_map(name = "hb_sent")]
static SENT: Array<Sent, SENT_RECORDS, MMAPABLE> = Array::new();
#[btf_map(name = "hb_replies")]
static REPLIES: PerCpuArray<Replies, { SLOTS.div_ceil(REPLIES_CHUNK) }> = PerCpuArray::new();
#[btf_map(name = "hb_heard")]
static HEARD: Array<HeardGroup, { SLOTS.div_ceil(HEARD_GROUP) }, MMAPABLE> = Array::new();
#[btf_map(name = "hb_verdicts")]
static VERDICTS: PerCpuArray<Verdicts, 1> = PerCpuArray::new();
#[btf_map(name = "hb_rtt")]
static RTT: PerCpuArray<Histogram, 1> = PerCpuArray::new();
#[btf_map(name = "hb_gap")]
static GAP: PerCpuArray<Histogram, 1> = PerCpuArray::new();
#[btf_map(name = "hb_events")]
pub(crate) static EVENTS: RingBuf<Event, EVENTS_BYTES> = RingBuf::new();
#[btf_map(name = "hb_vips")]
static VIPS: HashMap<Address, Vip, MAX_VIPS> = HashMap::new();
#[btf_map(name = "hb_guard")]
static GUARD: Array<Guard, 1> = Array::new();
#[btf_map(name = "hb_taken")]
static TAKEN: Array<u64, SLOTS, MMAPABLE> = Array::new();
#[btf_map(name = "hb_gate")]
static GATE: PerCpuArray<GateCounts, 1> = PerCpuArray::new();
#[btf_map(name = "hb_limits")]
static LIMITS: PerCpuArray<Limits, 1> = PerCpuArray::new();
#[btf_map(name = "hb_refusals")]
static REFUSALS: PerCpuArray<u64, SLOTS> = PerCpuArray::new();

/// What the daemon configured; all zero before it did.
#[inline(always)]
pub(crate) fn config() -> Option<&'static Config> {
    CONFIG.get(0)
}

#[inline(always)]
pub(crate) fn keys() -> Option<&'static Keys> {
    KEYS.get(0)
}

/// What this CPU kept of a slot's frames; slots that no member can have share slot 0's place.
#[inline(always)]
pub(crate) fn beginning(slot: u16) -> Option<*mut Beginning> {
    BEGINNINGS
        .get_ptr_mut(slot.into())
        .or_else(|| BEGINNINGS.get_ptr_mut(0))
}

#[inline(always)]
pub(crate) fn member(slot: u16) -> Option<&'static Member> {
    MEMBERS.get(slot.into())
}

#[inline(always)]
pub(crate) fn interface(index: u32) -> Option<&'static Interface> {
    // An entry is only ever replaced by the same interface's newer one; a value torn between two hardware
    // addresses would cost one answer.
    (0..MAX_INTERFACES as u32)
        .filter_map(|place| INTERFACES.get(place))
        .find(|entry| entry.index == index)
}

#[inline(always)]
pub(crate) fn guard() -> Option<&'static Guard> {
    GUARD.get(0)
}

#[inline(always)]
pub(crate) fn vip(address: &Address) -> Option<&'static Vip> {
    // SAFETY: of the entry only its presence and aligned words are used.
    unsafe { VIPS.get(address) }
}

/// The epoch in which this node took a slot's addresses over; 0 for not.
#[inline(always)]
pub(crate) fn taken(slot: u32) -> Option<u64> {
    let word = TAKEN.get_ptr(slot)?;
    // SAFETY: an aligned word of a map value, which the daemon writes whole.
    Some(unsafe { read_volatile(word) })
}

#[inline(always)]
pub(crate) fn control() -> Option<ControlWords> {
    CONTROL.get_ptr_mut(0).map(ControlWords)
}

#[inline(always)]
pub(crate) fn grant() -> Option<GrantWords> {
    GRANT.get_ptr_mut(0).map(GrantWords)
}

/// Our own record of the question with this sequence number, or of another one in its place.
#[inline(always)]
pub(crate) fn sent(sequence: u64) -> Option<*const Sent> {
    SENT.get_ptr((sequence % SENT_RECORDS as u64) as u32)
}

/// This CPU's record of a slot's answers.
#[inline(always)]
pub(crate) fn replies(slot: u16) -> Option<*mut Replies> {
    REPLIES.get_ptr_mut(u32::from(slot) / REPLIES_CHUNK as u32)
}

/// The lower bits of the newest probe over the management network that a slot answered.
#[inline(always)]
pub(crate) fn heard(slot: u16) -> Option<*mut u16> {
    let group = HEARD.get_ptr_mut(u32::from(slot) / HEARD_GROUP as u32)?;
    // SAFETY: one of the group's numbers.
    Some(unsafe {
        (&raw mut (*group).numbers)
            .cast::<u16>()
            .add(usize::from(slot) % HEARD_GROUP)
    })
}

/// This CPU's limits.
#[inline(always)]
pub(crate) fn limits() -> Option<*mut Limits> {
    LIMITS.get_ptr_mut(0)
}

/// When this CPU last sent a refusal to a slot.
#[inline(always)]
pub(crate) fn last_refusal(slot: u16) -> Option<*mut u64> {
    REFUSALS.get_ptr_mut(slot.into())
}

/// Counts what was done with a frame.
#[inline(always)]
pub(crate) fn count(verdict: Verdict) {
    let Some(value) = VERDICTS.get_ptr_mut(0) else {
        return;
    };
    // SAFETY: this CPU's own value; no other program runs on it meanwhile.
    if let Some(counter) = unsafe { &mut *value }.counts.get_mut(verdict.index()) {
        *counter += 1;
    }
}

/// Counts what the gate did with a packet.
#[inline(always)]
pub(crate) fn count_gate(verdict: GateVerdict) {
    let Some(value) = GATE.get_ptr_mut(0) else {
        return;
    };
    // SAFETY: as in `count`.
    if let Some(counter) = unsafe { &mut *value }.counts.get_mut(verdict.index()) {
        *counter += 1;
    }
}

/// Counts a round-trip time.
#[inline(always)]
pub(crate) fn count_round_trip(ns: u64) {
    add(RTT.get_ptr_mut(0), ns);
}

/// Counts a gap between two accepted probes.
#[inline(always)]
pub(crate) fn count_gap(ns: u64) {
    add(GAP.get_ptr_mut(0), ns);
}

#[inline(always)]
fn add(histogram: Option<*mut Histogram>, ns: u64) {
    let bucket = bounded(bucket_of(ns));
    if let Some(value) = histogram
        // SAFETY: as in `count`.
        && let Some(counter) = unsafe { &mut *value }.buckets.get_mut(bucket)
    {
        *counter += 1;
    }
}

/// The bucket with a bound that the verifier sees. The compiler knows the bound as well, by arithmetic
/// that the verifier does not follow, and would leave the mask out.
#[inline(always)]
fn bounded(mut bucket: usize) -> usize {
    // SAFETY: one instruction on one register.
    unsafe {
        asm!(
            "{bucket} &= {mask}",
            bucket = inout(reg) bucket,
            mask = const BUCKETS - 1,
            options(pure, nomem, nostack),
        );
    }
    bucket
}
