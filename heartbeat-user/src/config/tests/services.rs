//! `[[service]]`: what is read, and what is refused.

use std::net::IpAddr;
use std::time::Duration;

use super::{GOOD, good, load_text};
use crate::config::service::{Check, Means, Network, On, Process};
use crate::config::{Config, Handovers};

pub(super) fn with(text: &str) -> Result<Config, String> {
    load_text(&format!("{GOOD}\n{text}"))
}

/// The report on one service with these lines.
fn report(lines: &str) -> String {
    with(&format!("[[service]]\n{lines}")).expect_err(lines)
}

#[test]
fn without_services_nothing_is_watched() {
    assert!(good().services.is_empty());
    assert_eq!(good().handovers, Handovers::DEFAULT);
}

#[test]
fn every_way_of_looking_is_read() {
    let config = with(
        r#"
[handovers]
most = 1
window = "1h"

[[service]]
name = "by-file"
process = { pid_file = "/run/a.pid" }
[[service]]
name = "by-name"
on = "master"
process = { name = "postgres" }
[[service]]
name = "by-unit"
process = { unit = "web.service" }
[[service]]
name = "port"
tcp = "127.0.0.1:80"
[[service]]
name = "page"
http = { url = "http://127.0.0.1:9870/jmx?a=b", status = 200, contains = "x", pointer = "/a/0", equals = "active" }
[[service]]
name = "program"
command = ["/usr/bin/true", "-a"]
user = "root"
interval = "5s"
timeout = "2s"
rise = 1
fall = 4
start_grace = "0s"
[service.recovery.master]
command = ["/usr/bin/systemctl", "restart", "a"]
attempts = 2
backoff = "2s"
within = "20s"
timeout = "3s"
[[service]]
name = "written"
file = { path = "/run/alive", max_age = "10s" }
[[service]]
name = "link"
link = "business"
[[service]]
name = "unit"
unit = { name = "a@b.service", state = { master = "active", slave = "inactive" } }
[service.recovery.master]
unit = "a@b.service"
[[service]]
name = "clients"
reference = ["203.0.113.254"]
"#,
    )
    .expect("all of it is known");
    let checks: Vec<_> = config.services.iter().map(|it| it.check.as_str()).collect();
    assert_eq!(
        checks,
        [
            "process",
            "process",
            "process",
            "tcp",
            "http",
            "command",
            "file",
            "link",
            "unit",
            "reference"
        ]
    );
    assert_eq!(
        (config.handovers.most, config.handovers.window.as_secs()),
        (1, 3_600)
    );
    let [
        _,
        by_name,
        by_unit,
        port,
        page,
        program,
        _,
        link,
        unit,
        clients,
    ] = &config.services[..]
    else {
        panic!("ten services");
    };
    assert_eq!(by_name.on, On::Master);
    assert_eq!(
        by_name.check,
        Check::Process(Process::Name("postgres".to_owned()))
    );
    assert_eq!(
        by_unit.check,
        Check::Process(Process::MainOf("web.service".to_owned()))
    );
    assert_eq!((port.pace.rise, port.pace.fall, port.on), (2, 2, On::Every));
    assert_eq!(port.pace.oldest_success(), Duration::from_secs(3));
    let Check::Http(page) = &page.check else {
        panic!("a page");
    };
    assert_eq!(
        (page.host.as_str(), page.path.as_str()),
        ("127.0.0.1:9870", "/jmx?a=b")
    );
    let equals = page.equals.as_ref().expect("written");
    assert_eq!(equals.0, "/a/0");
    assert!(!equals.1.differs());
    let Check::Command(command) = &program.check else {
        panic!("a program");
    };
    assert_eq!(command.user.as_ref().map(|user| user.uid), Some(0));
    assert_eq!(program.pace.oldest_success(), Duration::from_secs(25));
    let recovery = program.on_master.as_ref().expect("written");
    assert_eq!((recovery.plan.attempts, recovery.timeout.as_secs()), (2, 3));
    assert_eq!(program.on_slave, None);
    assert_eq!(link.check, Check::Link(Network::Business));
    assert!(unit.starts_anew());
    let recovery = unit.on_master.as_ref().expect("written");
    assert_eq!(recovery.means, Means::Unit("a@b.service".to_owned()));
    let device = IpAddr::from([203, 0, 113, 254]);
    assert_eq!(clients.check, Check::Reference(vec![device]));
}

#[test]
fn what_cannot_be_meant_is_refused_with_its_cure() {
    for (lines, words) in [
        ("tcp = \"127.0.0.1:80\"", "`name` is missing in [[service]]"),
        (
            "name = \"a b\"\ntcp = \"127.0.0.1:80\"",
            "cannot be a service's name",
        ),
        ("name = \"a\"", "nothing says how this service is looked at"),
        (
            "name = \"a\"\ntcp = \"127.0.0.1:80\"\nlink = \"business\"",
            "`link` and `tcp`: a service is looked at in one way",
        ),
        (
            "name = \"a\"\ntcp = \"localhost:80\"",
            "is no address with a port",
        ),
        ("name = \"a\"\ncommand = \"true\"", "are a list"),
        ("name = \"a\"\ncommand = []", "names no program"),
        (
            "name = \"a\"\ncommand = [\"true\"]",
            "a file by its whole path",
        ),
        (
            "name = \"a\"\ncommand = [\"/bin/true\"]\nuser = \"qqqqqqqq\"",
            "nobody is called qqqqqqqq",
        ),
        (
            "name = \"a\"\ntcp = \"127.0.0.1:80\"\nuser = \"root\"",
            "there is none",
        ),
        (
            "name = \"a\"\nprocess = {}",
            "its command name or by its systemd service",
        ),
        (
            "name = \"a\"\nprocess = { name = \"sixteen_letters_\" }",
            "has 1 to 15 bytes",
        ),
        (
            "name = \"a\"\nprocess = { unit = \"web.timer\" }",
            "only a service has one",
        ),
        (
            "name = \"a\"\nprocess = { name = \"a\", unit = \"web.service\" }",
            "by its command name or by its systemd service",
        ),
        (
            "name = \"a\"\nprocess = { pid_file = \"a\" }",
            "does not begin at the root",
        ),
        (
            "name = \"a\"\nhttp = { url = \"ftp://[::1]/\" }",
            "begin with http:// or https://",
        ),
        (
            "name = \"a\"\nhttp = { url = \"http://host/\" }",
            "names no IP address",
        ),
        (
            "name = \"a\"\nhttp = { url = \"http://[::1]/\", pointer = \"/a\" }",
            "belong together",
        ),
        (
            "name = \"a\"\nhttp = { url = \"http://[::1]/\", pointer = \"a\", equals = \"b\" }",
            "begins with /",
        ),
        (
            "name = \"a\"\nhttp = { url = \"http://[::1]/\", ca_file = \"/a\" }",
            "proves nothing by a certificate",
        ),
        (
            "name = \"a\"\nhttp = { url = \"https://[::1]/\", ca_file = \"/nowhere/ca.pem\" }",
            "cannot read /nowhere/ca.pem",
        ),
        (
            "name = \"a\"\nhttp = { url = \"https://[::1]/\", ca_file = \"ca.pem\" }",
            "does not begin at the root",
        ),
        (
            "name = \"a\"\nhttp = { url = \"https://[::1]/\", server_name = \"a b\" }",
            "is no name that a certificate can be for",
        ),
        (
            "name = \"a\"\nhttp = { url = \"http://[::1]/\", status = { master = 200 } }",
            "is not { master = VALUE, slave = VALUE }",
        ),
        (
            "name = \"a\"\nhttp = { url = \"http://[::1]/\", status = { master = 200, slave = 99 } }",
            "99 is no status",
        ),
        (
            "name = \"a\"\ntcp = \"[::1]:80\"\ninterval = \"9ms\"",
            "write 10ms to 1h",
        ),
        (
            "name = \"a\"\ntcp = \"[::1]:80\"\ntimeout = \"11m\"",
            "write 1ms to 10m",
        ),
        (
            "name = \"a\"\ntcp = \"[::1]:80\"\nfall = 0",
            "is no number of checks",
        ),
        (
            "name = \"a\"\ntcp = \"[::1]:80\"\n[service.recovery.master]\nattempts = 1",
            "nothing says what brings the service back",
        ),
        (
            "name = \"a\"\ntcp = \"[::1]:80\"\n[service.recovery.master]\nunit = \"a.service\"\ncommand = [\"/bin/true\"]",
            "`command` and `unit`: one of them",
        ),
        (
            "name = \"a\"\ntcp = \"[::1]:80\"\n[service.recovery.master]\nunit = \"a.service\"\nuser = \"root\"",
            "a unit says so itself",
        ),
        (
            "name = \"a\"\nunit = { name = \"nginx\" }",
            "is no unit's whole name",
        ),
        (
            "name = \"a\"\nunit = { name = \"a b.service\" }",
            "is no unit's whole name",
        ),
        (
            "name = \"a\"\nunit = { name = \"a.service\", state = \"failed\" }",
            "write \"active\" or \"inactive\"",
        ),
        ("name = \"a\"\nreference = []", "0 references"),
        (
            "name = \"a\"\nreference = [\"203.0.113.1\"]",
            "is the cluster's own address",
        ),
        (
            "name = \"a\"\nreference = [\"2001:db8::1\"]",
            "the business network speaks",
        ),
        (
            "name = \"a\"\ntcp = \"[::1]:80\"\n[service.recovery.witness]\nattempts = 1",
            "unknown key `witness` in [service.recovery]",
        ),
        (
            "name = \"a\"\ntcp = \"[::1]:80\"\n[[service]]\nname = \"a\"\ntcp = \"[::1]:80\"",
            "two services are called a",
        ),
    ] {
        let report = report(lines);
        assert!(report.contains(words), "{words:?} is missing in: {report}");
    }
}

#[test]
fn the_digest_sees_the_pace_and_not_what_is_looked_at() {
    let digest = |lines: &str| {
        let config = with(&format!("[[service]]\nname = \"a\"\n{lines}"));
        config.expect(lines).digest
    };
    let tcp = digest("tcp = \"127.0.0.1:80\"");
    assert_ne!(tcp, good().digest);
    assert_eq!(tcp, digest("tcp = \"127.0.0.1:81\""));
    assert_ne!(tcp, digest("tcp = \"127.0.0.1:80\"\nfall = 5"));
    assert_ne!(tcp, digest("tcp = \"127.0.0.1:80\"\non = \"master\""));
}
