//! A program that ends with exit code 0.

use std::collections::BTreeMap;
use std::time::Duration;

use super::look::Fault;
use crate::config::Program;
use crate::exec::{Ended, Output, run};

/// Runs it; what it writes is nobody's business, its exit code says all.
pub(super) async fn look(program: &Program, limit: Duration) -> Result<(), Fault> {
    let ended = run(program, &BTreeMap::new(), Output::Nobody, limit).await;
    match (&ended, ended.fault()) {
        (_, None) => Ok(()),
        (Ended::Overran(_), Some(_)) => Err(Fault::Overran),
        (_, Some(fault)) => Err(Fault::Found(format!("{} {fault}", program.words[0]))),
    }
}
