//! The state of an engine as bytes.
//!
//! ```text
//!   "SFS" version │ state hash of the feature set │ partition, labels, tables, dictionaries │ checksum
//! ```

use sentinel_domain::{ContentHash, EventId, Text};

use super::{CodecError, FeatureEngine};
use crate::codec::{Reader, VERSION, Writer};
use crate::fraud::{Fraud, LABELLED_KINDS};
use crate::set::FeatureSet;

const MAGIC: &[u8; 3] = b"SFS";
const HASH_BYTES: usize = 32;
const CHECKSUM_BYTES: usize = 16;
const HEAD_BYTES: usize = MAGIC.len() + 1 + HASH_BYTES;

impl FeatureEngine {
    /// The state as bytes: versioned, checksummed; equal states are equal bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.bytes.extend_from_slice(MAGIC);
        writer.bytes.push(VERSION);
        writer.bytes.extend_from_slice(&self.set.state_hash().0);
        writer.unsigned(u64::from(self.greatest_ms.is_some()));
        writer.signed(self.greatest_ms.unwrap_or(0));
        writer.unsigned(self.entries);
        writer.count(self.sweep.0);
        writer.count(self.sweep.1);
        writer.unsigned(self.labelled.next());
        let labelled: Vec<_> = self.labelled.iter().collect();
        writer.count(labelled.len());
        for (event_id, fraud) in labelled {
            writer.text(event_id.as_str());
            writer.unsigned(fraud.number);
            writer.signed(fraud.hour);
            for entity in fraud.entities {
                writer.unsigned(u64::from(entity));
            }
        }
        for table in &self.tables {
            table.encode(&mut writer);
        }
        for dictionary in self.dictionaries.iter().flatten() {
            dictionary.encode(&mut writer);
        }
        let checksum = ContentHash::of_parts(&[&writer.bytes]);
        writer
            .bytes
            .extend_from_slice(&checksum.0[..CHECKSUM_BYTES]);
        writer.bytes
    }

    /// The state that [`FeatureEngine::encode`] wrote for a set that keeps the same.
    pub fn decode(set: FeatureSet, bytes: &[u8]) -> Result<Self, CodecError> {
        if bytes.len() < HEAD_BYTES + CHECKSUM_BYTES
            || !bytes.starts_with(MAGIC)
            || bytes[MAGIC.len()] != VERSION
        {
            return Err(CodecError::Format);
        }
        let (content, checksum) = bytes.split_at(bytes.len() - CHECKSUM_BYTES);
        if ContentHash::of_parts(&[content]).0[..CHECKSUM_BYTES] != *checksum {
            return Err(CodecError::Checksum);
        }
        if content[MAGIC.len() + 1..HEAD_BYTES] != set.state_hash().0 {
            return Err(CodecError::OtherFeatures);
        }
        let mut reader = Reader {
            bytes: &content[HEAD_BYTES..],
        };
        let mut engine = Self::new(set);
        engine.restore(&mut reader)?;
        if reader.bytes.is_empty() {
            Ok(engine)
        } else {
            Err(CodecError::Content("what follows the state"))
        }
    }

    fn restore(&mut self, reader: &mut Reader<'_>) -> Result<(), CodecError> {
        let has_seen = reader.unsigned("the partition's time")? != 0;
        let greatest_ms = reader.signed("the partition's time")?;
        self.greatest_ms = has_seen.then_some(greatest_ms);
        self.entries = reader.unsigned("entries")?;
        let table: usize = reader.small("the sweep")?;
        if table >= self.tables.len() + self.dictionaries.len() {
            return Err(CodecError::Content("the sweep"));
        }
        self.sweep = (table, reader.small("the sweep")?);
        let next = reader.unsigned("frauds")?;
        for _ in 0..reader.count("labels")? {
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
        for table in &mut self.tables {
            table.restore(reader)?;
        }
        for dictionary in self.dictionaries.iter_mut().flatten() {
            dictionary.restore(reader)?;
        }
        Ok(())
    }
}
