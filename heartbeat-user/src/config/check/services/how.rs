//! The one way in which a service is looked at.

use std::ops::Range;

use super::page::page;
use super::unit::{service_name, unit};
use crate::config::check::path::absolute;
use crate::config::check::program::program;
use crate::config::check::references;
use crate::config::fault::Fault;
use crate::config::file::services::{Process as WrittenProcess, Service as Written};
use crate::config::file::{File, Member};
use crate::config::service::{Check, Process};

/// Longest command name of a process: TASK_COMM_LEN less its end.
const MAX_COMM_LEN: usize = 15;

/// The one way in which it is looked at.
pub(super) fn how(written: &Written, file: &File, faults: &mut Vec<Fault>) -> Option<Check> {
    match &written.looks.given[..] {
        [] => {
            let cause = "nothing says how this service is looked at";
            let cure = "add one of process, unit, tcp, http, command, file, link, reference";
            faults.push(Fault::new(written.at.clone(), cause, cure));
        }
        [_] => {}
        [(first, at), (second, also), ..] => {
            let cause = format!("`{second}` and `{first}`: a service is looked at in one way");
            let cure = "make two services of it: both must work";
            faults.push(Fault::new(also.clone(), cause, cure).also(at.clone(), "first here"));
        }
    }
    let looks = &written.looks;
    if let (Some(user), None) = (&written.user, &looks.command) {
        let cause = "`user` says who `command` is run as, and there is none";
        faults.push(Fault::new(user.span(), cause, "take it out"));
    }
    if let Some(command) = &looks.command {
        return program(command, &written.user, faults).map(Check::Command);
    }
    if let Some(process) = &looks.process {
        return which_process(process, faults).map(Check::Process);
    }
    if let Some(references) = &looks.reference {
        on_business(references.span(), file, faults);
        return Some(Check::Reference(references::list(references, file, faults)));
    }
    if let Some(unit_there) = &looks.unit {
        return unit(unit_there, faults).map(Check::Unit);
    }
    if let Some(http) = &looks.http {
        return page(http, faults).map(|page| Check::Http(Box::new(page)));
    }
    if let Some(file) = &looks.file {
        let (path, max_age) = (file.path.as_ref()?, file.max_age.as_ref()?);
        return Some(Check::File {
            path: absolute(path, faults)?,
            max_age: *max_age.get_ref(),
        });
    }
    let tcp = looks.tcp.as_ref().map(|it| Check::Tcp(*it.get_ref()));
    tcp.or_else(|| looks.link.as_ref().map(|it| Check::Link(*it.get_ref())))
}

/// Who may become master has to be where the devices are.
fn on_business(at: Range<usize>, file: &File, faults: &mut Vec<Fault>) {
    let absent = |member: &&Member| member.business.is_none() && !member.witness;
    if let Some(member) = file.members.iter().find(absent) {
        let cause = "a reference is on the business network, which this member is not on";
        let cure = "give it business = { address, interface }, or write witness = true";
        faults.push(Fault::new(member.at.clone(), cause, cure).also(at, "asked for here"));
    }
}

fn which_process(written: &WrittenProcess, faults: &mut Vec<Fault>) -> Option<Process> {
    match (&written.pid_file, &written.name, &written.unit) {
        (Some(file), None, None) => absolute(file, faults).map(Process::PidFile),
        (None, Some(name), None) if (1..=MAX_COMM_LEN).contains(&name.get_ref().len()) => {
            Some(Process::Name(name.get_ref().clone()))
        }
        (None, Some(name), None) => {
            let cause = "a process's command name has 1 to 15 bytes";
            let cure = "write it as `ps -o comm` shows it";
            faults.push(Fault::new(name.span(), cause, cure));
            None
        }
        (None, None, Some(unit)) => service_name(unit, faults).map(Process::MainOf),
        _ => {
            let cause =
                "a process is known by its pid file, by its command name or by its systemd service";
            let cure = "write process = { pid_file = \"/run/nginx.pid\" }, { name = \"nginx\" } or { unit = \"nginx.service\" }";
            faults.push(Fault::new(written.at.clone(), cause, cure));
            None
        }
    }
}
