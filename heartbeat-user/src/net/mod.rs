//! Everything that goes over a network socket: kernel facts by netlink, probes and announcements by
//! packet socket, votes and commands by UDP. And requests to web servers, with whom those are believed by.

pub mod announce;
pub mod ask_neighbour;
pub mod authorities;
mod checksum;
pub mod codec;
pub mod datagrams;
pub mod envelope;
pub mod http;
pub mod identity;
mod ip;
pub mod mac;
pub mod netlink;
mod packet_socket;
pub mod probe_frame;
pub mod probe_socket;
pub mod references;
pub mod sock_diag;
pub mod sysctl;
pub mod tickle;
mod tls;
pub mod unicast_socket;

pub use packet_socket::PacketSocketError;
