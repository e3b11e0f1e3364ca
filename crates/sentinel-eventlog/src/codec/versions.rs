//! Versions by a short hash: decisions between two activations share one record of what made them.
//!
//! Promises that a full hash is computed once a set of versions, not once a decision.

use std::collections::BTreeMap;
use std::sync::Arc;

use sentinel_domain::identifier::Text;
use sentinel_domain::{ContentHash, Versions};

use super::cursor::{Cursor, put_text};
use crate::error::CodecError;
use crate::varint::write_varint;

/// All versions met so far, by the first eight bytes of their hash. Whoever reads a decision log inserts
/// the versions of each `Outcome::Activated` it meets, and those of a snapshot it starts from.
#[derive(Debug, Default, Clone)]
pub struct VersionsTable {
    by_hash: BTreeMap<u64, Arc<Versions>>,
}

impl VersionsTable {
    /// Makes versions known and gives their short hash.
    pub fn insert(&mut self, versions: Arc<Versions>) -> u64 {
        let hash = short_hash(&versions);
        self.by_hash.insert(hash, versions);
        hash
    }

    /// The versions with this short hash.
    pub fn get(&self, short_hash: u64) -> Option<&Arc<Versions>> {
        self.by_hash.get(&short_hash)
    }

    /// How many are known.
    pub fn len(&self) -> usize {
        self.by_hash.len()
    }

    /// Whether none are known.
    pub fn is_empty(&self) -> bool {
        self.by_hash.is_empty()
    }
}

/// The first eight bytes of the configuration's hash, big end first, so that it reads as its beginning.
pub(super) fn short_hash(versions: &Versions) -> u64 {
    let ContentHash(hash) = versions.config_hash();
    let first = hash.first_chunk().copied().unwrap_or_default();
    u64::from_be_bytes(first)
}

/// Lists are written since the second version of the kind, and only where there are any: without them the bytes are
/// those of before.
pub(super) fn has_lists(versions: &Versions) -> bool {
    versions.lists.1 > 0
}

pub(super) fn encode_versions(versions: &Versions, out: &mut Vec<u8>) {
    write_varint(out, u64::from(versions.engine_semantics));
    out.extend_from_slice(&versions.feature_set.0);
    let parts = [
        &versions.model,
        &versions.rules,
        &versions.policy,
        &versions.rates,
    ];
    let lists = has_lists(versions).then_some(&versions.lists);
    for (name, version, hash) in parts.into_iter().chain(lists) {
        put_text(out, name);
        write_varint(out, u64::from(*version));
        out.extend_from_slice(&hash.0);
    }
}

pub(super) fn decode_versions(
    cursor: &mut Cursor<'_>,
    has_lists: bool,
) -> Result<Versions, CodecError> {
    let versions = Versions {
        engine_semantics: cursor.varint_u32("engine semantics")?,
        feature_set: cursor.hash("feature set")?,
        model: decode_part(cursor, "model")?,
        rules: decode_part(cursor, "rules")?,
        policy: decode_part(cursor, "policy")?,
        rates: decode_part(cursor, "rates")?,
        lists: if has_lists {
            decode_part(cursor, "lists")?
        } else {
            (Text::default(), 0, ContentHash::default())
        },
    };
    if has_lists && versions.lists.1 == 0 {
        let law = "lists are named, and have no version";
        return Err(CodecError::Invalid {
            field: "lists",
            law,
        });
    }
    Ok(versions)
}

fn decode_part(
    cursor: &mut Cursor<'_>,
    field: &'static str,
) -> Result<(Text, u32, ContentHash), CodecError> {
    let name = Text::new(cursor.text(field)?);
    Ok((name, cursor.varint_u32(field)?, cursor.hash(field)?))
}
