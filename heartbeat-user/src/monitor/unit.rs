//! A systemd unit that is in the state that is wanted. systemd tells changes of it at once.

use super::look::Fault;
use crate::config::service::{Unit, WantedState};
use crate::systemd::{UnitState, UnitWatch};

/// A unit, and who is asked for it.
#[derive(Debug)]
pub(super) struct UnitLook {
    unit: Unit,
    /// `None`: nobody was asked yet, or the one who was asked did not answer.
    watch: Option<UnitWatch>,
}

impl UnitLook {
    pub(super) const fn new(unit: Unit) -> Self {
        Self { unit, watch: None }
    }

    /// Asks systemd for its state. A look that fails or is given up ends the connection, and the next one makes another.
    pub(super) async fn look(&mut self, is_master: bool) -> Result<(), Fault> {
        let watch = match self.watch.take() {
            Some(watch) => watch,
            None => (UnitWatch::begin(&self.unit.name).await).map_err(|it| it.to_string())?,
        };
        let state = watch.state().await.map_err(|it| it.to_string())?;
        self.watch = Some(watch);
        judge(&self.unit.name, &state, *self.unit.state.of(is_master))
    }

    /// Ends when its state changed, or its bus is gone.
    pub(super) async fn changed(&mut self) {
        match &mut self.watch {
            Some(watch) => {
                if !watch.changed().await {
                    self.watch = None;
                }
            }
            None => std::future::pending().await,
        }
    }
}

fn judge(name: &str, state: &UnitState, wanted: WantedState) -> Result<(), Fault> {
    let UnitState {
        load, active, sub, ..
    } = state;
    if load != "loaded" {
        let fault = format!("systemd has no unit {name} to start: {load}");
        return Err(Fault::Found(fault));
    }
    let fault = format!("{name} is {active} ({sub})");
    match (active.as_str(), wanted) {
        ("active" | "reloading" | "refreshing", WantedState::Active)
        | ("inactive", WantedState::Inactive) => Ok(()),
        // Nothing starts it again, unless a job does: then it is on its way.
        ("failed" | "inactive", WantedState::Active) if !state.has_job => Err(Fault::Gone(fault)),
        (_, WantedState::Active | WantedState::Inactive) => Err(Fault::Found(fault)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(active: &str, has_job: bool, wanted: WantedState) -> char {
        let state = UnitState {
            load: "loaded".to_owned(),
            active: active.to_owned(),
            sub: "sub".to_owned(),
            has_job,
        };
        match judge("a.service", &state, wanted) {
            Ok(()) => '+',
            Err(Fault::Found(_)) => '-',
            Err(Fault::Gone(_)) => 'x',
            Err(Fault::Overran) => '?',
        }
    }

    #[test]
    fn a_unit_is_well_in_the_wanted_state_and_gone_where_nothing_starts_it_again() {
        for (active, when_active, with_a_job, when_inactive) in [
            ("active", '+', '+', '-'),
            ("reloading", '+', '+', '-'),
            ("refreshing", '+', '+', '-'),
            ("activating", '-', '-', '-'),
            ("deactivating", '-', '-', '-'),
            ("maintenance", '-', '-', '-'),
            ("inactive", 'x', '-', '+'),
            ("failed", 'x', '-', '-'),
            ("", '-', '-', '-'),
        ] {
            let found = [
                found(active, false, WantedState::Active),
                found(active, true, WantedState::Active),
                found(active, false, WantedState::Inactive),
            ];
            assert_eq!(found, [when_active, with_a_job, when_inactive], "{active}");
        }
    }

    #[test]
    fn a_unit_without_a_file_is_a_fault_of_its_own() {
        let state = UnitState {
            load: "not-found".to_owned(),
            active: "inactive".to_owned(),
            ..UnitState::default()
        };
        let fault = judge("a.service", &state, WantedState::Inactive).expect_err("no file");
        assert_eq!(
            fault.to_string(),
            "systemd has no unit a.service to start: not-found"
        );
    }
}
