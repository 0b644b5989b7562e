//! What all scenarios share: a cluster, somebody who watches it, and the questions at the end.

use std::net::{IpAddr, UdpSocket};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use heartbeat_tests::client::datagram::{PORT, parse_answer, question};
use heartbeat_tests::client::responder::any_like;
use heartbeat_tests::lab::addresses::{Families, Network};
use heartbeat_tests::lab::alone::Alone;
use heartbeat_tests::lab::cluster::{Cluster, PATIENCE};
use heartbeat_tests::lab::command::run;
use heartbeat_tests::lab::machine::Machine;
use heartbeat_tests::lab::netns::Netns;
use heartbeat_tests::lab::settings::{Place, Settings};
use heartbeat_tests::lab::topology::Plan;
use heartbeat_tests::lab::view::View;
use heartbeat_tests::lab::watch::Watch;
use heartbeat_tests::report::doubles::judge;
use heartbeat_tests::report::outage::{Move, moves};
use heartbeat_tests::report::sight::Sight;
use heartbeat_tests::report::{answers, within};
use heartbeat_tests::skip::{self, Need};
use heartbeat_user::sys::clock::boot_ns;
use serde_json::Value;

/// What a scenario needs beyond the lab.
const NEEDS: [Need; 6] = [
    skip::LAB[0],
    skip::LAB[1],
    skip::LAB[2],
    Need::KernelProgram,
    Need::Program("heartbeatd"),
    Need::Program("heartbeatctl"),
];

/// How often one is played again whose nodes the machine kept from running.
const REPEATS: usize = 2;

/// Most nodes that one question of the observer reaches at once.
const MOST_COPIES: usize = 5;

/// A watched cluster.
pub(crate) struct Scene {
    /// The cluster.
    pub(crate) cluster: Cluster,
    /// Who watches it.
    pub(crate) watch: Watch,
    machine: Machine,
    /// The scenario itself keeps every other program from the processors.
    takes_all: bool,
    /// Until then two nodes may answer, since the scenario shows what no method excludes.
    two_until_ns: u64,
}

/// How things were before a fault that must move nothing.
pub(crate) struct Calm {
    from_ns: u64,
    master: u16,
    epoch: (u64, u64),
}

/// Runs a scenario in a cluster of three that has settled, and asks the questions.
pub(crate) fn scenario(name: &str, play: impl Fn(&mut Scene) -> Result<()>) {
    scenario_in(name, Settings::default(), play);
}

/// Runs the same scenario on networks of these families.
pub(crate) fn scenario_over(
    name: &str,
    families: Families,
    play: impl Fn(&mut Scene) -> Result<()>,
) {
    let settings = Settings {
        plan: Plan {
            families,
            ..Plan::default()
        },
        ..Settings::default()
    };
    scenario_in(name, settings, play);
}

/// Runs a scenario in a cluster like this that has settled, and asks the questions.
pub(crate) fn scenario_in(name: &str, settings: Settings, play: impl Fn(&mut Scene) -> Result<()>) {
    scenario_with(name, settings, |scene| {
        scene.cluster.start_all()?;
        scene.settle_on_1()?;
        sleep(Duration::from_millis(200));
        play(scene)
    });
}

/// Runs a scenario in a cluster whose daemons do not run yet, and asks the questions.
pub(crate) fn scenario_with(
    name: &str,
    settings: Settings,
    play: impl Fn(&mut Scene) -> Result<()>,
) {
    if skip::lacks(name, &NEEDS) {
        return;
    }
    let _alone = Alone::wait().expect("the machine is to be had");
    let mut played = play_once(settings, &play);
    for _ in 0..REPEATS {
        let Ok(Some(late)) = &played else { break };
        // The machine's other tenants take its processors now and then: that shows nothing of the product.
        skip::repeated(name, late);
        played = play_once(settings, &play);
    }
    match played {
        Ok(None) => {}
        Ok(Some(error)) | Err(error) => {
            // The cause last, where it is seen; before it what everybody said and logged.
            panic!("{:#}\n=== {:#}", error, error.root_cause());
        }
    }
}

/// Plays it in a cluster of its own. `Some`: it failed, never two answered, and a mastership was lost because the
/// machine ran nobody in time.
fn play_once(
    settings: Settings,
    play: &impl Fn(&mut Scene) -> Result<()>,
) -> Result<Option<anyhow::Error>> {
    let network = match settings.place {
        Place::On(network) => network,
        Place::Third(_) => Network::Business,
    };
    let cluster = Cluster::build(settings)?;
    let mut scene = Scene {
        watch: cluster.lab().watch_on(network)?,
        cluster,
        machine: Machine::watch()?,
        takes_all: false,
        two_until_ns: 0,
    };
    let played = play(&mut scene).with_context(|| scene.cluster.story());
    let never_two = scene.never_two().with_context(|| scene.cluster.story());
    match played {
        Ok(()) => never_two.map(|()| None),
        Err(error) if never_two.is_ok() && scene.was_withheld() => Ok(Some(error)),
        Err(error) => Err(error),
    }
}

impl Scene {
    /// Waits until the cluster has settled and slot 1 is master. Where the machine started the daemons
    /// so far apart that another slot came first (which is first_start's matter), it is moved there.
    pub(crate) fn settle_on_1(&self) -> Result<()> {
        let first = self.cluster.settle()?;
        if first != 1 {
            self.cluster
                .wait_for("slot 1 may become master", PATIENCE, |view| {
                    (view.of(1)?.get("electable")? == true).then_some(())
                })?;
            self.cluster.switchover(first, Some(1))?;
            self.cluster
                .wait_for("slot 1 is master", PATIENCE, |view| {
                    view.settled().filter(|slot| *slot == 1)
                })?;
        }
        Ok(())
    }

    /// What was seen since `fault_ns`.
    pub(crate) fn sight(&mut self, fault_ns: u64) -> Result<Sight> {
        Sight::of(&mut self.watch, fault_ns, boot_ns())
    }

    /// Waits until a node other than `first` is master, and returns its slot.
    pub(crate) fn next_master(&self, first: u16) -> Result<u16> {
        self.cluster
            .wait_for("another node is master", PATIENCE, |view| {
                view.masters().into_iter().find(|slot| *slot != first)
            })
    }

    /// Waits until the daemon in `slot` says that it has that role, and returns the reason it gives.
    pub(crate) fn reason_of(&self, slot: u16, role: &str) -> Result<String> {
        self.cluster
            .wait_for(&format!("slot {slot} is {role}"), PATIENCE, |view| {
                (view.role(slot) == Some(role)).then(|| reason(view, slot))
            })
    }

    /// Waits until the daemon in `slot` gave mastership up for a reason with these words in it. Its
    /// history tells, since alone it may stand again at once and for ever.
    pub(crate) fn steps_down(&self, slot: u16, words: &str) -> Result<()> {
        let begun = Instant::now();
        while !self.stepped_down(slot, words)? {
            ensure!(
                begun.elapsed() < PATIENCE,
                "slot {slot} did not step down because {words:?}"
            );
            sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// From now on the scenario itself keeps every other program from the processors, whatever its priority: that
    /// is no reason to play it again.
    pub(crate) const fn takes_all(&mut self) {
        self.takes_all = true;
    }

    /// The scenario shows what no method excludes: two nodes answer, at the latest until then.
    pub(crate) const fn two_may_answer_until(&mut self, until_ns: u64) {
        self.two_until_ns = until_ns;
    }

    /// Whether a daemon that still answers lost a mastership by running late while the machine ran nobody on one
    /// of its processors for at least half that time: a thread above the daemon's says so.
    fn was_withheld(&self) -> bool {
        let withheld = self.machine.withheld();
        let slots = self.cluster.lab().topology().slots();
        let late = slots.filter_map(|slot| self.late(slot).ok()?).min();
        println!("no processor for {withheld:?}; a mastership was lost by {late:?}");
        !self.takes_all && late.is_some_and(|late| late <= withheld * 2)
    }

    /// By how much the daemon in `slot` ran late when it lost its first mastership by that.
    fn late(&self, slot: u16) -> Result<Option<Duration>> {
        Ok(self.history(slot)?.iter().find_map(|change| {
            let (before, _) = change["reason"].as_str()?.split_once(" ms late")?;
            let ms = before.rsplit(' ').next()?.parse().ok()?;
            Some(Duration::from_millis(ms))
        }))
    }

    fn stepped_down(&self, slot: u16, words: &str) -> Result<bool> {
        let says = |change: &Value, key: &str| change[key].as_str().unwrap_or_default().to_owned();
        Ok(self.history(slot)?.iter().any(|change| {
            says(change, "from") == "master" && says(change, "reason").contains(words)
        }))
    }

    /// Fails unless the daemon in `slot` has that role for a reason with these words in it.
    pub(crate) fn expect(&self, slot: u16, role: &str, words: &str) -> Result<()> {
        let found = self.reason_of(slot, role)?;
        ensure!(
            found.contains(words),
            "slot {slot} is {role} because {words:?} was expected, but it says {found:?}"
        );
        Ok(())
    }

    /// Waits until the daemon in `by` finds `diagnosis` wrong with the member in `of`.
    pub(crate) fn diagnosed(&self, by: u16, of: u16, diagnosis: &str) -> Result<()> {
        self.cluster.wait_for(
            &format!("slot {by} finds slot {of} {diagnosis}"),
            PATIENCE,
            |view| (view.diagnosis(by, of) == Some(diagnosis)).then_some(()),
        )
    }

    /// How things are before something that must move nothing.
    pub(crate) fn calm(&self) -> Result<Calm> {
        let view = self.cluster.view();
        Ok(Calm {
            from_ns: boot_ns(),
            master: view.agreed().context("one master is agreed on")?,
            epoch: view.epoch().context("there is an epoch")?,
        })
    }

    /// Fails unless everything is as it was: same master, same epoch, everybody well, nothing moved meanwhile.
    pub(crate) fn stayed(&mut self, calm: &Calm) -> Result<()> {
        let master = self.cluster.settle()?;
        ensure!(master == calm.master, "slot {master} became master");
        let epoch = self.cluster.view().epoch();
        ensure!(
            epoch == Some(calm.epoch),
            "epoch {:?} became {epoch:?}",
            calm.epoch
        );
        let moves = self.moves(calm.from_ns)?;
        ensure!(moves.is_empty(), "{moves:?}");
        ensure!(
            self.answers_of(master, calm.from_ns)? > 20,
            "slot {master} is master and does not answer"
        );
        Ok(())
    }

    /// Names of the alarms that the daemon in `slot` shows.
    pub(crate) fn alarms(&self, slot: u16) -> Result<Vec<String>> {
        let view = self.cluster.view();
        let status = view.of(slot).context("it answers")?;
        let alarms = status["alarms"].as_array().context("alarms are a list")?;
        let name = |alarm: &Value| alarm["name"].as_str().unwrap_or_default().to_owned();
        Ok(alarms.iter().map(name).collect())
    }

    /// Waits until no daemon shows an alarm. Who flapped may have to hold still for some seconds first.
    pub(crate) fn quiet(&self) -> Result<()> {
        let is_quiet = |view: &View| {
            let mut all = view.answering();
            all.all(|(_, status)| status["alarms"].as_array().is_some_and(Vec::is_empty))
                .then_some(())
        };
        self.cluster
            .wait_for("no alarm is left", PATIENCE * 4, is_quiet)
    }

    /// What the daemon in `slot` says that it lacks.
    pub(crate) fn warnings(&self, slot: u16) -> Result<Vec<String>> {
        let view = self.cluster.view();
        let status = view.of(slot).context("it answers")?;
        let warnings = status["warnings"].as_array().context("a list")?;
        let text = |it: &Value| it.as_str().unwrap_or_default().to_owned();
        Ok(warnings.iter().map(text).collect())
    }

    /// How often the daemon in `slot` changed its role.
    pub(crate) fn role_changes(&self, slot: u16) -> Result<usize> {
        Ok(self.history(slot)?.len())
    }

    /// How often the daemon in `slot` lost its mastership because nobody replied.
    pub(crate) fn lost(&self, slot: u16) -> Result<usize> {
        let changes = self.history(slot)?;
        let is_lost = |change: &&Value| {
            change["from"] == "master"
                && change["reason"]
                    .as_str()
                    .is_some_and(|reason| reason.starts_with("no majority of electors replied"))
        };
        Ok(changes.iter().filter(is_lost).count())
    }

    /// How many lines of the log of the daemon in `slot` have these words in them.
    pub(crate) fn told(&self, slot: u16, words: &str) -> usize {
        let log = self.cluster.daemon(slot).log();
        log.lines().filter(|line| line.contains(words)).count()
    }

    /// The role changes in the history of the daemon in `slot`, oldest first.
    pub(crate) fn history(&self, slot: u16) -> Result<Vec<Value>> {
        let mut events = self.events(slot)?;
        let is_change = |event: &Value| {
            let others = ["service", "hook", "first_master", "slot_addresses"];
            others.iter().all(|key| event.get(key).is_none())
        };
        events.retain(is_change);
        Ok(events)
    }

    /// The whole history of the daemon in `slot`, oldest first.
    pub(crate) fn events(&self, slot: u16) -> Result<Vec<Value>> {
        let history = self
            .cluster
            .daemon(slot)
            .contact()
            .json(&["history", "--json"])?;
        let changes = history.as_array().context("the history is a list")?;
        Ok(changes.clone())
    }

    /// Waits until every daemon that answers says that the cluster is, or is not, degraded.
    pub(crate) fn degraded(&self, expected: bool) -> Result<()> {
        let what = format!("degraded is {expected} everywhere");
        self.cluster.wait_for(&what, PATIENCE, |view| {
            view.answering()
                .all(|(_, status)| status["degraded"] == expected)
                .then_some(())
        })
    }

    /// The moves that the client has seen since `since_ns`.
    pub(crate) fn moves(&mut self, since_ns: u64) -> Result<Vec<Move>> {
        Ok(moves(&answers(&within(
            self.watch.client()?,
            since_ns,
            u64::MAX,
        ))))
    }

    /// Answers of the node in `slot` to the observer's questions asked since `since_ns`.
    pub(crate) fn answers_of(&mut self, slot: u16, since_ns: u64) -> Result<usize> {
        let seen = answers(&within(self.watch.observer()?, since_ns, u64::MAX));
        Ok(seen.iter().filter(|answer| answer.node == slot).count())
    }

    /// Asks `address` from that machine until somebody answers; the answering slot.
    pub(crate) fn who_answers(&self, machine: &Netns, address: IpAddr) -> Result<u16> {
        machine.run(|| -> Result<u16> {
            let socket = UdpSocket::bind((any_like(address), 0))?;
            socket.set_read_timeout(Some(Duration::from_millis(100)))?;
            let begun = Instant::now();
            let mut bytes = [0; 64];
            while begun.elapsed() < Duration::from_secs(3) {
                socket.send_to(&question(1), (address, PORT))?;
                if let Ok(length) = socket.recv(&mut bytes)
                    && let Some((_, slot)) = parse_answer(&bytes[..length])
                {
                    return Ok(slot);
                }
            }
            bail!("nobody answered at {address} for 3 s")
        })?
    }

    /// Whether the virtual address is on its interface of the node in `slot`.
    pub(crate) fn has_address(&self, slot: u16) -> Result<bool> {
        let settings = self.cluster.settings();
        let node = self.cluster.lab().topology().node(slot).name();
        let shown = run(
            "ip",
            &[
                "-netns",
                node,
                "-o",
                "addr",
                "show",
                "dev",
                settings.carrier(),
            ],
        )?;
        Ok(shown.contains(&format!(" {}/", settings.virtual_address())))
    }

    /// From when on nobody may answer for a master that was cut off just now: its lease, and some
    /// milliseconds for an answer that was on its way.
    pub(crate) fn shut_from_ns(&self) -> Result<u64> {
        let lease = self.cluster.settings().lease() + Duration::from_millis(20);
        Ok(boot_ns() + u64::try_from(lease.as_nanos())?)
    }

    /// Fails if the observer ever saw two nodes answer, or did not look.
    fn never_two(&mut self) -> Result<()> {
        let begun = Instant::now();
        loop {
            let seen = within(self.watch.observer()?, self.two_until_ns, u64::MAX);
            let verdict = judge(&seen);
            ensure!(
                !verdict.any(),
                "two nodes answered: {:?}",
                verdict.found.first()
            );
            // The copies of one question to many nodes never leave at once; one ARP request reaches them all.
            let few = self.cluster.lab().topology().slots().count() <= MOST_COPIES;
            if verdict.arp_judged > 20 && (verdict.judged > 100 || !few) {
                return Ok(());
            }
            // A busy machine holds the observer up between two copies, so it looks on until it has seen enough.
            ensure!(
                begun.elapsed() < PATIENCE,
                "the observer judged only {} questions and {} ARP requests, {} were held up",
                verdict.judged,
                verdict.arp_judged,
                verdict.held_up
            );
            sleep(Duration::from_millis(200));
        }
    }
}

fn reason(view: &View, slot: u16) -> String {
    let reason = view.of(slot).and_then(|status| status.get("reason"));
    reason
        .and_then(|reason| reason.as_str())
        .unwrap_or_default()
        .to_owned()
}

/// Fails unless the address moved exactly once, from and to these slots, within `at_most`.
pub(crate) fn moved_once(sight: &Sight, from: u16, to: u16, at_most: Duration) -> Result<()> {
    ensure!(
        matches!(sight.moves[..], [one] if (one.from, one.to) == (from, to)),
        "one move from slot {from} to {to} was expected, seen were {:?}",
        sight.moves
    );
    let outage = sight
        .outage
        .context("nobody answered the client any more")?;
    let length = Duration::from_nanos(outage.length_ns());
    ensure!(
        length <= at_most,
        "the client waited {length:?}, at most {at_most:?} was allowed"
    );
    ensure!(
        !sight.two_answered(),
        "two nodes answered for {} ns",
        sight.two_answer_ns()
    );
    Ok(())
}

/// Longest outage of a failover that a busy test machine may make of one lease and 2 ms: another
/// lease on top. The exact figures are the benchmark's, over many runs.
pub(crate) fn two_leases(scene: &Scene) -> Duration {
    scene.cluster.settings().lease() * 2
}
