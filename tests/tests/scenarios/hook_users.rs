//! Hooks as somebody else's programs see them: who they are run as, what they are told, and when they are not run.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use heartbeat_tests::lab::cluster::PATIENCE;
use heartbeat_tests::lab::settings::{CLUSTER, Settings};

use crate::hooks::{does, file, notes, ran, scenario_by};
use crate::scene::{Scene, scenario_with};
use crate::services::may_be_master;

/// Run as a user that every system has, with what keepalived gives its notify scripts.
const NOTIFIED: Settings = Settings {
    more: Some(
        r#"
[hooks]
on_promote = ["{node}/notify", "-v"]
on_demote = ["{node}/notify", "-v"]
on_fault = ["{node}/notify", "-v"]
user = "nobody"
timeout = "2s"
arguments = "keepalived"
"#,
    ),
    ..Settings::DEFAULT
};

/// Notes its arguments, who it is and the environment that it was started with.
const NOTIFY: &str = r#"#!/bin/sh
node=${0%/*}
{
echo "arguments=$*"
sed -n 's/^\([UG]id\|Groups\):/\1=/p' /proc/$$/status
tr '\0' '\n' </proc/$$/environ
echo "end="
} >>"$node/seen"
test ! -e "$node/$HEARTBEATD_HOOK"
"#;

/// All three, and a failed one's node may soon be master again.
const TRUSTED: Settings = Settings {
    more: Some(
        r#"
[hooks]
on_promote = ["{node}/hook"]
on_demote = ["{node}/hook"]
on_fault = ["{node}/hook"]
timeout = "1s"
retry_after = "1s"
"#,
    ),
    ..Settings::DEFAULT
};

/// What somebody else puts in a hook's place.
const STOLEN: &str = "#!/bin/sh\ntouch ${0%/*}/stolen\n";

/// Why a node becomes master where all three run.
const VOTED: &str = "a majority of electors voted for this node";

/// What one hook noted: its arguments, its identity, its environment.
type Seen = BTreeMap<String, String>;

/// What each hook of a node noted, in their order.
fn seen(scene: &Scene, slot: u16) -> Vec<Seen> {
    let text = fs::read_to_string(file(scene, slot, "seen")).unwrap_or_default();
    let whole = text.split_inclusive("end=\n");
    let whole = whole.filter_map(|one| one.strip_suffix("end=\n"));
    let pairs = whole.map(|one| {
        let pairs = one.lines().filter_map(|line| line.split_once('='));
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        pairs
            .map(|(key, value)| (key.to_owned(), words(value)))
            .collect()
    });
    pairs.collect()
}

/// Waits until so many hooks of a node have noted what they saw, and returns the newest one's.
fn newest(scene: &Scene, slot: u16, count: usize) -> Result<Seen> {
    let what = format!("{count} hooks of slot {slot} were run");
    scene.cluster.wait_for(&what, PATIENCE, |_| {
        let mut seen = seen(scene, slot);
        (seen.len() == count).then(|| seen.pop())?
    })
}

/// Fails unless a hook in `slot` was run as nobody, told all this, and nothing else.
fn was_told(
    slot: u16,
    seen: &Seen,
    [hook, state, old, new, reason]: [&str; 5],
    epoch: (u64, u64),
) -> Result<()> {
    // The highest priority is a keepalived's own, the lowest slot's comes next.
    let priority = 255 - slot;
    let (id, slot) = (65_534, slot.to_string());
    let expected = [
        (
            "arguments",
            format!("-v INSTANCE {CLUSTER} {state} {priority}"),
        ),
        ("Uid", format!("{id} {id} {id} {id}")),
        ("Gid", format!("{id} {id} {id} {id}")),
        // Root's are gone, and those of the user are there: every Debian's nobody has this one.
        ("Groups", id.to_string()),
        ("HEARTBEATD_HOOK", hook.to_owned()),
        ("HEARTBEATD_CLUSTER", CLUSTER.to_owned()),
        ("HEARTBEATD_SLOT", slot),
        ("HEARTBEATD_OLD_ROLE", old.to_owned()),
        ("HEARTBEATD_NEW_ROLE", new.to_owned()),
        ("HEARTBEATD_REASON", reason.to_owned()),
        ("HEARTBEATD_EPOCH", (epoch.0 << 16 | epoch.1).to_string()),
    ];
    for (key, value) in &expected {
        ensure!(
            seen.get(*key) == Some(value),
            "{hook}: {key} is {value:?} in {seen:?}"
        );
    }
    // Besides those a path, and nothing of the daemon's own.
    let others = seen.len() - expected.len();
    ensure!(
        others == 1 && seen.contains_key("PATH"),
        "{hook} finds more in its environment: {seen:?}"
    );
    Ok(())
}

/// The epoch that all agree on.
fn epoch(scene: &Scene) -> Result<(u64, u64)> {
    scene.cluster.settle()?;
    scene.cluster.view().epoch().context("there is an epoch")
}

#[test]
fn they_are_run_as_the_user_that_is_named_and_told_who_became_what_and_why() {
    scenario_with("hook_as_a_user", NOTIFIED, |scene| {
        for slot in 1..=3 {
            let (script, seen) = (file(scene, slot, "notify"), file(scene, slot, "seen"));
            fs::write(&script, NOTIFY)?;
            set(&script, 0o755)?;
            fs::write(&seen, "")?;
            set(&seen, 0o666)?;
        }
        scene.cluster.start_all()?;
        scene.settle_on_1()?;
        let first = epoch(scene)?;
        let became = ["on_promote", "MASTER", "candidate", "master", VOTED];
        was_told(1, &newest(scene, 1, 1)?, became, first)?;

        // The machine may have let that slot come first.
        let count = seen(scene, 2).len();
        may_be_master(scene, 2)?;
        scene.cluster.switchover(1, Some(2))?;
        ensure!(scene.next_master(1)? == 2);
        let second = epoch(scene)?;
        let why = "switchover to slot 2";
        let became = ["on_demote", "BACKUP", "master", "slave", why];
        was_told(1, &newest(scene, 1, 2)?, became, first)?;
        let became = ["on_promote", "MASTER", "candidate", "master", VOTED];
        was_told(2, &newest(scene, 2, count + 1)?, became, second)?;

        does(scene, 3, "on_promote", "")?;
        let count = seen(scene, 3).len();
        may_be_master(scene, 3)?;
        scene.cluster.switchover(2, Some(3))?;
        scene.steps_down(3, "on_promote of this node did not succeed")?;
        newest(scene, 3, count + 3)?;
        let [promoted, fault, demoted] = &seen(scene, 3)[count..] else {
            unreachable!("three more were waited for")
        };
        let token: u64 = promoted["HEARTBEATD_EPOCH"].parse()?;
        let third = (token >> 16, token & 0xffff);
        ensure!(third.1 == 3 && third.0 > second.0, "{promoted:?}");
        let became = ["on_promote", "MASTER", "candidate", "master", VOTED];
        was_told(3, promoted, became, third)?;
        let why = "a service of this node is lost, or its promotion hook failed";
        let became = ["on_fault", "FAULT", "master", "master", why];
        was_told(3, fault, became, third)?;
        let why = "the hook on_promote of this node did not succeed";
        let became = ["on_demote", "BACKUP", "master", "slave", why];
        was_told(3, demoted, became, third)
    });
}

fn set(path: &Path, mode: u32) -> Result<()> {
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(mode))?)
}

/// How often a node's `on_promote` was run.
fn promotions(scene: &Scene, slot: u16) -> usize {
    let notes = notes(scene, slot);
    let promoted = notes.iter().filter(|note| note.starts_with("on_promote "));
    promoted.count()
}

#[test]
fn one_that_others_may_write_by_now_is_not_run_and_mastership_is_handed_on() {
    scenario_by("hook_untrusted", TRUSTED, |scene| {
        // The same file was run before, and is run again when it is root's alone.
        scene.cluster.switchover(1, Some(2))?;
        ran(scene, 2, "on_promote")?;
        ensure!(scene.cluster.settle()? == 2);
        may_be_master(scene, 1)?;
        scene.cluster.switchover(2, Some(1))?;
        ran(scene, 2, "on_demote")?;
        ensure!(scene.cluster.settle()? == 1);
        let (before, noted) = (promotions(scene, 2), notes(scene, 2).len());
        ensure!(before > 0);

        let hook = file(scene, 2, "hook");
        let own = fs::read_to_string(&hook)?;
        set(&hook, 0o757)?;
        fs::write(&hook, STOLEN)?;
        scene.cluster.switchover(1, Some(2))?;
        scene.steps_down(2, "on_promote of this node did not succeed")?;
        ensure!(scene.next_master(2)? == 1);
        let why = |view: &heartbeat_tests::lab::view::View| {
            view.of(2)?["not_electable"].as_str().map(str::to_owned)
        };
        ensure!(why(&scene.cluster.view()).as_deref() == Some("not_promoted"));
        for hook in ["on_promote", "on_fault", "on_demote"] {
            refused(scene, 2, hook)?;
        }
        ensure!(scene.told(2, "others could put their own program there") >= 3);
        ensure!(!file(scene, 2, "stolen").exists(), "another's program ran");
        ensure!(notes(scene, 2).len() == noted, "{:?}", notes(scene, 2));

        fs::write(&hook, own)?;
        set(&hook, 0o755)?;
        may_be_master(scene, 2)?;
        scene.cluster.switchover(1, Some(2))?;
        ran(scene, 2, "on_promote")?;
        ensure!(promotions(scene, 2) == before + 1);
        ensure!(scene.cluster.settle()? == 2);
        Ok(())
    });
}

/// Waits until a node's history says that this hook was not run, whose file others may write.
fn refused(scene: &Scene, slot: u16, hook: &str) -> Result<()> {
    let what = format!("slot {slot} has {hook} in its history, and why it was not run");
    scene.cluster.wait_for(&what, PATIENCE, |_| {
        let events = scene.events(slot).ok()?;
        let newest = events.iter().rfind(|event| event["hook"] == hook)?;
        let fault = newest["fault"].as_str()?;
        let says = ["was not run: ", "/hook belongs to user 0 and has mode 0757"];
        says.iter().all(|says| fault.contains(says)).then_some(())
    })
}
