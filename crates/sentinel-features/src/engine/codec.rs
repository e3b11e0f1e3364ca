//! The state of an engine as bytes.
//!
//! ```text
//!   "SFS" version │ state hash of the feature set │ partition, labels │ table │ table … │ dictionaries │ checksum
//!   the front                                                         │ a part each                  │
//! ```
//!
//! Parts know nothing of each other, so they can be read back side by side.

use sentinel_domain::{ContentHash, EventId, Text};

use super::{CodecError, FeatureEngine};
use crate::codec::{Reader, VERSION, Writer};
use crate::entity::EntityKind;
use crate::fraud::{Fraud, LABELLED_KINDS, Labelled};
use crate::set::FeatureSet;
use crate::table::{Dictionary, EntityTable};

const MAGIC: &[u8; 3] = b"SFS";
const HASH_BYTES: usize = 32;
const CHECKSUM_BYTES: usize = 16;
const HEAD_BYTES: usize = MAGIC.len() + 1 + HASH_BYTES;

impl FeatureEngine {
    /// The state as bytes: versioned, checksummed; equal states are equal bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.encode_pieces(&mut |piece| bytes.extend_from_slice(piece));
        let checksum = ContentHash::of_parts(&[&bytes]);
        bytes.extend_from_slice(&checksum.0[..CHECKSUM_BYTES]);
        bytes
    }

    /// The state as pieces of about 128 KiB, for whoever adds checksums of its own: the same bytes as
    /// [`FeatureEngine::encode`] in the same order, without its checksum. How they are cut follows from
    /// the state; an empty piece stands before each part ([`FeatureEngine::parts`]).
    pub fn encode_pieces(&self, take: &mut dyn FnMut(&[u8])) {
        let mut writer = Writer::new(take);
        writer.begin_part();
        writer.bytes.extend_from_slice(MAGIC);
        writer.bytes.push(VERSION);
        writer.bytes.extend_from_slice(&self.set.state_hash().0);
        writer.unsigned(u64::from(self.greatest_ms.is_some()));
        writer.signed(self.greatest_ms.unwrap_or(0));
        writer.unsigned(self.entries);
        writer.count(self.sweep.0);
        writer.count(self.sweep.1);
        writer.unsigned(self.labelled.next());
        writer.count(self.labelled.iter().count());
        for (event_id, fraud) in self.labelled.iter() {
            writer.text(event_id.as_str());
            writer.unsigned(fraud.number);
            writer.signed(fraud.hour);
            for entity in fraud.entities {
                writer.unsigned(u64::from(entity));
            }
            writer.between();
        }
        for table in &self.tables {
            writer.begin_part();
            table.encode(&mut writer);
        }
        writer.begin_part();
        for dictionary in self.dictionaries.iter().flatten() {
            dictionary.encode(&mut writer);
        }
        writer.finish();
    }

    /// The state that [`FeatureEngine::encode`] wrote for a set that keeps the same.
    pub fn decode(set: FeatureSet, bytes: &[u8]) -> Result<Self, CodecError> {
        if bytes.len() < HEAD_BYTES + CHECKSUM_BYTES || !is_headed(bytes) {
            return Err(CodecError::Format);
        }
        let (content, checksum) = bytes.split_at(bytes.len() - CHECKSUM_BYTES);
        if ContentHash::of_parts(&[content]).0[..CHECKSUM_BYTES] != *checksum {
            return Err(CodecError::Checksum);
        }
        let mut left = Some(content);
        Self::decode_pieces(set, &mut |piece| {
            let content = left.take();
            piece.extend_from_slice(content.unwrap_or_default());
            content.is_some()
        })
    }

    /// The state that [`FeatureEngine::encode_pieces`] wrote for a set that keeps the same. `next` fills an
    /// empty piece, and says false where there is none. What keeps the pieces must have checked them:
    /// bytes that were changed may be read as another state.
    pub fn decode_pieces(
        set: FeatureSet,
        next: &mut dyn FnMut(&mut Vec<u8>) -> bool,
    ) -> Result<Self, CodecError> {
        let mut reader = Reader::new(next);
        let mut parts = Self::parts(&set);
        for part in &mut parts {
            part.read(&mut reader)?;
        }
        if reader.is_at_end() {
            Ok(Self::of_parts(set, parts))
        } else {
            Err(CodecError::Content("what follows the state"))
        }
    }

    /// The parts of a state that a set keeps, empty, in the order in which they are written.
    pub fn parts(set: &FeatureSet) -> Vec<Part> {
        let Self {
            tables,
            dictionaries,
            ..
        } = Self::new(set.clone());
        let front = Front {
            features_state: set.state_hash(),
            swept: tables.len() + dictionaries.len(),
            ..Front::default()
        };
        let tables = tables.into_iter().map(Box::new).map(Content::Table);
        std::iter::once(Content::Front(front))
            .chain(tables)
            .chain([Content::Dictionaries(dictionaries)])
            .map(Part)
            .collect()
    }

    /// The state whose parts these are, each of them read back.
    pub fn of_parts(set: FeatureSet, parts: Vec<Part>) -> Self {
        let mut engine = Self::new(set);
        engine.tables.clear();
        for part in parts {
            match part.0 {
                Content::Front(front) => {
                    engine.greatest_ms = front.greatest_ms;
                    engine.entries = front.entries;
                    engine.sweep = front.sweep;
                    engine.labelled = front.labelled;
                }
                Content::Table(table) => engine.tables.push(*table),
                Content::Dictionaries(dictionaries) => engine.dictionaries = dictionaries,
            }
        }
        assert_eq!(
            engine.tables.len(),
            EntityKind::ALL.len(),
            "a state has a table of every kind"
        );
        engine
    }
}

/// A part of a state that is being read back.
#[derive(Debug)]
pub struct Part(Content);

#[derive(Debug)]
enum Content {
    Front(Front),
    Table(Box<EntityTable>),
    /// Words of fields that are no entities.
    Dictionaries(Vec<Option<Dictionary>>),
}

/// What stands before the tables.
#[derive(Debug, Default)]
struct Front {
    /// Of the set that the state is read for.
    features_state: ContentHash,
    /// How many places a sweep goes through: tables and dictionaries.
    swept: usize,
    greatest_ms: Option<i64>,
    entries: u64,
    sweep: (usize, usize),
    labelled: Labelled,
}

impl Part {
    /// Reads the part back from its own pieces: what [`FeatureEngine::decode_pieces`] does, part by part.
    pub fn restore(
        &mut self,
        next: &mut dyn FnMut(&mut Vec<u8>) -> bool,
    ) -> Result<(), CodecError> {
        let mut reader = Reader::new(next);
        self.read(&mut reader)?;
        if reader.is_at_end() {
            Ok(())
        } else {
            Err(CodecError::Content("what follows a part"))
        }
    }

    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), CodecError> {
        match &mut self.0 {
            Content::Front(front) => front.restore(reader),
            Content::Table(table) => table.restore(reader),
            Content::Dictionaries(dictionaries) => {
                let mut words = dictionaries.iter_mut().flatten();
                words.try_for_each(|dictionary| dictionary.restore(reader))
            }
        }
    }
}

impl Front {
    fn restore(&mut self, reader: &mut Reader<'_>) -> Result<(), CodecError> {
        let head = reader
            .take(HEAD_BYTES, "the head")
            .map_err(|_| CodecError::Format)?;
        if !is_headed(head) {
            return Err(CodecError::Format);
        }
        if head[MAGIC.len() + 1..] != self.features_state.0 {
            return Err(CodecError::OtherFeatures);
        }
        let has_seen = reader.unsigned("the partition's time")? != 0;
        let greatest_ms = reader.signed("the partition's time")?;
        self.greatest_ms = has_seen.then_some(greatest_ms);
        self.entries = reader.unsigned("entries")?;
        let table: usize = reader.small("the sweep")?;
        if table >= self.swept {
            return Err(CodecError::Content("the sweep"));
        }
        self.sweep = (table, reader.small("the sweep")?);
        let next = reader.unsigned("frauds")?;
        for _ in 0..reader.far_count("labels")? {
            let event_id = EventId(Text::from(reader.text("a labelled event")?));
            let mut fraud = Fraud {
                number: reader.unsigned("a fraud")?,
                hour: reader.signed("a fraud's hour")?,
                entities: [0; LABELLED_KINDS.len()],
            };
            if fraud.number >= next {
                return Err(CodecError::Content("a fraud"));
            }
            for entity in &mut fraud.entities {
                *entity = reader.small("a fraud's entity")?;
            }
            self.labelled.insert(&event_id, fraud);
        }
        self.labelled.go_on_from(next);
        Ok(())
    }
}

/// Whether bytes begin as a state of this format.
fn is_headed(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC) && bytes.get(MAGIC.len()) == Some(&VERSION)
}
