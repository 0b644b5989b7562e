//! How much depends on each alarm, and what to do about it: the docs' table is held equal to this.

use super::words::AlarmName;
use crate::config::alarms::Severity;

impl AlarmName {
    /// `critical`: clients do not reach the service, or may reach two; `warning`: all works, with less in reserve.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::NoMaster
            | Self::Forced
            | Self::DuplicateSlot
            | Self::TakeoverUnverified
            | Self::DuplicateAddress
            | Self::FenceFailed
            | Self::ServiceFault
            | Self::BusinessFault
            | Self::HandoversSpent => Severity::Critical,
            Self::Misconfigured
            | Self::DaemonStalled
            | Self::ManagementFault
            | Self::Down
            | Self::ClockFault
            | Self::NotElectable
            | Self::ElectorsChange
            | Self::Degraded
            | Self::AlarmsDropped
            | Self::Test => Severity::Warning,
        }
    }

    /// What to do, in one sentence.
    #[must_use]
    pub const fn cure(self) -> &'static str {
        match self {
            Self::Misconfigured => {
                "copy the right configuration file to that node and `heartbeatctl reload` there"
            }
            Self::DaemonStalled => {
                "look at heartbeatd on that node (`systemctl status heartbeatd`, `top -H`) and start it again"
            }
            Self::ManagementFault => {
                "check that node's management link, its cable and switch port (`ip -s link show`)"
            }
            Self::Down => "bring that node and its daemon back: it joins by itself",
            Self::DuplicateSlot => "shut one of the two machines with this slot down",
            Self::ClockFault => {
                "choose another clock source on that node, or take the node out of service"
            }
            Self::NoMaster => {
                "`heartbeatctl explain` on every node that is up says what is missing: usually a majority of electors"
            }
            Self::NotElectable => {
                "open the control port (UDP) between the nodes on the management network"
            }
            Self::Forced => "bring the other nodes back, or build new ones in their slots",
            Self::TakeoverUnverified => {
                "check the link and the switch port of the interface that carries the address"
            }
            Self::DuplicateAddress => {
                "find that hardware address at the switch and take the address off that machine"
            }
            Self::ElectorsChange => {
                "`heartbeatctl members` on the master names who is missing: bring enough of them up"
            }
            Self::Degraded => {
                "cure the management network (switch, link, multicast), and move nothing until then"
            }
            Self::FenceFailed => "run the fence command by hand and cure what it says",
            Self::ServiceFault => {
                "`heartbeatctl status` and `history` on that node name the service and what its check found: cure it"
            }
            Self::BusinessFault => {
                "check that node's business link, its cable, switch port and VLAN (`ip -s link show`)"
            }
            Self::HandoversSpent => {
                "find out why the fault comes again on every node; `heartbeatctl switchover` moves it at once"
            }
            Self::AlarmsDropped => {
                "cure what the sink fails by (`heartbeatctl alarms`), and see `heartbeatctl history` for what it missed"
            }
            Self::Test => "nothing: somebody tried whether alarms arrive",
        }
    }
}
