//! What is to happen, by its time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Things to happen: the earliest first, and of those at one time what was put in first. What is
/// [`Class::Last`] comes after the others of its time.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    heap: BinaryHeap<Reverse<(u64, u64, usize)>>,
    things: Vec<Option<T>>,
    free: Vec<usize>,
    count: u64,
}

/// Which of two things at one time comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    First,
    Last,
}

impl<T> Queue<T> {
    pub(crate) const fn new() -> Self {
        Self {
            heap: BinaryHeap::new(),
            things: Vec::new(),
            free: Vec::new(),
            count: 0,
        }
    }

    pub(crate) fn push(&mut self, at: u64, class: Class, thing: T) {
        self.count += 1;
        let order = self.count
            | match class {
                Class::First => 0,
                Class::Last => 1 << 63,
            };
        let place = match self.free.pop() {
            Some(place) => {
                self.things[place] = Some(thing);
                place
            }
            None => {
                self.things.push(Some(thing));
                self.things.len() - 1
            }
        };
        self.heap.push(Reverse((at, order, place)));
    }

    /// The next thing before `end`, and its time.
    pub(crate) fn pop_before(&mut self, end: u64) -> Option<(u64, T)> {
        let Reverse((at, _, place)) = *self.heap.peek()?;
        if at >= end {
            return None;
        }
        self.heap.pop();
        self.free.push(place);
        self.things[place].take().map(|thing| (at, thing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_first_is_taken_first_and_nothing_at_the_end() {
        let mut queue = Queue::new();
        queue.push(20, Class::Last, 'd');
        queue.push(20, Class::First, 'b');
        queue.push(10, Class::First, 'a');
        queue.push(20, Class::First, 'c');
        queue.push(30, Class::First, 'e');
        let mut taken = Vec::new();
        while let Some((_, thing)) = queue.pop_before(30) {
            taken.push(thing);
        }
        assert_eq!(taken, ['a', 'b', 'c', 'd']);
        assert_eq!(queue.pop_before(31), Some((30, 'e')));
        assert_eq!(queue.pop_before(u64::MAX), None);
    }
}
