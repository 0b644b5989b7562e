//! Real daemons in namespaces of their own: how they start, wait, refuse, end, and outlive their interfaces.

mod allocation;
mod ending;
mod gates;
mod interfaces;
mod journal;
mod managed;
mod memory;
mod quiet;
mod recorder;
mod refusals;
mod rig;
mod rights;
mod twice;
mod waiting;
mod world;
