//! Real daemons on real interfaces, with real faults. Every scenario ends with the same two
//! questions: did the observer ever see two nodes answer, and did it look at all?

mod address;
mod announced;
mod client_on_slave;
mod connections;
mod cut_off;
mod electors;
mod failing;
mod first_start;
mod floods;
mod forced;
mod forged;
mod freeze;
mod ground;
mod hogs;
mod ipv6;
mod kill;
mod killed_again;
mod link;
mod majority;
mod many_nodes;
mod node_death;
mod placement;
mod planned_restart;
mod recorded;
mod recorder_held_up;
mod restart_of_master;
mod restart_of_slave;
mod scene;
mod slot_address;
mod starved;
mod strangers;
mod switchover;
mod verified;
mod witness;
mod worn_wires;
