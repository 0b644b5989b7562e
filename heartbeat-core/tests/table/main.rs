//! One node, event by event: what each state makes of each event, as the list of commands.

mod asking;
mod bench;
mod change;
mod duplicate;
mod elections;
mod electors;
mod every;
mod forced;
mod lease;
mod operator;
mod pair;
mod pair_every;
mod pair_states;
mod planned_restart;
mod probing;
mod reconfigured;
mod releases;
mod restart;
mod services;
mod settling;
mod show;
mod standing;
mod states;
mod told;
mod votes;
mod written;
