//! `heartbeatctl bundle`: everything for a report of a fault, without secrets, in one file.

mod archive;
mod machine;
mod part;
mod secrets;

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use nix::sys::utsname::uname;
use serde::Serialize;
use tokio::runtime::{Builder, Runtime};

use super::{Failure, new_file, print};
use crate::cli::{DEFAULT_STATE, Exit, default_bpf_dir};
use crate::config::{self, Config};
use crate::control::{Client, Request, Response, rfc3339};
use crate::doctor::{Patient, examine};
use part::{LONGEST, Part};
use secrets::Secrets;

/// How long the doctor watches the processor.
const WATCHED_FOR: Duration = Duration::from_secs(2);
/// Readable by whoever makes it.
const MODE: u32 = 0o600;

/// What is to be in it.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) output: Option<PathBuf>,
    pub(super) config: PathBuf,
    pub(super) slot: Option<heartbeat_core::Slot>,
    pub(super) bpf_dir: Option<PathBuf>,
    /// Whether the end of the recorder's file is wanted.
    pub(super) record: bool,
}

pub(super) fn bundle(client: &Client, asked: &Asked) -> Result<Exit, Failure> {
    let runtime = runtime()?;
    let name = name();
    let output = asked.output.clone();
    let output = output.unwrap_or_else(|| PathBuf::from(format!("{name}.tar.gz")));
    // Before anything is asked: a file that cannot be written wastes nobody's time.
    let file = new_file::create(&output, MODE)?;
    let parts = gather(client, asked, &runtime);
    archive::write(file, &name, &parts).map_err(|source| new_file::give_up(&output, source))?;
    print(&say(&output, &parts))
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// `heartbeatd-HOST-20260730T101530Z`
fn name() -> String {
    let host = uname().map(|it| it.nodename().to_string_lossy().into_owned());
    let time: String = rfc3339(SystemTime::now())
        .chars()
        .take_while(|char| *char != '.')
        .filter(char::is_ascii_alphanumeric)
        .collect();
    format!("heartbeatd-{}-{time}", host.unwrap_or_default())
}

fn say(output: &Path, parts: &[Part]) -> String {
    let mut text = format!(
        "wrote {} (look into it before you send it; CONTENTS.txt lists its parts)\n",
        output.display()
    );
    for part in parts {
        if let Err(why) = &part.found {
            text += &format!("without {}: {why}\n", part.name);
        }
    }
    text
}

fn gather(client: &Client, asked: &Asked, runtime: &Runtime) -> Vec<Part> {
    let mut secrets = Secrets::default();
    let mut parts = vec![configuration(&asked.config, &mut secrets)];
    // What is wrong with a file is told with its lines, which may hold secrets.
    let config = config::load(&asked.config).map_err(|_| {
        "the configuration is wrong or cannot be read: `heartbeatd --check` says why".to_owned()
    });
    parts.extend(of_daemon(client));
    parts.push(doctor(client, asked, &config));
    parts.extend(machine::look(runtime));
    let bpf_dir = asked.bpf_dir.clone();
    match (bpf_dir, &config) {
        (Some(folder), _) => parts.extend(machine::maps(runtime, &folder)),
        (None, Ok(config)) => {
            parts.extend(machine::maps(runtime, &default_bpf_dir(&config.cluster)));
        }
        (None, Err(why)) => parts.push(Part::text("maps", Err(why.clone()))),
    }
    let mut parts: Vec<_> = parts.into_iter().map(|it| it.cleaned(&secrets)).collect();
    if asked.record {
        // Not a text: it is kept as it is.
        parts.push(record(&config));
    }
    parts
}

fn configuration(path: &Path, secrets: &mut Secrets) -> Part {
    let read = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()));
    let clean = read.and_then(|text| {
        secrets.take_out(&text).ok_or_else(|| {
            "it is no TOML, so secrets could not be told apart: `heartbeatd --check` says what is wrong".to_owned()
        })
    });
    Part::text("heartbeatd.toml", clean)
}

/// The daemon's answers; each names the reason where there is none.
fn of_daemon(client: &Client) -> Vec<Part> {
    fn part<T: Serialize>(
        client: &Client,
        name: &str,
        request: Request,
        expected: impl FnOnce(Response) -> Option<T>,
    ) -> Part {
        let answer = match client.ask(request) {
            Ok(Response::Refused(why)) => Err(why),
            Ok(other) => expected(other).ok_or_else(|| {
                "the daemon is of another version than this heartbeatctl".to_owned()
            }),
            Err(error) => Err(error.to_string()),
        };
        Part::json(&format!("daemon/{name}.json"), answer)
    }
    macro_rules! parts {
        ($($name:literal: $request:ident => $response:ident),* $(,)?) => {
            vec![$(part(client, $name, Request::$request, |it| match it {
                Response::$response(value) => Some(value),
                _ => None,
            })),*]
        };
    }
    parts! {
        "status": Status => Status,
        "explain": Explain => Explanation,
        "history": History => History,
        "alarms": Alarms => Alarms,
        "members": Members => Members,
        "nodes": Nodes => Nodes,
        "details": Details => Details,
        "lateness": Lateness => Lateness,
        "maps": Maps => Maps,
    }
}

fn doctor(client: &Client, asked: &Asked, config: &Result<Config, String>) -> Part {
    let found = config.as_ref().map_err(Clone::clone).and_then(|config| {
        let slot =
            super::doctor::own_slot(config, asked.slot).map_err(|error| error.to_string())?;
        let patient = Patient {
            config,
            slot,
            watched_for: WATCHED_FOR,
        };
        Ok(examine(&patient, client))
    });
    Part::json("doctor.json", found)
}

/// The newest entries, from anywhere within one: `heartbeatctl replay` needs the file's beginning, and an engineer the end.
fn record(config: &Result<Config, String>) -> Part {
    let tail = || {
        let config = config.as_ref().map_err(Clone::clone)?;
        let recorder = config.recorder.as_ref();
        let recorder = recorder.ok_or("the configuration has no [recorder]")?;
        let path = Path::new(DEFAULT_STATE).join(&recorder.file);
        end_of(&path).map_err(|error| format!("{}: {error}", path.display()))
    };
    Part {
        name: "record".to_owned(),
        found: tail(),
    }
}

fn end_of(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LONGEST as u64)))?;
    let mut bytes = Vec::new();
    file.take(LONGEST as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}
