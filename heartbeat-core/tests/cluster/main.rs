//! Whole clusters in the simulator, each schedule by itself. Every step checks what must always hold: never two
//! leases, never two open gates, no epoch twice.

mod attacks;
mod business;
mod electors;
mod failover;
mod forced;
mod known_bad;
mod pair;
mod planned_restart;
mod properties;
mod roads;
mod sanity;
mod seams;
