//! What happened on the way.

/// What was seen on the way, so that a search that saw nothing proves nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// Masterships begun.
    pub masterships: u64,
    /// Leases renewed by a majority's grants.
    pub renewals: u64,
    /// Votes given to others.
    pub votes: u64,
    /// Masterships that ended because of a higher epoch.
    pub overtaken: u64,
    /// Probes refused.
    pub refusals: u64,
    /// Masterships begun by evidence.
    pub by_evidence: u64,
    /// Questions of a pair's nodes to each other who was active later.
    pub battles: u64,
    /// Runs of a fence command.
    pub fences: u64,
    /// Two leases at one time in the case that a pair excepts.
    pub excepted: u64,
}

impl Seen {
    /// Adds what another one saw.
    pub fn add(&mut self, other: &Self) {
        self.masterships += other.masterships;
        self.renewals += other.renewals;
        self.votes += other.votes;
        self.overtaken += other.overtaken;
        self.refusals += other.refusals;
        self.by_evidence += other.by_evidence;
        self.battles += other.battles;
        self.fences += other.fences;
        self.excepted += other.excepted;
    }
}
