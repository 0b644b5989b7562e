//! The kernel program's twin on the host: its maps, and what the responder does to them, one step at a time.
//!
//! What is decided is decided by heartbeat-wire's functions, which the kernel program is built from as well; the order
//! of the steps is the responder's. One twin serves three: the packet tests compare it with the loaded program frame
//! by frame, the simulator and the search have it in each of their machines. So what those two show rests on a
//! twin that was compared.
//!
//! It begins with a frame whose headers and tag were checked. It has no limit of refusals, and counts as one processor
//! does.

mod answers;
mod daemon;
mod guard;
mod kernel;
mod members;
mod passage;
mod questions;
mod views;

pub use guard::{Guard, Guards};
pub use kernel::{Kernel, Ring};
pub use members::{Members, address_of};
pub use passage::{Passage, Step};
pub use questions::Questions;
