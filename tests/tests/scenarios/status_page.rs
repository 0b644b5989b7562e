//! The status page in a browser on the business network, while nodes die under it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use heartbeat_tests::client::browser::Browser;
use heartbeat_tests::lab::addresses::{Family, Network};
use heartbeat_tests::lab::settings::Settings;
use heartbeat_user::sys::clock::wall_ns;
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::killed::Killed;
use crate::scene::{Scene, scenario_in};

pub(crate) const PAGE: &str = "\n[http]\nlisten = \"business:7480\"\n";
pub(crate) const PORT: u16 = 7480;

/// How long the page may take to show that a node is dead, or another the master.
pub(crate) const SHOWN: Duration = Duration::from_secs(1);
/// How long to wait for anything else; far above what it takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);
/// So long after the node's last word the page says that it hears nothing, and not later.
const SILENCE: Duration = Duration::from_secs(5);

pub(crate) const ESCAPE: char = '\u{e00c}';
pub(crate) const ENTER: char = '\u{e007}';
const RIGHT: char = '\u{e014}';

/// Notes in the browser, by the machine's clock, when each member's look and the headline became another.
pub(crate) const WATCH: &str = r"
  window.noted = {};
  const note = () => {
    for (const cell of document.querySelectorAll('#members li')) {
      const key = `${cell.id} ${cell.classList.contains('bad') ? 'bad' : 'fine'}`;
      window.noted[key] ??= Date.now();
    }
    window.noted[document.getElementById('headline').textContent] ??= Date.now();
    if (!document.getElementById('lost').hidden) window.noted.lost ??= Date.now();
  };
  note();
  new MutationObserver(note).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
";

#[test]
fn a_node_that_dies_is_shown_within_a_second_and_the_page_at_the_virtual_address_follows_the_master()
 {
    let settings = Settings {
        // A browser that starts takes every processor; a lease of 100 ms outlasts what the machine then lacks.
        detect_multiplier: 10,
        more: Some(PAGE),
        ..Settings::default()
    };
    scenario_in("status_page", settings, play);
}

fn play(scene: &mut Scene) -> Result<()> {
    let lab = scene.cluster.lab();
    let mut browser = Browser::start(lab.topology().client(), lab.folder())?;
    let address = scene.cluster.settings().virtual_address();
    browser.open(&format!("http://{address}:{PORT}/"))?;
    headline(&mut browser, "n1 is master")?;
    all_answer(&mut browser)?;
    it_fits(&mut browser)?;
    by_keys(&mut browser)?;
    a_slave_dies(scene, &mut browser)?;
    mastership_is_handed_on(scene, &mut browser)?;
    the_master_dies(scene, &mut browser)?;
    a_daemon_hangs(scene, &mut browser)?;
    no_complaints(&mut browser)
}

/// Fails if the page reported an error; what could not be loaded while a node was dead is no fault of it.
pub(crate) fn no_complaints(browser: &mut Browser) -> Result<()> {
    let complaints = browser.complaints()?;
    let faults = complaints.iter().filter(|line| !line.contains("net::ERR"));
    let faults: Vec<_> = faults.collect();
    ensure!(faults.is_empty(), "the page complains: {faults:?}");
    Ok(())
}

pub(crate) fn headline(browser: &mut Browser, text: &str) -> Result<()> {
    let script = format!("return document.getElementById('headline').textContent === '{text}'");
    browser.wait_for(&script, PATIENCE).map(drop)
}

pub(crate) fn all_answer(browser: &mut Browser) -> Result<()> {
    let script = "return document.getElementById('tally').textContent === 'all 3 answer'";
    browser.wait_for(script, PATIENCE).map(drop)
}

fn seen_from(browser: &mut Browser, name: &str) -> Result<()> {
    let script = format!(
        "return document.getElementById('seen-from').textContent === '{name}' && !document.body.classList.contains('stale')"
    );
    browser.wait_for(&script, PATIENCE).map(drop)
}

/// Nothing has to be scrolled sideways, on a telephone as on a wall.
fn it_fits(browser: &mut Browser) -> Result<()> {
    for (width, height) in [(360, 740), (1600, 1000)] {
        for is_dark in [false, true] {
            browser.look(width, height, is_dark)?;
            let fits = browser.run("return document.documentElement.scrollWidth <= innerWidth")?;
            ensure!(
                fits == Value::Bool(true),
                "at {width} pixels it does not fit"
            );
        }
    }
    Ok(())
}

/// A member is chosen and looked at closely without a mouse.
fn by_keys(browser: &mut Browser) -> Result<()> {
    browser.run("document.querySelector('#members button').focus()")?;
    browser.press(RIGHT)?;
    browser.press(ENTER)?;
    let counted = "const it = document.getElementById('detail'); return it.open && it.querySelectorAll('figure rect').length > 0 && it.innerText";
    let text = browser.wait_for(counted, PATIENCE)?;
    for part in ["n2", "newest answer", "Round trips", "reply counted"] {
        ensure!(
            text.as_str().is_some_and(|text| text.contains(part)),
            "no {part:?}: {text}"
        );
    }
    browser.press(ESCAPE)?;
    browser.wait_for("return !document.getElementById('detail').open", PATIENCE)?;
    Ok(())
}

fn a_slave_dies(scene: &mut Scene, browser: &mut Browser) -> Result<()> {
    browser.run(WATCH)?;
    let killed_ms = wall_ns() / 1_000_000;
    Killed::Node.kill(scene, 3)?;
    let took = took(browser, "slot-3 bad", killed_ms)?;
    println!("a slave's death was shown after {took:?}");
    ensure!(took < SHOWN, "it was shown only after {took:?}");
    let alarm = "return document.getElementById('alarms').innerText.includes('slot 3 (n3)')";
    browser.wait_for(alarm, PATIENCE)?;
    pictures(browser)?;
    Killed::Node.heal(scene, 3)?;
    all_answer(browser)
}

/// The figures of the docs, written anew if somebody asks for it (HEARTBEAT_BLESS).
fn pictures(browser: &mut Browser) -> Result<()> {
    for (name, size, is_dark) in [
        ("page-light.png", (1200, 900), false),
        ("page-dark.png", (1200, 900), true),
        ("page-narrow.png", (360, 900), true),
    ] {
        browser.run("scrollTo(0, 0); document.activeElement.blur()")?;
        picture(browser, name, size, is_dark)?;
    }
    browser.run("document.querySelector('#slot-2 button').click()")?;
    browser.wait_for(
        "return document.querySelectorAll('#detail rect').length > 0",
        PATIENCE,
    )?;
    picture(browser, "page-node.png", (1200, 1100), false)?;
    browser.press(ESCAPE)
}

/// One of them, in a window of that size.
pub(crate) fn picture(
    browser: &mut Browser,
    name: &str,
    (width, height): (u32, u32),
    is_dark: bool,
) -> Result<()> {
    if std::env::var_os("HEARTBEAT_BLESS").is_none() {
        return Ok(());
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/figures");
    browser.look(width, height, is_dark)?;
    browser.picture(&folder.join(name))
}

fn mastership_is_handed_on(scene: &Scene, browser: &mut Browser) -> Result<()> {
    browser.run(WATCH)?;
    let ordered_ms = wall_ns() / 1_000_000;
    scene.cluster.switchover(1, Some(2))?;
    let took = took(browser, "n2 is master", ordered_ms)?;
    println!("a switchover was shown after {took:?}");
    // The address has moved, so it is the new master that tells.
    seen_from(browser, "n2")?;
    all_answer(browser)?;
    let list = "return document.getElementById('masterships').innerText";
    let list = browser.run(list)?;
    let list = list.as_str().context("a text")?;
    let (newer, older) = (list.find("n2"), list.find("n1"));
    ensure!(
        newer.is_some() && newer < older,
        "the last masterships: {list}"
    );
    // What happened names members as people do, and its times as UTC where the pointer rests.
    let told = "return document.getElementById('events').innerText.includes('slot 1 (n1) handed over') \
                && document.querySelector('#events .when').title.endsWith('Z')";
    browser.wait_for(told, PATIENCE)?;
    Ok(())
}

fn the_master_dies(scene: &mut Scene, browser: &mut Browser) -> Result<()> {
    browser.run(WATCH)?;
    let killed_ms = wall_ns() / 1_000_000;
    Killed::Node.kill(scene, 2)?;
    let next = scene.next_master(2)?;
    let name = format!("n{next}");
    let took = took(browser, &format!("{name} is master"), killed_ms)?;
    println!("the page at the virtual address followed a master's death after {took:?}");
    seen_from(browser, &name)?;
    Killed::Node.heal(scene, 2)?;
    all_answer(browser)
}

/// A page that hears nothing says so, and for how long, and shows the present again by itself.
fn a_daemon_hangs(scene: &Scene, browser: &mut Browser) -> Result<()> {
    let own = Network::Business.address_of(Family::V4, 3);
    browser.open(&format!("http://{own}:{PORT}/"))?;
    seen_from(browser, "n3")?;
    browser.run(WATCH)?;
    let hung_ms = wall_ns() / 1_000_000;
    scene.cluster.daemon(3).signal(Signal::SIGSTOP)?;
    let took = took(browser, "lost", hung_ms)?;
    let says = browser.run("return document.getElementById('lost').textContent")?;
    let is_dim =
        browser.run("return getComputedStyle(document.getElementById('main')).opacity < 1")?;
    scene.cluster.daemon(3).signal(Signal::SIGCONT)?;
    println!("silence was shown after {took:?}: {says}");
    ensure!(took < SILENCE, "it was shown only after {took:?}");
    let says = says.as_str().unwrap_or_default();
    for part in ["No word from n3.", "This page shows what was"] {
        ensure!(says.contains(part), "no {part:?}: {says}");
    }
    ensure!(
        is_dim == Value::Bool(true),
        "what is old looks like what is new"
    );
    browser.wait_for("return document.getElementById('lost').hidden", PATIENCE)?;
    seen_from(browser, "n3")
}

/// How long after `from_ms` of the wall clock the browser noted that.
pub(crate) fn took(browser: &mut Browser, what: &str, from_ms: u64) -> Result<Duration> {
    let script = format!("return window.noted['{what}'] ?? null");
    let at = browser.wait_for(&script, PATIENCE)?;
    let at = at.as_u64().context("a time")?;
    Ok(Duration::from_millis(at.saturating_sub(from_ms)))
}
