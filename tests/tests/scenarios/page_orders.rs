//! Orders given on the status page: over TLS, by its token, and by nobody else.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use heartbeat_tests::client::browser::Browser;
use heartbeat_tests::lab::settings::Settings;
use heartbeat_user::sys::clock::wall_ns;
use serde_json::Value;

use crate::killed::Killed;
use crate::scene::{Scene, scenario_with};
use crate::status_page::{
    ENTER, ESCAPE, PATIENCE, PORT, SHOWN, WATCH, all_answer, headline, picture, took,
};

const PAGE: &str = r#"
[http]
listen = "business:7480"
access = "token"
certificate = "page.crt"
private_key = "page.key"
token_file = "token"
"#;
const TOKEN: &str = "correct-horse-battery-staple";
const TAB: char = '\u{e004}';
/// What is to be seen by nobody without the token.
const SECRETS: [&str; 4] = ["n1", "n2", "Members", "is master"];

/// Orders mastership to slot 1 by the address in the first place, with the lines in the second; says what came of it.
const ORDER: &str = r#"
  return fetch('{address}/api/v1/switchover', {
    method: 'POST', mode: '{mode}', credentials: 'include', headers: {lines}, body: '{"to": 1}', signal: AbortSignal.timeout(3000),
  }).then((it) => it.status, () => 'failed');
"#;

#[test]
fn the_page_hands_mastership_over_for_who_has_the_token_and_no_other_site_does() {
    let settings = Settings {
        // A browser that starts takes every processor; a lease of 100 ms outlasts what the machine then lacks.
        detect_multiplier: 10,
        more: Some(PAGE),
        ..Settings::default()
    };
    scenario_with("page_orders", settings, |scene| {
        for slot in 1..=3 {
            lay_down(scene.cluster.daemon(slot).folder(), &address(scene))?;
        }
        scene.cluster.start_all()?;
        scene.settle_on_1()?;
        sleep(Duration::from_millis(200));
        play(scene)
    });
}

/// The certificate vouches for itself: the browser is told to believe it.
fn lay_down(folder: &Path, address: &str) -> Result<()> {
    let made = rcgen::generate_simple_self_signed(vec![address.to_owned()])?;
    fs::write(folder.join("page.crt"), made.cert.pem())?;
    for (name, text) in [
        ("page.key", made.signing_key.serialize_pem()),
        ("token", TOKEN.to_owned()),
    ] {
        fs::write(folder.join(name), text)?;
        fs::set_permissions(folder.join(name), Permissions::from_mode(0o600))?;
    }
    Ok(())
}

fn address(scene: &Scene) -> String {
    scene.cluster.settings().virtual_address().to_string()
}

fn play(scene: &mut Scene) -> Result<()> {
    let lab = scene.cluster.lab();
    let mut browser = Browser::start(lab.topology().client(), lab.folder())?;
    browser.open(&format!("https://{}:{PORT}/", address(scene)))?;
    only_the_token_opens_it(&mut browser)?;
    headline(&mut browser, "n1 is master")?;
    all_answer(&mut browser)?;
    mastership_is_handed_to_2(&mut browser)?;
    no_other_site_orders(scene, &mut browser)?;
    an_order_is_refused(scene, &mut browser)?;
    it_is_forgotten(&mut browser)
}

fn only_the_token_opens_it(browser: &mut Browser) -> Result<()> {
    asks(browser, "token is needed")?;
    // There is no way round the question.
    browser.press(ESCAPE)?;
    browser.write("another-horse-another-staple")?;
    browser.press(ENTER)?;
    asks(browser, "not the token")?;
    browser.write(TOKEN)?;
    browser.press(ENTER)
}

/// Waits until the page asks for the token for that reason, and sees that it shows nothing else and keeps nothing.
fn asks(browser: &mut Browser, why: &str) -> Result<()> {
    let asked = format!(
        "return document.getElementById('token-box')?.open \
         && document.getElementById('token-why').textContent.includes('{why}') && document.body.innerText"
    );
    let text = browser.wait_for(&asked, PATIENCE)?;
    let text = text.as_str().context("a text")?;
    ensure!(
        text.contains("asks for its token"),
        "the question is not seen: {text}"
    );
    for secret in SECRETS {
        ensure!(!text.contains(secret), "without the token: {text}");
    }
    let kept = browser
        .run("return sessionStorage.length + localStorage.length + document.cookie.length")?;
    ensure!(kept == 0, "something is kept");
    Ok(())
}

/// Opens the member in that slot, and begins to make it master; all of it by keys.
fn begin(browser: &mut Browser, slot: u16) -> Result<()> {
    browser.run(&format!(
        "document.querySelector('#slot-{slot} button').focus()"
    ))?;
    browser.press(ENTER)?;
    let offered = "const it = document.querySelector('#detail [data-order=switchover]'); it?.focus(); return it !== null";
    browser.wait_for(offered, PATIENCE)?;
    browser.press(ENTER)?;
    let asked = "const it = document.getElementById('order-box'); return it.open && it.innerText";
    let asked = browser.wait_for(asked, PATIENCE)?;
    let asked = asked.as_str().context("a text")?;
    let to = format!("hands mastership to slot {slot} (n{slot})");
    for part in ["In cluster lab", &to] {
        ensure!(asked.contains(part), "no {part:?}: {asked}");
    }
    // What has the focus changes nothing.
    let first = browser.run("return document.activeElement.textContent")?;
    ensure!(first == "Change nothing", "{first} has the focus");
    browser.press(TAB)
}

/// How the order ended, by the page's word.
fn ended(browser: &mut Browser, begin: &str) -> Result<String> {
    let script = format!(
        "const it = document.getElementById('order-outcome').textContent; return it.startsWith('{begin}') && it"
    );
    let said = browser.wait_for(&script, PATIENCE)?;
    // Both boxes are closed.
    browser.press(ESCAPE)?;
    browser.press(ESCAPE)?;
    Ok(said.as_str().unwrap_or_default().to_owned())
}

fn mastership_is_handed_to_2(browser: &mut Browser) -> Result<()> {
    begin(browser, 2)?;
    picture(browser, "page-order.png", (1200, 640), false)?;
    browser.run(WATCH)?;
    let ordered_ms = wall_ns() / 1_000_000;
    browser.press(ENTER)?;
    let took = took(browser, "n2 is master", ordered_ms)?;
    let said = ended(browser, "Done:")?;
    println!("an order was shown after {took:?}: {said}");
    ensure!(took < SHOWN, "shown after {took:?}");
    ensure!(said.contains("slot 2 (n2)"), "{said}");
    all_answer(browser)?;
    // Some browsers send it again to the next master, which refuses it: it is for slot 1.
    quiet(browser, &["status of 401", "status of 412", "net::ERR"])
}

/// Fails if the page complains of anything but these.
fn quiet(browser: &mut Browser, expected: &[&str]) -> Result<()> {
    let mut complaints = browser.complaints()?;
    complaints.retain(|line| expected.iter().all(|part| !line.contains(part)));
    ensure!(complaints.is_empty(), "the page complains: {complaints:?}");
    Ok(())
}

/// Fails unless the browser says of an answer, which the page's server must have given then, that it withholds it.
fn complains(browser: &mut Browser, of: &str) -> Result<()> {
    let complaints = browser.complaints()?;
    let is_told = complaints.iter().any(|line| line.contains(of));
    ensure!(is_told, "no {of:?}: {complaints:?}");
    Ok(())
}

/// Another site can send an order without its token, and none with it; the page itself sends it with the token only.
fn no_other_site_orders(scene: &mut Scene, browser: &mut Browser) -> Result<()> {
    let page = format!("https://{}:{PORT}", address(scene));
    let order = |browser: &mut Browser, mode: &str, lines: &str| -> Result<Value> {
        let script = ORDER.replace("{address}", &page).replace("{mode}", mode);
        browser.run(&script.replace("{lines}", lines))
    };
    let typed = "'Content-Type': 'application/json'";
    let with_token = format!("{{{typed}, 'Authorization': 'Bearer {TOKEN}'}}");
    scene.cluster.settle()?;
    let calm = scene.calm()?;
    browser.open("about:blank")?;
    let plain = order(browser, "no-cors", "{}")?;
    ensure!(plain == "failed", "another site was answered: {plain}");
    complains(browser, "NotSameOrigin")?;
    let other = order(browser, "cors", &with_token)?;
    ensure!(other == "failed", "another site read an answer: {other}");
    complains(browser, "CORS policy")?;
    browser.open(&page)?;
    headline(browser, "n2 is master")?;
    let untold = order(browser, "same-origin", &format!("{{{typed}}}"))?;
    ensure!(untold == 401, "without the token: {untold}");
    scene.stayed(&calm)?;
    // The same with the token is carried out, so those could have been. Its answer is lost with the address.
    order(browser, "same-origin", &with_token)?;
    headline(browser, "n1 is master")?;
    all_answer(browser)?;
    quiet(browser, &["status of 401", "status of 409", "net::ERR"])
}

/// A slot goes down while it is asked whether it shall be master.
fn an_order_is_refused(scene: &mut Scene, browser: &mut Browser) -> Result<()> {
    let before = scene.cluster.view().epoch();
    begin(browser, 3)?;
    Killed::Node.kill(scene, 3)?;
    let down = "return document.querySelector('#slot-3 .state').textContent === 'down'";
    browser.wait_for(down, PATIENCE)?;
    browser.press(ENTER)?;
    let said = ended(browser, "Refused:")?;
    ensure!(
        said == "Refused: slot 3 (n3) is down: cure it first, or name another slot.",
        "{said}"
    );
    let after = scene.cluster.view().epoch();
    ensure!(before == after, "{before:?} became {after:?}");
    quiet(browser, &["status of 409", "net::ERR"])
}

fn it_is_forgotten(browser: &mut Browser) -> Result<()> {
    browser.run("document.getElementById('forget').click()")?;
    asks(browser, "token is needed")
}
