//! Where something that runs is stopped in the middle.

/// Counts down the places at which a daemon or a kernel program could be stopped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hold {
    left: Option<u8>,
    stopped: bool,
}

impl Hold {
    /// Nothing stops it.
    pub(crate) const NEVER: Self = Self {
        left: None,
        stopped: false,
    };

    /// It is stopped at the place of this number, from 0.
    pub(crate) const fn at(place: u8) -> Self {
        Self {
            left: Some(place),
            stopped: false,
        }
    }

    /// A place is reached: whether it is stopped here.
    pub(crate) const fn is_here(&mut self) -> bool {
        match self.left {
            Some(0) => {
                self.stopped = true;
                true
            }
            Some(places) => {
                self.left = Some(places - 1);
                false
            }
            None => false,
        }
    }

    /// Whether it was stopped.
    pub(crate) const fn has_stopped(self) -> bool {
        self.stopped
    }
}
