//! Addresses, links, probes and announcements against the running kernel, in network namespaces of
//! the test's own. They need root; without it each says so and passes.
//!
//! A namespace here has no name: it exists as long as a descriptor of it is open, so nothing is left
//! behind however a test ends.

mod addresses;
mod announcements;
mod changed;
mod connections;
mod datagrams;
mod hands;
mod links;
mod manners;
mod namespace;
mod neighbours;
mod peers;
mod probes;
mod references;
mod slots;
