//! What changed of the members since all were told: a short list, told to one after the other.

use crate::Slot;

/// Most members in one message, of news and of all there is to tell: it fits one Ethernet frame.
pub(crate) const MEMBERS_PER_MESSAGE: usize = 64;

/// What is to be told, and what is being told.
#[derive(Clone, Debug, Default, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct News {
    /// Changed since the last telling began.
    noted: Vec<Slot>,
    /// A telling is to begin, also one that names no member.
    is_waiting: bool,
    /// What the telling under way names.
    telling: Vec<Slot>,
    /// From which member on it goes; `None`: none is under way.
    from: Option<Slot>,
}

impl News {
    /// This member is to be told of. `false` if that are too many for one message.
    pub(crate) fn note(&mut self, slot: Slot) -> bool {
        if self.noted.contains(&slot) {
            return true;
        }
        let fits = self.noted.len() < MEMBERS_PER_MESSAGE;
        if fits {
            self.noted.push(slot);
            self.is_waiting = true;
        } else {
            // All of them will be told anew.
            self.noted.clear();
            self.is_waiting = false;
        }
        fits
    }

    /// Something is to be told that is no member's.
    pub(crate) const fn announce(&mut self) {
        self.is_waiting = true;
    }

    /// From which member on the telling goes; begins one if there is news.
    pub(crate) fn next(&mut self) -> Option<Slot> {
        if self.from.is_none() && self.is_waiting {
            self.is_waiting = false;
            self.telling.clear();
            self.telling.append(&mut self.noted);
            self.from = Some(0);
        }
        self.from
    }

    /// What the telling under way names.
    pub(crate) fn members(&self) -> &[Slot] {
        &self.telling
    }

    /// That one was told.
    pub(crate) const fn told_to(&mut self, slot: Slot) {
        self.from = slot.checked_add(1);
    }

    /// Everybody was told.
    pub(crate) const fn told_to_all(&mut self) {
        self.from = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_telling_names_what_was_noted_before_it_began_and_the_next_one_what_came_meanwhile() {
        let mut news = News::default();
        assert_eq!(news.next(), None, "nothing is new");
        assert!(news.note(7) && news.note(9) && news.note(7));
        assert_eq!((news.next(), news.members()), (Some(0), &[7, 9][..]));
        news.told_to(2);
        assert!(news.note(7), "it changed once more");
        assert_eq!((news.next(), news.members()), (Some(3), &[7, 9][..]));
        news.told_to_all();
        assert_eq!((news.next(), news.members()), (Some(0), &[7][..]));
        news.told_to_all();
        assert_eq!(news.next(), None);
    }

    #[test]
    fn more_than_a_message_holds_is_not_noted() {
        let mut news = News::default();
        let most = Slot::try_from(MEMBERS_PER_MESSAGE).unwrap();
        assert!((1..=most).all(|slot| news.note(slot)));
        assert!(news.note(1), "it is noted already");
        assert!(!news.note(most + 1));
        assert_eq!(news.next(), None, "who tells all tells that too");
    }

    #[test]
    fn what_is_no_members_is_told_too_and_the_highest_slot_is_the_last() {
        let mut news = News::default();
        news.announce();
        assert_eq!((news.next(), news.members()), (Some(0), &[][..]));
        news.told_to(Slot::MAX);
        assert_eq!(news.next(), None);
    }
}
