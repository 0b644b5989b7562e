//! heartbeatd's election, searched.
//!
//! The nodes are heartbeat-core's own, the kernel's decisions heartbeat-wire's own; what is modelled is what lies
//! between them: the steps of the kernel program on two processors, the daemon's commands one by one, a network
//! that loses, doubles, delays and reorders, clocks at both ends of what the drift guard covers, and time in ticks.

mod closed;
mod dice;
mod digest;
mod explore;
mod hold;
mod leaning;
mod machine;
mod on_the_way;
mod packet;
pub mod pair;
mod processors;
mod reduce;
mod relative;
mod relevance;
mod scope;
pub mod scopes;
mod seen;
mod side_by_side;
mod walk;
mod watch;
mod world;

pub use explore::{Report, explore};
pub use scope::{ANY, Budget, Rate, Scope};
pub use seen::Seen;
pub use side_by_side::side_by_side;
pub use walk::{Walked, walk};
pub use watch::Violation;
