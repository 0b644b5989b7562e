//! Wrong usage is told apart from every other failure.

use heartbeat_wire::maps::LAYOUT;

use crate::{is_built, run};

#[test]
fn wrong_usage_exits_with_2_and_names_the_mistake() {
    if !is_built("wrong_usage", "heartbeatctl") {
        return;
    }
    for (arguments, named) in [
        (&[][..], "Usage: heartbeatctl"),
        (&["explode"], "explode"),
        (&["status", "--jason"], "--json"),
        (&["switchover", "--to", "0"], "1..=10000"),
        (&["switchover", "--to", "n2"], "n2"),
        (&["replay"], "<FILE>"),
        (&["maintenance"], "<STATE>"),
        (&["maintenance", "maybe"], "on, off"),
    ] {
        let ran = run("heartbeatctl", arguments);
        assert_eq!(ran.code, Some(2), "{arguments:?}: {ran:?}");
        assert!(ran.err.contains(named), "{arguments:?}: {ran:?}");
    }
}

#[test]
fn help_names_every_command_and_exit_code() {
    if !is_built("help_names", "heartbeatctl") {
        return;
    }
    let ran = run("heartbeatctl", &["--help"]);
    assert_eq!(ran.code, Some(0));
    for word in [
        "status",
        "top",
        "explain",
        "history",
        "switchover",
        "maintenance",
        "maps",
        "keygen",
        "replay",
        "detach",
    ] {
        assert!(
            ran.out.contains(&format!("\n  {word} ")),
            "{word}: {}",
            ran.out
        );
    }
    let text = ran.out.split_whitespace().collect::<Vec<_>>().join(" ");
    for code in [
        "4 `status` knows no master",
        "69 the daemon",
        "77 no permission",
        "78 the conf",
    ] {
        assert!(text.contains(code), "{code}: {text}");
    }
}

#[test]
fn both_programs_tell_the_packages_version() {
    for name in ["heartbeatctl", "heartbeatd"] {
        if !is_built("both_programs_tell", name) {
            return;
        }
        let ran = run(name, &["-V"]);
        assert_eq!(ran.out, format!("{name} {}\n", env!("CARGO_PKG_VERSION")));
    }
}

#[test]
fn the_daemon_tells_its_map_layout_beside_its_version() {
    if !is_built("the_daemon_tells", "heartbeatd") {
        return;
    }
    let ran = run("heartbeatd", &["--version"]);
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        ran.out,
        format!("heartbeatd {version}\nmap layout {LAYOUT}\n")
    );
}

#[test]
fn top_without_a_terminal_exits_with_2_and_names_status() {
    if !is_built("top_without", "heartbeatctl") {
        return;
    }
    let ran = run("heartbeatctl", &["top"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{ran:?}");
    assert!(ran.err.contains("`heartbeatctl status`"), "{ran:?}");
}
