//! One node, event by event: what each state makes of each event, as the list of commands.

mod bench;
mod every;
mod restart;
mod rules;
mod show;
