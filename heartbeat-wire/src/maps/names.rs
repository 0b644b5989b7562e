//! The maps by name.

/// Name and purpose of one map, for `heartbeatctl maps` and the docs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapInfo {
    /// Name, at most 15 characters: what bpftool and the pin folder show.
    pub name: &'static str,
    /// What it holds, and who writes it.
    pub what: &'static str,
}

macro_rules! map_names {
    ($($(#[$doc:meta])* $constant:ident = $name:literal, $what:literal;)*) => {
        /// The maps' names.
        pub mod name {
            $($(#[$doc])* pub const $constant: &str = $name;)*
        }
        /// Every map.
        pub const MAPS: &[MapInfo] = &[$(MapInfo { name: $name, what: $what },)*];
        const _: () = { $(assert!($name.len() <= 15);)* };
    };
}

map_names! {
    /// [`crate::maps::Config`].
    CONFIG = "hb_config", "what the responder goes by: cluster, slot, addresses, limits (written by the daemon at start)";
    /// [`crate::maps::Keys`].
    KEYS = "hb_keys", "the two frame keys: secret, readable by root only (written by the daemon at start)";
    /// [`crate::maps::Member`] by slot.
    MEMBERS = "hb_members", "every member's address and flags, by slot (written by the daemon at start)";
    /// [`crate::tag::Beginning`] by slot.
    BEGINNINGS = "hb_beginnings", "per CPU and slot: what its last frame's tag can be made from sooner; secret (written by the kernel)";
    /// [`crate::maps::Interface`], as many as there are, in no order.
    INTERFACES = "hb_interfaces", "the interfaces that the responder answers on (written by the daemon)";
    /// [`crate::maps::Control`].
    CONTROL = "hb_control", "lease deadline, promised epoch, beat, role and the daemon's other words (written by the daemon)";
    /// [`crate::maps::Grant`].
    GRANT = "hb_grant", "end of the grant, last accepted probe, highest probed epoch (written by the kernel)";
    /// [`crate::maps::Sent`] by `sequence % SENT_RECORDS`.
    SENT = "hb_sent", "the newest probes and queries this node sent (written by the daemon)";
    /// [`crate::maps::Replies`] by chunk.
    REPLIES = "hb_replies", "per CPU and slot: newest probe answered, arrival, round trip, ages (written by the kernel)";
    /// [`crate::maps::HeardGroup`] by group.
    HEARD = "hb_heard", "by slot: newest probe over the management network that it answered (written by the kernel)";
    /// [`crate::maps::Verdicts`].
    VERDICTS = "hb_verdicts", "per CPU: frames by what the responder did with them (written by the kernel)";
    /// [`crate::maps::Histogram`].
    RTT = "hb_rtt", "per CPU: histogram of round-trip times (written by the kernel)";
    /// [`crate::maps::Histogram`].
    GAP = "hb_gap", "per CPU: histogram of gaps between accepted probes (written by the kernel)";
    /// [`crate::maps::Event`].
    EVENTS = "hb_events", "ring buffer of what the daemon must know at once (written by the kernel)";
    /// [`crate::maps::Vip`] by address.
    VIPS = "hb_vips", "the virtual addresses that the gate guards (written by the daemon)";
    /// [`crate::maps::Guard`].
    GUARD = "hb_guard", "by what the gate tells most other addresses from those (written by the daemon)";
    /// Epoch by slot.
    TAKEN = "hb_taken", "by slot: epoch in which this node, as master, took its addresses over; 0 for not (written by the daemon)";
    /// [`crate::maps::GateCounts`].
    GATE = "hb_gate", "per CPU: packets of virtual addresses by what the gate did with them (written by the kernel)";
    /// [`crate::maps::Limits`].
    LIMITS = "hb_limits", "per CPU: rate limits of refusals and alarm events (written by the kernel)";
    /// Time of the last refusal by slot, in nanoseconds.
    REFUSALS = "hb_refusals", "per CPU and slot: time of the last refusal sent to it (written by the kernel)";
}
