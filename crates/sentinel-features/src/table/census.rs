//! What entities weigh.

use super::{EntityTable, Record};
use crate::column::Column;
use crate::engine::{KindCensus, Weight};
use crate::entity::EntityKind;
use crate::ring::RingStore;

impl EntityTable {
    /// What each entity weighs: its name, its columns and the blocks it holds. Appended to `all` too.
    pub fn census(&self, kind: EntityKind, all: &mut Vec<u32>) -> KindCensus {
        let mut classes: [Vec<u32>; 3] = Default::default();
        for at in 0..self.places() {
            if self.lifetime(at).named_ms != i64::MIN {
                let record = self.records.get(at);
                let class = record.map_or(0, |one| RingStore::class_of(&one.windows.ring));
                classes[class].push(u32::try_from(self.bytes_of(at)).unwrap_or(u32::MAX));
            }
        }
        let mut bytes = classes.concat();
        all.extend_from_slice(&bytes);
        KindCensus {
            kind,
            entities: self.len(),
            bytes: Weight::of(&mut bytes),
            classes: classes.map(|mut bytes| (bytes.len(), Weight::of(&mut bytes))),
        }
    }

    /// Bytes held by all entities.
    pub fn bytes(&self) -> usize {
        let columns: usize = (0..self.places()).map(|at| self.columns_of(at)).sum();
        let rings = self.ring.as_ref().map_or(0, RingStore::bytes);
        let hours = self.hours.as_ref().map_or(0, |tiles| tiles.bytes());
        let days = self.days.as_ref().map_or(0, |tiles| tiles.bytes());
        columns + rings + hours + days + self.seen_store.bytes()
    }

    fn bytes_of(&self, at: usize) -> usize {
        let mut bytes = self.columns_of(at);
        if let Some(Record { windows, .. }) = self.records.get(at) {
            let ring = self.ring.as_ref();
            bytes += ring.map_or(0, |ring| ring.bytes_of(&windows.ring));
            let hours = self.hours.as_ref();
            bytes += hours.map_or(0, |tiles| tiles.bytes_of(&windows.hours));
            let days = self.days.as_ref();
            bytes += days.map_or(0, |tiles| tiles.bytes_of(&windows.days));
        }
        let sets = 0..self.plan.seen.len();
        bytes
            + sets
                .map(|set| self.seen_store.bytes_of(self.seen(at, set)))
                .sum::<usize>()
    }

    /// Bytes of one entity's name and its places in the columns.
    fn columns_of(&self, at: usize) -> usize {
        fn width<T>(column: &Column<T>) -> usize {
            if column.is_empty() { 0 } else { size_of::<T>() }
        }
        self.index
            .bytes_of(u32::try_from(at + 1).unwrap_or(u32::MAX))
            + width(&self.records)
            + width(&self.lifetimes)
            + width(&self.persons)
            + width(&self.seen) * self.plan.seen.len().saturating_sub(1)
            + width(&self.categories)
    }
}
