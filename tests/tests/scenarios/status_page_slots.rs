//! The status page says in words who bears the address of a slot that the master takes over.

use anyhow::Result;
use heartbeat_tests::client::browser::Browser;
use heartbeat_tests::lab::addresses::{Family, Network};
use heartbeat_tests::lab::settings::Settings;

use crate::killed::Killed;
use crate::scene::{Scene, scenario_with};
use crate::status_page::{PAGE, PATIENCE, PORT, no_complaints};
use crate::takeover::{OWNER, at_home};

/// What stands of the address: its words, and the shape before them.
const SAYS: &str = "const it = document.querySelector('#addresses li'); \
                    return it.innerText.includes('{words}') && it.querySelector('.shape').classList.contains('{shape}')";

#[test]
fn the_page_says_who_bears_a_slots_address_and_what_became_of_it() {
    let settings = Settings {
        detect_multiplier: 10,
        takeover_of: Some(OWNER),
        more: Some(PAGE),
        ..Settings::default()
    };
    scenario_with("status_page_slots", settings, |scene| {
        scene.cluster.start_all()?;
        scene.settle_on_1()?;
        at_home(scene)?;
        play(scene)
    });
}

fn play(scene: &mut Scene) -> Result<()> {
    let lab = scene.cluster.lab();
    let mut browser = Browser::start(lab.topology().client(), lab.folder())?;
    let masters = Network::Business.address_of(Family::V4, 1);
    browser.open(&format!("http://{masters}:{PORT}/"))?;
    says(
        &mut browser,
        "borne by n3 itself, whose lease lasts",
        "disc",
    )?;
    Killed::Node.kill(scene, OWNER)?;
    says(
        &mut browser,
        "borne by n1, the master, in place of n3",
        "triangle",
    )?;
    Killed::Node.heal(scene, OWNER)?;
    says(
        &mut browser,
        "borne by n3 itself, whose lease lasts",
        "disc",
    )?;
    for change in ["taken over", "given back"] {
        let line = format!("the addresses of slot 3 (n3): {change}");
        let told = "return document.getElementById('events').innerText.includes('{line}')";
        browser.wait_for(&told.replace("{line}", &line), PATIENCE)?;
    }
    // Who is neither the slot's node nor master does not guess.
    let others = Network::Business.address_of(Family::V4, 2);
    browser.open(&format!("http://{others}:{PORT}/"))?;
    says(
        &mut browser,
        "borne by n3, or by the master in its place: the master knows",
        "ring",
    )?;
    no_complaints(&mut browser)
}

fn says(browser: &mut Browser, words: &str, shape: &str) -> Result<()> {
    let script = SAYS.replace("{words}", words).replace("{shape}", shape);
    browser.wait_for(&script, PATIENCE).map(drop)
}
