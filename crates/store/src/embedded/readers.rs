//! The bounded pool of readers: as many read transactions at one time as LMDB has slots for.

use parking_lot::{Condvar, Mutex};

pub(super) struct Slots {
    most: u32,
    taken: Mutex<u32>,
    given_back: Condvar,
}

/// One reader's place; dropping it lets the next one in.
pub(super) struct Slot<'a>(&'a Slots);

impl Slots {
    pub(super) fn new(most: u32) -> Self {
        Self { most, taken: Mutex::new(0), given_back: Condvar::new() }
    }

    /// Waits until a place is free. A thread holds at most one, so that none waits for itself.
    pub(super) fn take(&self) -> Slot<'_> {
        let mut taken = self.taken.lock();
        self.given_back.wait_while(&mut taken, |taken| *taken >= self.most);
        *taken += 1;
        Slot(self)
    }

    pub(super) fn taken(&self) -> u32 {
        *self.taken.lock()
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        *self.0.taken.lock() -= 1;
        self.0.given_back.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[test]
    fn the_last_slot_is_given_and_one_more_waits_for_it() {
        let slots = Slots::new(2);
        let first = slots.take();
        let _second = slots.take();
        let (sender, third) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(|| {
                let _third = slots.take();
                assert!(sender.send(()).is_ok());
            });
            assert_eq!(slots.taken(), 2);
            assert!(third.try_recv().is_err());
            drop(first);
            assert!(third.recv().is_ok());
        });
        assert_eq!(slots.taken(), 1);
    }
}
