//! Looking on from outside: what a user's machine sees of the cluster, to the microsecond.

pub mod background;
pub mod browser;
pub mod database;
pub mod datagram;
pub mod journal;
pub mod lifeline;
pub mod notebook;
pub mod observer;
pub mod packet;
pub mod pager;
pub mod prober;
pub mod redis;
pub mod requester;
pub mod responder;
pub mod schedule;
pub mod systemd;
pub mod tcp;
pub mod web;
