//! What happens to a life from outside: faults of the disk, clocks, files that change, another owner.

use sentinel_domain::Instant;
use sentinel_eventlog::disk::simulated::Fault;

use super::{HOUR_US, LAST_SECOND, Life, SECOND_US, YEAR_US};

impl Life<'_> {
    pub(super) fn plan_fault(&mut self) {
        let at = self.disk.operations() + 1 + self.dice.below(12);
        let fault = Fault::any(&mut self.dice);
        self.tell(format!("{fault:?} at operation {at}"));
        self.disk.fault_at(at, fault);
    }

    pub(super) fn change_capacity(&mut self) {
        if self.is_short || self.dice.chance(1, 3) {
            return self.make_room();
        }
        let bytes = self.disk.used_bytes() + self.dice.below(60_000);
        self.tell(format!("capacity {bytes} bytes"));
        self.disk.set_capacity_bytes(bytes);
        self.is_short = true;
    }

    pub(super) fn make_room(&mut self) {
        self.tell("there is room");
        self.tally.rooms_made += u64::from(self.is_short);
        self.disk.set_capacity_bytes(u64::MAX);
        self.is_short = false;
    }

    /// The clock jumps, freezes, or goes on.
    pub(super) fn change_clock(&mut self) {
        self.tally.clock_jumps += 1;
        match self.dice.below(40) {
            0..10 => self.is_frozen = !self.is_frozen,
            10..15 => self.now += YEAR_US,
            15..20 => self.now -= 2 * YEAR_US,
            20..25 => self.now += 73 * HOUR_US,
            25..30 => self.now -= 5 * HOUR_US,
            // A clock without a battery, and one whose bits are all set.
            30 => self.now = 0,
            31 => self.now = LAST_SECOND * SECOND_US,
            _ => self.now += 5 * HOUR_US,
        }
        self.tell(format!("the clock says {}", Instant::from_micros(self.now)));
    }

    /// A bit of the newest snapshot turns.
    pub(super) fn damage_snapshot(&mut self) {
        let listed = self.ground().snapshots().list().unwrap();
        if self.first_kept > 0 {
            // Without its beginning a log needs one of them.
            let folder = self.ground().snapshots();
            let stones = folder.stones(&self.process().logs.transactions).unwrap();
            if stones.len() < 2 || self.damaged > 0 {
                return;
            }
        }
        let Some((offset, file)) = listed.into_iter().next() else {
            return;
        };
        self.tell(format!("damage the snapshot of {offset}"));
        let mut bytes = std::fs::read(&file).unwrap();
        let at = usize::try_from(self.dice.below(bytes.len() as u64)).unwrap();
        bytes[at] ^= 1 << self.dice.below(8);
        std::fs::write(&file, bytes).unwrap();
        self.damaged += 1;
    }

    /// The decision log is damaged and set aside: it is made again.
    pub(super) fn lose_decisions(&mut self) -> Result<(), String> {
        if self.first_kept > 0 {
            // It would begin anew at the oldest snapshot, and what was decided before is not recorded any more.
            return Ok(());
        }
        self.tell("the decision log is set aside");
        self.tally.decision_logs_lost += 1;
        self.decisions += 1;
        self.kill()
    }

    /// A second process takes over and dies: this one has lost its place and ends too.
    pub(super) fn usurp(&mut self) -> Result<(), String> {
        self.tell("another owner takes over");
        let (runtime, store) = (self.runtime, self.store.store().clone());
        match self.process().usurped(&store, runtime) {
            Ok(()) => {
                self.tally.usurpers += 1;
                self.kill()
            }
            Err(stop) => self.fell(stop),
        }
    }
}
