//! heartbeatctl: one request, one answer, one exit code.

mod alarms;
mod bundle;
mod check_config;
mod convert;
mod detach;
mod doctor;
mod info;
mod keygen;
mod members;
mod names;
mod new_file;
mod nodes;
mod past;
mod promote;
mod render;
mod replay;
mod table;
mod top;
mod tune;
mod watched;

use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;

use crate::cli::Exit;
use crate::cli::ctl::{AlarmsAction, Args, Command, MembersAction, OnOff};
use crate::config::{self, ConfigErrors};
use crate::control::{Client, ClientError, Request, Response};
use crate::convert::ConvertError;
use crate::recorder::ReplayError;
use detach::DetachError;
use keygen::KeygenError;
use names::Names;
use new_file::NewFileError;

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    WrongName(String),
    #[error(
        "`top` draws on a terminal, and this is none: use `heartbeatctl status`, or `status --json` for programs"
    )]
    NoTerminal,
    #[error("the daemon answered something else: use the heartbeatctl of its version")]
    OtherAnswer,
    #[error("the configuration is wrong\n{0}")]
    Config(#[from] ConfigErrors),
    #[error(transparent)]
    Keygen(#[from] KeygenError),
    #[error(transparent)]
    Detach(#[from] DetachError),
    #[error(transparent)]
    Replay(#[from] ReplayError),
    #[error(transparent)]
    Convert(#[from] ConvertError),
    #[error(transparent)]
    NewFile(#[from] NewFileError),
    #[error("cannot write the answer: {0}")]
    Output(#[from] io::Error),
}

impl Failure {
    fn exit(&self) -> Exit {
        match self {
            Self::Client(ClientError::Permission { .. }) => Exit::Permission,
            Self::Client(
                ClientError::Unreachable { .. }
                | ClientError::Silent { .. }
                | ClientError::Foreign { .. },
            )
            | Self::OtherAnswer => Exit::Unavailable,
            Self::WrongName(_) | Self::NoTerminal => Exit::Usage,
            Self::Config(_) => Exit::Config,
            Self::Keygen(error) if error.is_permission() => Exit::Permission,
            Self::Detach(error) if error.is_permission() => Exit::Permission,
            Self::Replay(ReplayError::Read(error)) if error.is_permission() => Exit::Permission,
            Self::NewFile(error) if error.is_permission() => Exit::Permission,
            Self::Convert(ConvertError::Read { source, .. })
                if source.kind() == io::ErrorKind::PermissionDenied =>
            {
                Exit::Permission
            }
            // The reader has gone (`heartbeatctl history | head`): nobody is left to hear of it.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Ok,
            Self::Refused(_)
            | Self::Keygen(_)
            | Self::Detach(_)
            | Self::Replay(_)
            | Self::Convert(_)
            | Self::NewFile(_)
            | Self::Output(_) => Exit::Failure,
        }
    }
}

/// Carries out one command and says how it went.
#[must_use]
pub fn run(args: Args) -> ExitCode {
    let exit = match carry_out(args) {
        Ok(exit) => exit,
        Err(failure) => {
            let exit = failure.exit();
            if exit != Exit::Ok {
                eprintln!("heartbeatctl: {failure}");
            }
            exit
        }
    };
    exit.into()
}

fn carry_out(args: Args) -> Result<Exit, Failure> {
    let client = Client::new(&args.control);
    match args.command {
        Command::Status { json } => status(&client, json),
        Command::Top => top::run(&client),
        Command::Explain => match client.ask(Request::Explain)? {
            Response::Explanation(sentences) => {
                let names = Names::ask(&client);
                print(&(names.beside(&sentences.join("\n")) + "\n"))
            }
            other => Err(unexpected(other)),
        },
        Command::History {
            cluster: true,
            json,
        } => info::history(&client, json),
        Command::History {
            cluster: false,
            json,
        } => match client.ask(Request::History)? {
            Response::History(entries) if json => print_json(&entries),
            Response::History(entries) => print(&past::history(&entries, &Names::ask(&client))),
            other => Err(unexpected(other)),
        },
        Command::Maps { json } => match client.ask(Request::Maps)? {
            Response::Maps(maps) if json => print_json(&maps),
            Response::Maps(maps) => print(&render::maps(&maps)),
            other => Err(unexpected(other)),
        },
        Command::Alarms { action: None, json } => alarms::show(&client, json),
        Command::Alarms {
            action: Some(AlarmsAction::Test),
            json,
        } => alarms::test(&client, json),
        Command::Members { action: None, json } => members::show(&client, json),
        Command::Members {
            action: Some(MembersAction::Apply),
            json: _,
        } => members::apply(&client),
        Command::Nodes { json } => match client.ask(Request::Nodes)? {
            Response::Nodes(nodes) if json => print_json(&nodes),
            Response::Nodes(nodes) => print(&nodes::render(&nodes)),
            other => Err(unexpected(other)),
        },
        Command::Switchover { to } => order(&client, Request::Switchover { to }),
        Command::Reload => order(&client, Request::Reload),
        Command::CheckConfig { file, diff, json } => {
            if diff {
                check_config::differ(&client, &file, json)
            } else {
                print(&(config::check_file(&file)? + "\n"))
            }
        }
        Command::Doctor {
            config,
            slot,
            seconds,
            json,
        } => {
            let options = doctor::Options {
                slot,
                seconds,
                json,
            };
            doctor::doctor(&client, &config, options)
        }
        Command::Tune {
            false_failovers,
            json,
        } => tune::tune(&client, false_failovers, json),
        Command::Restart => order(&client, Request::Restart),
        Command::Promote { force: _, cluster } => promote::force(&client, cluster),
        Command::Info { action } => info::info(&client, action),
        Command::Maintenance { state } => {
            let on = state == OnOff::On;
            order(&client, Request::Maintenance { on })
        }
        Command::Keygen { out } => {
            keygen::create(&out)?;
            print(&format!(
                "wrote a new key to {0}: copy it to {0} on every other node, owned by root, mode 0600\n",
                out.display()
            ))
        }
        Command::Bundle {
            output,
            config,
            slot,
            bpf_dir,
            record,
        } => {
            let asked = bundle::Asked {
                output,
                config,
                slot,
                bpf_dir,
                record,
            };
            bundle::bundle(&client, &asked)
        }
        Command::Convert {
            file,
            output,
            config_id,
            witness,
        } => convert::convert(convert::Asked {
            file,
            output,
            config_id,
            witness,
        }),
        Command::Replay { file, all, json } => replay::replay(&file, replay::Shown { all, json }),
        Command::Detach { config, bpf_dir } => print(&detach::detach(&config, bpf_dir.as_deref())?),
    }
}

fn status(client: &Client, json: bool) -> Result<Exit, Failure> {
    let status = match client.ask(Request::Status)? {
        Response::Status(status) => status,
        other => return Err(unexpected(other)),
    };
    if json {
        print_json(&status)?;
    } else {
        print(&render::status(&status))?;
    }
    Ok(match status.master_slot {
        Some(_) => Exit::Ok,
        None => Exit::NoMaster,
    })
}

fn order(client: &Client, request: Request) -> Result<Exit, Failure> {
    match client.ask(request)? {
        Response::Done(what) => print(&(Names::ask(client).beside(&what) + "\n")),
        Response::Refused(why) => Err(Failure::Refused(Names::ask(client).beside(&why))),
        other => Err(unexpected(other)),
    }
}

fn unexpected(response: Response) -> Failure {
    match response {
        Response::Refused(why) => Failure::Refused(why),
        Response::Status(_)
        | Response::Explanation(_)
        | Response::History(_)
        | Response::Maps(_)
        | Response::Alarms(_)
        | Response::TestedAlarms(_)
        | Response::Details(_)
        | Response::Lateness(_)
        | Response::Members(_)
        | Response::Nodes(_)
        | Response::Configuration(_)
        | Response::Info(_)
        | Response::Done(_) => Failure::OtherAnswer,
    }
}

fn print(text: &str) -> Result<Exit, Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(Exit::Ok)
}

fn print_json(value: &impl Serialize) -> Result<Exit, Failure> {
    let text = serde_json::to_string_pretty(value).map_err(io::Error::from)?;
    print(&(text + "\n"))
}
