//! What each event changes in the links that somebody watches.

use std::collections::BTreeMap;

use super::decode::Link;
use super::events::Event;

/// What happened to an interface with a watched name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkChange {
    /// There is an interface of this name again; what was attached to the former one is not on it.
    Appeared {
        /// Its number, for attaching and sending.
        index: u32,
    },
    /// The interface was deleted, moved away or renamed.
    Gone,
    /// Somebody switched it on.
    Up,
    /// Somebody switched it off.
    Down,
    /// It can carry packets again.
    CarrierFound,
    /// It can carry no packets: cable out, other end down.
    CarrierLost,
    /// It has another hardware address; frames made with the former one are wrong.
    MacChanged,
}

/// The last known facts about interfaces of given names, and what each event changes in them.
#[derive(Debug)]
pub struct LinkWatch {
    names: Vec<String>,
    known: BTreeMap<String, Link>,
}

impl LinkWatch {
    /// Watches interfaces by name; they need not exist yet.
    #[must_use]
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        Self {
            names: names.into_iter().collect(),
            known: BTreeMap::new(),
        }
    }

    /// Watches these too, once the next list of links is taken in. Whether there is one among them that it did not.
    pub fn add(&mut self, names: &[String]) -> bool {
        let before = self.names.len();
        let new = names.iter().filter(|name| !self.names.contains(name));
        let new: Vec<String> = new.cloned().collect();
        self.names.extend(new);
        self.names.len() > before
    }

    /// The interface with this name, as the last event showed it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Link> {
        self.known.get(name)
    }

    /// The watched names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Takes an event in, and tells `changed` what it means for watched interfaces.
    pub fn handle(&mut self, event: &Event, mut changed: impl FnMut(&str, LinkChange)) {
        match event {
            Event::Link(link) => self.link_seen(link, &mut changed),
            Event::LinkGone { index } => self.index_gone(*index, None, &mut changed),
            Event::AddressAdded(_) | Event::AddressRemoved(_) | Event::Overrun => {}
        }
    }

    /// Compares with a whole list, after events were lost (or before the first).
    pub fn resync(&mut self, links: &[Link], mut changed: impl FnMut(&str, LinkChange)) {
        let gone: Vec<u32> = self
            .known
            .values()
            .filter(|known| links.iter().all(|link| link.index != known.index))
            .map(|known| known.index)
            .collect();
        for index in gone {
            self.index_gone(index, None, &mut changed);
        }
        for link in links {
            self.link_seen(link, &mut changed);
        }
    }

    fn link_seen(&mut self, link: &Link, changed: &mut impl FnMut(&str, LinkChange)) {
        // A renamed interface is gone under its former name.
        self.index_gone(link.index, Some(&link.name), changed);
        if !self.names.contains(&link.name) {
            return;
        }
        let former = self.known.insert(link.name.clone(), link.clone());
        for change in differences(former.as_ref(), link).into_iter().flatten() {
            changed(&link.name, change);
        }
    }

    /// Forgets the interface with this number, unless it has the name `except`.
    fn index_gone(
        &mut self,
        index: u32,
        except: Option<&str>,
        changed: &mut impl FnMut(&str, LinkChange),
    ) {
        let name = self
            .known
            .values()
            .find(|known| known.index == index && except != Some(known.name.as_str()))
            .map(|known| known.name.clone());
        if let Some(name) = name {
            self.known.remove(&name);
            changed(&name, LinkChange::Gone);
        }
    }
}

/// What a new state of one name means against the former one, in the order of cause and effect.
fn differences(former: Option<&Link>, link: &Link) -> [Option<LinkChange>; 3] {
    let former = former.filter(|former| former.index == link.index);
    let Some(former) = former else {
        let appeared = LinkChange::Appeared { index: link.index };
        return [
            Some(appeared),
            link.up.then_some(LinkChange::Up),
            link.running.then_some(LinkChange::CarrierFound),
        ];
    };
    let switched = if link.up {
        LinkChange::Up
    } else {
        LinkChange::Down
    };
    let carrier = if link.running {
        LinkChange::CarrierFound
    } else {
        LinkChange::CarrierLost
    };
    [
        (former.mac != link.mac).then_some(LinkChange::MacChanged),
        (former.up != link.up).then_some(switched),
        (former.running != link.running).then_some(carrier),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::mac::MacAddress;

    fn link(index: u32, name: &str, up: bool, running: bool) -> Link {
        Link {
            index,
            name: name.into(),
            mac: Some(MacAddress([2, 0, 0, 0, 0, 1])),
            up,
            running,
            mtu: 1500,
            kind: None,
            parent: None,
        }
    }

    fn changes(watch: &mut LinkWatch, event: &Event) -> Vec<(String, LinkChange)> {
        let mut seen = Vec::new();
        watch.handle(event, |name, change| seen.push((name.to_owned(), change)));
        seen
    }

    fn named(change: LinkChange) -> (String, LinkChange) {
        ("biz0".into(), change)
    }

    #[test]
    fn one_event_tells_each_thing_that_changed_and_only_that() {
        let mut watch = LinkWatch::new(["biz0".to_owned()]);
        assert_eq!(
            changes(&mut watch, &Event::Link(link(4, "biz0", false, false))),
            [named(LinkChange::Appeared { index: 4 })]
        );
        assert_eq!(
            changes(&mut watch, &Event::Link(link(4, "biz0", true, true))),
            [named(LinkChange::Up), named(LinkChange::CarrierFound)]
        );
        assert_eq!(
            changes(&mut watch, &Event::Link(link(4, "biz0", true, true))),
            []
        );
        assert_eq!(
            changes(&mut watch, &Event::Link(link(4, "biz0", true, false))),
            [named(LinkChange::CarrierLost)]
        );
        assert_eq!(
            changes(&mut watch, &Event::Link(link(4, "biz0", false, false))),
            [named(LinkChange::Down)]
        );
        let mut other_mac = link(4, "biz0", false, false);
        other_mac.mac = Some(MacAddress([2, 0, 0, 0, 0, 2]));
        assert_eq!(
            changes(&mut watch, &Event::Link(other_mac)),
            [named(LinkChange::MacChanged)]
        );
    }

    #[test]
    fn an_interface_that_was_made_anew_appears_again_even_if_its_going_was_missed() {
        let mut watch = LinkWatch::new(["biz0".to_owned()]);
        changes(&mut watch, &Event::Link(link(4, "biz0", true, true)));
        assert_eq!(
            changes(&mut watch, &Event::Link(link(5, "biz0", true, false))),
            [
                named(LinkChange::Appeared { index: 5 }),
                named(LinkChange::Up)
            ]
        );
        assert_eq!(
            changes(&mut watch, &Event::LinkGone { index: 4 }),
            [],
            "the former one's end is no news"
        );
        assert_eq!(
            changes(&mut watch, &Event::LinkGone { index: 5 }),
            [named(LinkChange::Gone)]
        );
        assert_eq!(watch.get("biz0"), None);
    }

    #[test]
    fn a_renamed_interface_is_gone_under_its_former_name() {
        let mut watch = LinkWatch::new(["biz0".to_owned()]);
        changes(&mut watch, &Event::Link(link(4, "biz0", true, true)));
        assert_eq!(
            changes(&mut watch, &Event::Link(link(4, "old0", true, true))),
            [named(LinkChange::Gone)]
        );
    }

    #[test]
    fn links_of_other_names_are_nobodys_business() {
        let mut watch = LinkWatch::new(["biz0".to_owned()]);
        assert_eq!(
            changes(&mut watch, &Event::Link(link(9, "eth9", true, true))),
            []
        );
        assert_eq!(changes(&mut watch, &Event::LinkGone { index: 9 }), []);
    }

    #[test]
    fn a_whole_list_brings_what_lost_events_would_have_told() {
        let mut watch = LinkWatch::new(["biz0".to_owned(), "mgmt0".to_owned()]);
        changes(&mut watch, &Event::Link(link(4, "biz0", true, true)));
        changes(&mut watch, &Event::Link(link(5, "mgmt0", true, true)));
        let mut seen = Vec::new();
        watch.resync(
            &[
                link(6, "biz0", true, true),
                link(5, "mgmt0", true, false),
                link(1, "lo", true, true),
            ],
            |name, change| {
                seen.push((name.to_owned(), change));
            },
        );
        assert_eq!(
            seen,
            [
                named(LinkChange::Gone),
                named(LinkChange::Appeared { index: 6 }),
                named(LinkChange::Up),
                named(LinkChange::CarrierFound),
                ("mgmt0".to_owned(), LinkChange::CarrierLost),
            ]
        );
    }
}
