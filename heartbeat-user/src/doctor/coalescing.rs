//! Whether a network card holds frames back before anybody is told of them.

use std::io;
use std::time::Duration;

use super::{Finding, Patient};
use crate::sys::ethtool::{Coalesce, coalesce};

/// Held back for a longer part of a period than this, each question and each answer is noticeably late.
const PART_OF_PERIOD: u32 = 10;

pub(super) fn look(patient: &Patient<'_>) -> Vec<Finding> {
    let period = patient.config.timing.period;
    let connections = patient.connections();
    connections
        .map(|(network, it)| {
            let name = &it.interface;
            judge(&format!("{network} network"), name, period, coalesce(name))
        })
        .collect()
}

fn judge(subject: &str, name: &str, period: Duration, found: io::Result<Coalesce>) -> Finding {
    let found = match found {
        Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => {
            return Finding::good(
                subject,
                format!("interrupt coalescing is not offered by {name}"),
            );
        }
        Err(error) => {
            return Finding::note(
                subject,
                format!("interrupt coalescing of {name} cannot be asked for: {error}"),
            );
        }
        Ok(found) => found,
    };
    let held = Duration::from_micros(found.rx_usecs.into());
    let text = format!(
        "{name} holds received frames back for up to {} us{}",
        found.rx_usecs,
        if found.is_adaptive {
            ", and for longer or shorter by the load"
        } else {
            ""
        }
    );
    let quicker = format!("ethtool -C {name} adaptive-rx off rx-usecs 0");
    // Without a time only a number of frames ends the wait, and heartbeats are few.
    if found.rx_usecs == 0 && found.rx_frames > 1 && !found.is_adaptive {
        Finding::warning(
            subject,
            format!(
                "{name} holds received frames back until there are {}: a lone heartbeat waits",
                found.rx_frames
            ),
            format!("{quicker} rx-frames 1"),
        )
    } else if held > period / PART_OF_PERIOD {
        Finding::warning(subject, text + ", more than a tenth of a period", quicker)
    } else if found.is_adaptive {
        Finding::note(subject, text)
    } else {
        Finding::good(subject, text)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Weight;
    use super::*;

    #[test]
    fn a_card_that_holds_frames_back_for_long_is_warned_of() {
        let weight = |rx_usecs, rx_frames, is_adaptive| {
            let found = Coalesce {
                rx_usecs,
                rx_frames,
                is_adaptive,
            };
            judge("x", "eth0", Duration::from_millis(10), Ok(found)).weight
        };
        assert_eq!(weight(3, 0, false), Weight::Good);
        assert_eq!(weight(0, 1, false), Weight::Good);
        assert_eq!(weight(50, 64, true), Weight::Note);
        assert_eq!(weight(1_500, 0, false), Weight::Warning);
        assert_eq!(weight(0, 64, false), Weight::Warning);
    }

    #[test]
    fn an_interface_without_interrupts_of_its_own_offers_none() {
        let errno = |number| Err(io::Error::from_raw_os_error(number));
        let period = Duration::from_millis(10);
        let found = judge("x", "veth0", period, errno(libc::EOPNOTSUPP));
        assert_eq!(found.weight, Weight::Good);
        assert!(found.text.contains("not offered"), "{found:?}");
        assert_eq!(
            judge("x", "eth0", period, errno(libc::EPERM)).weight,
            Weight::Note
        );
    }
}
