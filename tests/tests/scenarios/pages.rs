//! Pages that prove who answers them, and that look different by role.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};
use heartbeat_tests::client::web::{CERTIFICATE, KEY, PAGE};
use heartbeat_tests::lab::cluster::PATIENCE;
use heartbeat_tests::lab::settings::Settings;
use heartbeat_user::sys::clock::boot_ns;
use nix::sys::signal::Signal;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};

use crate::scene::{Scene, moved_once, scenario_with};
use crate::services::{is, service, signal, start};

/// A page that only a server of the authority answers.
const SECURED: &str = r#"
[[service]]
name = "web"
http = { url = "https://127.0.0.1:8080/", ca_file = "{node}/ca.pem", server_name = "web.example", contains = "ok" }
interval = "300ms"
"#;

/// What a NameNode tells of itself, and hooks that move it; that of slot 3 may be told to leave it as it is.
const BY_ROLE: &str = r#"
[[service]]
name = "namenode"
http = { url = "http://127.0.0.1:8080/jmx", pointer = "/beans/0/State", equals = { master = "active", slave = "standby" } }
interval = "100ms"
start_grace = "2s"
[hooks]
on_promote = ["{node}/hook"]
on_demote = ["{node}/hook"]
timeout = "2s"
"#;

/// Tells its page's state, as a NameNode that a transition command was sent to.
const HOOK: &str = r#"#!/bin/sh
node=${0%/*}
test ! -e "$node/stuck" || exit 0
state=standby
test "$HEARTBEATD_HOOK" = on_demote || state=active
echo "{\"beans\":[{\"State\":\"$state\"}]}" >"$node/page.new"
mv "$node/page.new" "$node/page"
"#;
const STANDBY: &str = r#"{"beans":[{"State":"standby"}]}"#;

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Result<Self> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        Ok(Self(issuer))
    }

    /// Lays down what a node's page proves itself by, until that year.
    fn certify(&self, folder: &Path, until: i32) -> Result<()> {
        let mut params = CertificateParams::new(vec!["web.example".to_owned()])?;
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate()?;
        fs::write(
            folder.join(CERTIFICATE),
            params.signed_by(&key, &self.0)?.pem(),
        )?;
        fs::write(folder.join(KEY), key.serialize_pem())?;
        Ok(fs::write(folder.join("ca.pem"), self.0.pem())?)
    }
}

#[test]
fn a_page_whose_certificate_has_expired_is_lost_and_says_why() {
    let settings = Settings {
        more: Some(SECURED),
        ..Settings::default()
    };
    scenario_with("page_secured", settings, |scene| {
        let authority = Authority::new()?;
        let folder = |scene: &Scene, slot| scene.cluster.daemon(slot).folder().to_owned();
        for slot in 1..=3 {
            authority.certify(&folder(scene, slot), 2100)?;
            start(scene, slot)?;
        }
        scene.cluster.start_all()?;
        scene.settle_on_1()?;
        for slot in 1..=3 {
            is(scene, slot, "healthy")?;
        }
        authority.certify(&folder(scene, 1), 2001)?;
        let fault_ns = boot_ns();
        signal(scene, 1, Signal::SIGKILL)?;
        start(scene, 1)?;
        ensure!(scene.next_master(1)? == 2);
        scene
            .cluster
            .wait_for("the certificate is named", PATIENCE, |view| {
                let fault = view.of(1)?["services"][0]["fault"].as_str()?.to_owned();
                fault
                    .starts_with("the certificate of 127.0.0.1:8080 expired at 2001-01-01")
                    .then_some(())
            })?;
        sleep(Duration::from_millis(200));
        moved_once(
            &scene.sight(fault_ns)?,
            1,
            2,
            scene.cluster.settings().lease(),
        )?;
        authority.certify(&folder(scene, 1), 2100)?;
        signal(scene, 1, Signal::SIGKILL)?;
        start(scene, 1)?;
        is(scene, 1, "healthy")
    });
}

/// Runs a scenario in a cluster of three whose pages tell their state, and which has settled.
fn by_role(name: &str, play: impl Fn(&mut Scene) -> Result<()>) {
    let settings = Settings {
        more: Some(BY_ROLE),
        ..Settings::default()
    };
    scenario_with(name, settings, |scene| {
        for slot in 1..=3 {
            let folder = scene.cluster.daemon(slot).folder().to_owned();
            let hook = folder.join("hook");
            fs::write(&hook, HOOK)?;
            fs::set_permissions(&hook, fs::Permissions::from_mode(0o755))?;
            fs::write(folder.join(PAGE), STANDBY)?;
            start(scene, slot)?;
        }
        scene.cluster.start_all()?;
        scene.settle_on_1()?;
        for slot in 1..=3 {
            is(scene, slot, "healthy")?;
        }
        play(scene)
    });
}

#[test]
fn a_page_that_follows_the_role_is_well_on_both_sides_of_a_switchover() {
    by_role("page_by_role", |scene| {
        let fault_ns = boot_ns();
        scene.cluster.switchover(1, Some(2))?;
        ensure!(scene.cluster.settle()? == 2);
        is(scene, 1, "healthy")?;
        is(scene, 2, "healthy")?;
        sleep(Duration::from_millis(300));
        let moves = scene.moves(fault_ns)?;
        ensure!(moves.len() == 1, "{moves:?}");
        scene.quiet()
    });
}

#[test]
fn a_service_that_answers_in_the_wrong_state_hands_mastership_on_and_is_no_successor() {
    by_role("page_in_the_wrong_state", |scene| {
        fs::write(scene.cluster.daemon(2).folder().join("stuck"), "")?;
        scene.cluster.switchover(1, Some(2))?;
        let back = scene.next_master(2)?;
        scene.steps_down(2, "its recovery did not help")?;
        // Nothing promoted it, so standby is what it has to be again.
        is(scene, 2, "healthy")?;
        // An answer in the wrong state makes a slave no successor, though its process works.
        let wrong = 6 - 2 - back;
        let page = scene.cluster.daemon(wrong).folder().join(PAGE);
        fs::write(&page, STANDBY.replace("standby", "active"))?;
        is(scene, wrong, "lost")?;
        let shown = service(scene, wrong)?;
        ensure!(
            shown["fault"] == "/beans/0/State is \"active\", not \"standby\"",
            "{shown}"
        );
        scene.diagnosed(back, wrong, "service_fault")?;
        scene
            .cluster
            .wait_for("slot 2 is the successor", PATIENCE, |view| {
                (view.of(back)?["successor_slot"] == 2).then_some(())
            })
    });
}
