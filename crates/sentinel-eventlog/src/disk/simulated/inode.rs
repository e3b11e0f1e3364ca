//! The content of one simulated file: what is on the platter, what readers see, what lies between.
//!
//! Promises that a crash gives, for each sector, a state that the sector once had since the last sync
//! (or the front of one and the back of another, where it is torn), and a length that the file once had.

use std::collections::BTreeMap;

use super::dice::Dice;

/// What the device writes as a whole, unless it is torn.
const SECTOR_BYTES: usize = 512;

/// One change since the last sync.
#[derive(Debug, Clone)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    SetLen(usize),
}

/// The content of a file.
#[derive(Debug, Default, Clone)]
pub(super) struct Inode {
    durable: Vec<u8>,
    /// What readers see.
    current: Vec<u8>,
    pending: Vec<Change>,
}

impl Change {
    fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Self::SetLen(bytes) => to.resize(*bytes, 0),
            Self::Write { at, bytes } => {
                let end = at + bytes.len();
                if to.len() < end {
                    to.resize(end, 0);
                }
                if let Some(place) = to.get_mut(*at..end) {
                    place.copy_from_slice(bytes);
                }
            }
        }
    }

    /// The sectors it changes, of a file that is `before` bytes long.
    fn sectors(&self, before: usize) -> std::ops::Range<usize> {
        let (from, to) = match self {
            Self::Write { at, bytes } => (before.min(*at), at + bytes.len()),
            Self::SetLen(bytes) => (before.min(*bytes), before.max(*bytes)),
        };
        from / SECTOR_BYTES..to.div_ceil(SECTOR_BYTES)
    }
}

impl Inode {
    /// A file whose content is on the platter.
    pub(super) fn durable(bytes: Vec<u8>) -> Self {
        Self {
            current: bytes.clone(),
            durable: bytes,
            pending: Vec::new(),
        }
    }

    pub(super) fn current(&self) -> &[u8] {
        &self.current
    }

    pub(super) fn write(&mut self, at: u64, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.change(Change::Write {
                at: at as usize,
                bytes: bytes.to_vec(),
            });
        }
    }

    pub(super) fn set_len(&mut self, bytes: usize) {
        self.change(Change::SetLen(bytes));
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.current);
        self.pending.push(change);
    }

    pub(super) fn sync(&mut self) {
        for change in self.pending.drain(..) {
            change.apply(&mut self.durable);
        }
    }

    /// A failed sync: any part of what it should have written is on the platter, the rest never will be.
    pub(super) fn drop_pages(&mut self, dice: &mut Dice) {
        self.durable = self.left_by_crash(dice);
        self.pending.clear();
    }

    /// The power went.
    pub(super) fn crash(&mut self, dice: &mut Dice) {
        *self = Self::durable(self.left_by_crash(dice));
    }

    fn left_by_crash(&self, dice: &mut Dice) -> Vec<u8> {
        match dice.below(4) {
            _ if self.pending.is_empty() => self.durable.clone(),
            0 => self.durable.clone(),
            1 => self.prefix_kept(dice),
            _ => self.any_sectors_kept(dice),
        }
    }

    /// The changes that came first are there, the last of them perhaps in part.
    fn prefix_kept(&self, dice: &mut Dice) -> Vec<u8> {
        let mut left = self.durable.clone();
        let kept = dice.below(self.pending.len() as u64 + 1) as usize;
        for change in self.pending.iter().take(kept) {
            change.apply(&mut left);
        }
        if let Some(Change::Write { at, bytes }) = self.pending.get(kept) {
            let part = dice.below(bytes.len() as u64) as usize;
            let bytes = bytes.get(..part).unwrap_or_default().to_vec();
            Change::Write { at: *at, bytes }.apply(&mut left);
        }
        left
    }

    /// Each sector is as it was after one of the changes, whichever; so is the length.
    fn any_sectors_kept(&self, dice: &mut Dice) -> Vec<u8> {
        let mut image = self.durable.clone();
        let mut lengths = vec![image.len()];
        let mut longest = self.durable.clone();
        let mut versions: BTreeMap<usize, Vec<Vec<u8>>> = BTreeMap::new();
        for change in &self.pending {
            let sectors = change.sectors(image.len());
            for sector in sectors.clone() {
                let first = || vec![sector_of(&image, sector)];
                versions.entry(sector).or_insert_with(first);
            }
            change.apply(&mut image);
            lengths.push(image.len());
            longest.resize(longest.len().max(image.len()), 0);
            for sector in sectors {
                if let Some(versions) = versions.get_mut(&sector) {
                    versions.push(sector_of(&image, sector));
                }
            }
        }
        let torn = dice.below(4 * versions.len() as u64);
        for (at, (sector, versions)) in versions.iter().enumerate() {
            let pick = |dice: &mut Dice| {
                let picked = dice.below(versions.len() as u64) as usize;
                versions.get(picked).cloned().unwrap_or_default()
            };
            let mut content = pick(dice);
            if at as u64 == torn {
                let (other, from) = (pick(dice), dice.below(SECTOR_BYTES as u64) as usize);
                content.truncate(from);
                content.extend_from_slice(other.get(from..).unwrap_or_default());
            }
            let start = sector * SECTOR_BYTES;
            let end = longest.len().min(start + SECTOR_BYTES);
            if let Some(place) = longest.get_mut(start..end) {
                let count = place.len();
                place.copy_from_slice(content.get(..count).unwrap_or_default());
            }
        }
        let length = dice.below(lengths.len() as u64) as usize;
        longest.truncate(lengths.get(length).copied().unwrap_or(0));
        longest
    }
}

/// A sector of an image, filled up with zeros where the image ends in it.
fn sector_of(image: &[u8], sector: usize) -> Vec<u8> {
    let start = image.len().min(sector * SECTOR_BYTES);
    let end = image.len().min(start + SECTOR_BYTES);
    let mut bytes = image.get(start..end).unwrap_or_default().to_vec();
    bytes.resize(SECTOR_BYTES, 0);
    bytes
}
