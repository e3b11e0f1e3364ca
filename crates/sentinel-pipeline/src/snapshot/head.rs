//! The head of a snapshot: which log it belongs to, up to where, and for which engine.
//!
//! A log is known by its id and by its last entry before the snapshot: one that was cut or made anew under
//! the same id has another entry there, or none. Must never be used before both were compared.

use sentinel_domain::{ContentHash, Instant, LogId, Offset, Partition};
use sentinel_eventlog::{EventLog, LogError, Record, RecordBatch};

use super::fields::{Fields, put_time, put_u64};
use crate::active::ENGINE_SEMANTICS;

/// The version of the whole format. Another one is refused: the log gives the state again.
pub(crate) const FORMAT_VERSION: u32 = 1;

/// What a snapshot says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub format: u32,
    pub engine_semantics: u32,
    pub log: LogId,
    pub partition: Partition,
    /// The first entry that is not in it.
    pub next: Offset,
    /// When the entry before it was appended.
    pub last_log_time: Instant,
    /// That entry.
    pub last_entry: ContentHash,
    /// What the windows keep.
    pub features_state: ContentHash,
}

impl Head {
    /// Of a state that has taken a log in before `next`; `None` where that is nothing.
    pub fn of(
        log: &EventLog,
        next: Offset,
        features_state: ContentHash,
    ) -> Result<Option<Self>, LogError> {
        let mut batch = RecordBatch::default();
        let Some(last) = next.0.checked_sub(1) else {
            return Ok(None);
        };
        log.read(Offset(last), 1, &mut batch)?;
        Ok(batch.get(0).map(|record| Self {
            format: FORMAT_VERSION,
            engine_semantics: ENGINE_SEMANTICS,
            log: log.log_id(),
            partition: log.partition(),
            next,
            last_log_time: record.log_time,
            last_entry: entry_hash(&record),
            features_state,
        }))
    }

    /// Why it cannot be used with a log and this engine, if it cannot. What the features keep is compared
    /// where they are read.
    pub fn misfit(&self, log: &EventLog) -> Result<Option<String>, LogError> {
        if self.format != FORMAT_VERSION {
            let version = self.format;
            return Ok(Some(format!(
                "it is of format {version}, not {FORMAT_VERSION}"
            )));
        }
        if self.engine_semantics != ENGINE_SEMANTICS {
            return Ok(Some(format!(
                "it was made by engine semantics {}, and this is {ENGINE_SEMANTICS}",
                self.engine_semantics
            )));
        }
        if (self.log, self.partition) != (log.log_id(), log.partition()) {
            return Ok(Some(format!(
                "it belongs to log {}, and this is {}",
                self.log,
                log.log_id()
            )));
        }
        if self.next > log.end() || self.next <= log.start() {
            return Ok(Some(format!(
                "the log holds {} to {}, and not the last entry before {}",
                log.start(),
                log.end(),
                self.next
            )));
        }
        let here = Self::of(log, self.next, self.features_state)?;
        Ok((here.as_ref() != Some(self)).then(|| {
            let last = self.next.0.saturating_sub(1);
            format!("entry {last} of the log is another one: the log was cut or made anew")
        }))
    }

    /// As bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend_from_slice(&self.format.to_le_bytes());
        out.extend_from_slice(&self.engine_semantics.to_le_bytes());
        out.extend_from_slice(&self.log.0);
        out.extend_from_slice(&self.partition.0.to_le_bytes());
        put_u64(&mut out, self.next.0);
        put_time(&mut out, self.last_log_time);
        out.extend_from_slice(&self.last_entry.0);
        out.extend_from_slice(&self.features_state.0);
        out
    }

    /// From bytes. Only the format is sure where that is another one.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        let mut fields = Fields(bytes);
        let head = Self {
            format: fields.array("the format").map(u32::from_le_bytes)?,
            engine_semantics: fields.array("engine semantics").map(u32::from_le_bytes)?,
            log: LogId(fields.array("the log")?),
            partition: Partition(fields.array("the partition").map(u16::from_le_bytes)?),
            next: fields.offset("the offset")?,
            last_log_time: fields.time("the last log time")?,
            last_entry: ContentHash(fields.array("the last entry")?),
            features_state: ContentHash(fields.array("what the windows keep")?),
        };
        if head.format == FORMAT_VERSION {
            fields.finish("the head")?;
        }
        Ok(head)
    }
}

/// The hash by which a snapshot knows an entry: offset, log time and bytes.
fn entry_hash(record: &Record<'_>) -> ContentHash {
    ContentHash::of_parts(&[
        &record.offset.0.to_le_bytes(),
        &record.log_time.micros().to_le_bytes(),
        record.payload,
    ])
}
