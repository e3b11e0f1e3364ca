//! What entities weigh, for capacity planning.

use crate::entity::EntityKind;

/// Bytes of the entities of some group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Weight {
    /// Half weigh no more.
    pub p50: usize,
    /// All together over their number.
    pub mean: usize,
    /// Ninety-nine in a hundred weigh no more.
    pub p99: usize,
}

impl Weight {
    /// Of single weights, which are sorted on the way.
    pub(crate) fn of(bytes: &mut [u32]) -> Self {
        bytes.sort_unstable();
        let at = |percent: usize| {
            let place = (bytes.len() * percent / 100).min(bytes.len().saturating_sub(1));
            bytes.get(place).map_or(0, |bytes| *bytes as usize)
        };
        let total: usize = bytes.iter().map(|bytes| *bytes as usize).sum();
        Self {
            p50: at(50),
            mean: total / bytes.len().max(1),
            p99: at(99),
        }
    }
}

/// The entities of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindCensus {
    /// The kind.
    pub kind: EntityKind,
    /// Entities that are known.
    pub entities: usize,
    /// What they weigh.
    pub bytes: Weight,
    /// Of them, how many have a small, a medium and a large ring, and what those weigh.
    pub classes: [(usize, Weight); 3],
}

/// All entities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Census {
    /// One for each kind, in the order of [`EntityKind::ALL`].
    pub kinds: Vec<KindCensus>,
    /// What they weigh, whatever their kind.
    pub bytes: Weight,
}
