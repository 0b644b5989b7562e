//! Programs that the daemon is to run: a file by its whole path, and somebody who is known here.

use std::path::Path;

use toml::Spanned;

use crate::config::fault::Fault;
use crate::config::file::Value;
use crate::config::{Program, User};
use crate::exec::check_trust;

/// `None` only together with a fault.
pub(super) fn program(
    words: &Spanned<Vec<String>>,
    user: &Value<String>,
    faults: &mut Vec<Fault>,
) -> Option<Program> {
    let is_file = (words.get_ref().first()).is_some_and(|file| Path::new(file).is_absolute());
    if !is_file {
        let cause = "a program is a file by its whole path, and no line for a shell";
        let cure = "write a list: [\"/usr/bin/program\", \"argument\"]";
        faults.push(Fault::new(words.span(), cause, cure));
    }
    let user = match user {
        Some(name) => Some(known(name, faults)?),
        None => None,
    };
    is_file.then(|| Program {
        words: words.get_ref().clone(),
        user,
    })
}

/// A program that moves mastership or follows it: nobody but root may be able to change it. `None` only together with a
/// fault.
pub(super) fn trusted(
    words: &Spanned<Vec<String>>,
    user: &Value<String>,
    faults: &mut Vec<Fault>,
) -> Option<Program> {
    let program = program(words, user, faults)?;
    if let Err(error) = check_trust(program.words[0].as_ref()) {
        faults.push(Fault::new(words.span(), error.to_string(), error.cure()));
        return None;
    }
    Some(program)
}

fn known(name: &Spanned<String>, faults: &mut Vec<Fault>) -> Option<User> {
    let name_there = name.get_ref();
    match nix::unistd::User::from_name(name_there) {
        Ok(Some(user)) => Some(User {
            name: name_there.clone(),
            uid: user.uid.as_raw(),
            gid: user.gid.as_raw(),
        }),
        Ok(None) | Err(_) => {
            let cause = format!("nobody is called {name_there} on this machine");
            let cure = "name a user of every node: `getent passwd` lists them";
            faults.push(Fault::new(name.span(), cause, cure));
            None
        }
    }
}
