//! What the two nodes of a pair tell and keep, in words.

use std::fmt::{self, Display, Formatter};

use super::record::{Age, LastRole, PairRecord, PairState};
use crate::Epoch;
use crate::words::{Ms, Name};

impl Display for PairState {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let eligible = if self.eligible { "" } else { ", not eligible" };
        let abstains = if self.abstains { ", abstains" } else { "" };
        write!(f, "{}{eligible}{abstains}, ", self.role.as_str())?;
        activity(self.active.as_ref(), self.epoch, f)
    }
}

/// When somebody was last active as master, and the newest mastership that it knows of.
fn activity(active: Option<&Age>, epoch: Epoch, f: &mut Formatter<'_>) -> fmt::Result {
    match active {
        None => f.write_str("never active")?,
        Some(age) => {
            let marked = if age.is_marked {
                ", before its boot"
            } else {
                ""
            };
            write!(f, "active {} ago{marked}", Ms(age.ago))?;
        }
    }
    write!(f, ", knows of {}", Name(epoch))
}

impl Display for PairRecord {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self.last {
            LastRole::Slave => "last a slave, ",
            LastRole::Master => "last the master, ",
        })?;
        activity(self.active.as_ref(), self.epoch, f)
    }
}
