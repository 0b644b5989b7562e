//! The maps of one machine in one life of them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use heartbeat_core::event::{QueryAnswer, Refusal};
use heartbeat_core::{Config, ElectorRecord, Epoch, Slot};
use heartbeat_wire::answer::{Own, write_answer};
use heartbeat_wire::decide::Promises;
use heartbeat_wire::frame::{Frame, Kind};
use heartbeat_wire::gate::gate_of;
use heartbeat_wire::maps::{self, Control, Grant};
use heartbeat_wire::verdict::Verdict;

use crate::guard::Guards;
use crate::members::Members;
use crate::questions::Questions;

/// What the daemon is woken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ring {
    /// A kernel answered our query.
    QueryAnswer(QueryAnswer),
    /// A kernel refused our probe.
    Refusal(Refusal),
    /// The words are worth a look.
    Look,
}

/// The maps, and the program that works on them.
#[derive(Clone, Debug, Hash)]
pub struct Kernel {
    /// What the daemon configured.
    pub config: maps::Config,
    /// The daemon's words.
    pub control: Control,
    /// The kernel's own words.
    pub grant: Grant,
    /// What the daemon asked.
    pub sent: Questions,
    /// What was answered, by slot.
    pub counted: BTreeMap<Slot, maps::Reply>,
    /// What the daemon is to be woken for, the oldest first.
    pub ring: VecDeque<Ring>,
    /// The safety lines that hold.
    pub guards: Guards,
    members: Arc<Members>,
}

impl Kernel {
    /// New maps with this configuration in them.
    #[must_use]
    pub fn new(config: maps::Config, members: Arc<Members>) -> Self {
        Self {
            config,
            control: Control::default(),
            grant: Grant::default(),
            sent: Questions::default(),
            counted: BTreeMap::new(),
            ring: VecDeque::new(),
            guards: Guards::default(),
            members,
        }
    }

    /// New maps of a node that goes by `config` and by the sets in `record`, made at `created_ns` of its clock.
    #[must_use]
    pub fn configured(
        config: &Config,
        record: &ElectorRecord,
        members: Arc<Members>,
        incarnation: u64,
        created_ns: u64,
    ) -> Self {
        let mut kernel = Self::new(
            Self::configuration(config, incarnation, created_ns),
            members,
        );
        kernel.name_sets(record);
        kernel
    }

    /// The members that it knows.
    #[must_use]
    pub const fn members(&self) -> &Arc<Members> {
        &self.members
    }

    /// Both promise words.
    #[must_use]
    pub const fn promises(&self) -> Promises {
        Promises {
            promised: Epoch(self.control.promised_epoch),
            probed: Epoch(self.grant.probed_epoch),
        }
    }

    /// Whether traffic of an address that follows the master passes at `now_ns` of its own CLOCK_BOOTTIME.
    #[must_use]
    pub fn gate_is_open(&self, now_ns: u64) -> bool {
        gate_of(&self.control, &self.grant, &self.config, now_ns)
    }

    /// Turns a question into its answer.
    pub(crate) fn answer(&self, frame: &mut Frame, kind: Kind, verdict: Verdict, now_ns: u64) {
        let own = Own {
            config: &self.config,
            control: &self.control,
            grant: &self.grant,
            now_ns,
        };
        write_answer(frame, kind, verdict, &own);
    }
}
