//! What is tried.

use super::Campaign;

/// Three electors.
pub const THREE: Campaign = Campaign {
    name: "three stores in random faults",
    nodes: 3,
    electors: 3,
    runs: 60,
    leaderships: 60,
    is_long: false,
    has_changes: false,
};

/// Five electors.
pub const FIVE: Campaign = Campaign {
    name: "five stores in random faults",
    nodes: 5,
    electors: 5,
    ..THREE
};

/// Electors come and go.
pub const CHANGES: Campaign = Campaign {
    name: "electors that come and go in random faults",
    nodes: 6,
    electors: 3,
    has_changes: true,
    ..THREE
};

/// States come in several parts.
pub const LONG: Campaign = Campaign {
    name: "long values in random faults",
    runs: 6,
    leaderships: 20,
    is_long: true,
    ..THREE
};

/// All of them.
pub const ALL: [Campaign; 4] = [THREE, FIVE, CHANGES, LONG];
