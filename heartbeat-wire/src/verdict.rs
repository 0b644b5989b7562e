//! What the kernel programs did with a frame, and why. Counters, metrics and docs share these names.

macro_rules! counted {
    ($(#[$meta:meta])* $name:ident, $($(#[$doc:meta])* $variant:ident = $number:literal, $text:literal;)*) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u32)]
        pub enum $name { $($(#[$doc])* $variant = $number,)* }

        impl $name {
            /// Every one of them, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name under which counters, metrics and logs show it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// Its place in the per-CPU counter array.
            #[must_use]
            #[inline(always)]
            pub const fn index(self) -> usize {
                self as usize
            }
        }
    };
}

counted! {
    /// Outcome of one frame that was addressed to the responder (its group or own address, its port,
    /// its magic). Everything else passes untouched and uncounted.
    Verdict,
    /// Bad length, version, kind, hop limit, fragment or IP options: dropped.
    Malformed = 0, "malformed";
    /// Another cluster's id: passed on.
    Foreign = 1, "foreign";
    /// Unknown key slot or wrong tag: dropped.
    Unauthentic = 2, "unauthentic";
    /// The epoch's slot is not the sender's, the sender is no member, or the source is not its address.
    Impostor = 3, "impostor";
    /// Our own frame came back to us: dropped.
    Reflected = 4, "reflected";
    /// Our own slot with another incarnation: dropped, gate shut, alarm.
    Duplicate = 5, "duplicate";
    /// Epoch more than 2^32 rounds ahead: dropped.
    Implausible = 6, "implausible";
    /// Probe below the promised epoch: refusal sent.
    Refused = 7, "refused";
    /// The same, but too many of late: dropped without an answer.
    RefusalLimited = 8, "refusal_limited";
    /// Probe of the accepted epoch whose sequence number is not above the last accepted one.
    Replayed = 9, "replayed";
    /// A compare-and-swap lost too many races, or one to a higher epoch: dropped.
    Contended = 10, "contended";
    /// Probe answered with a grant.
    Granted = 11, "granted";
    /// Probe answered without a grant: this node restarted without its maps.
    Abstained = 12, "abstained";
    /// Probe answered without a grant: it names a lease above `max_lease`, or none.
    LeaseTooLong = 13, "lease_too_long";
    /// Probe answered without a grant: it goes by another version of the electors' set.
    OtherElectors = 14, "other_electors";
    /// Probe recorded; its phase did not select this slot, so no answer.
    Recorded = 15, "recorded";
    /// Query answered.
    QueryAnswered = 16, "query_answered";
    /// Reply to our probe, counted.
    ReplyCounted = 17, "reply_counted";
    /// Reply that grants nothing, counted for health only.
    ReplyNoGrant = 18, "reply_no_grant";
    /// Answer to our query, handed to the daemon.
    QueryReplyCounted = 19, "query_reply_counted";
    /// A copy of an answer that was counted already, or one that a newer one overtook.
    Repeated = 20, "repeated";
    /// Answer that matches no question we sent in the last detect time: dropped.
    Stale = 21, "stale";
    /// Refusal of our probe; the newer epoch was only promised.
    RefusalPromised = 22, "refusal_promised";
    /// Refusal of our probe; the newer epoch was probed: gate shut.
    RefusalProbed = 23, "refusal_probed";
    /// The daemon has not written its configuration yet, or not for this interface: passed on.
    Unconfigured = 24, "unconfigured";
}

counted! {
    /// Outcome of one packet of a virtual address at the gate. Other traffic is not counted.
    GateVerdict,
    /// From the address, lease in force: passed.
    OpenOut = 0, "open_out";
    /// To the address, lease in force: passed.
    OpenIn = 1, "open_in";
    /// IP packet from the address, no lease: dropped.
    ShutOut = 2, "shut_out";
    /// IP packet to the address, no lease: dropped.
    ShutIn = 3, "shut_in";
    /// ARP or neighbour discovery that speaks for the address, no lease: dropped.
    ShutAnswer = 4, "shut_answer";
    /// Question for the address, no lease: dropped before the kernel could answer it.
    ShutQuestion = 5, "shut_question";
    /// Too short or too odd to judge, of a protocol that could carry the address: dropped.
    Unjudged = 6, "unjudged";
}
