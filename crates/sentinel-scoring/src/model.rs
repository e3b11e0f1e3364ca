//! A model file: its contents, its hash, and its binding to the engine's row.
//!
//! Promises that a [`Model`] that exists was read from text that holds every law of the format, also
//! when it was just trained: there is one door, [`Model::parse`]. Must never change once made.

mod text;
mod description;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;

use sentinel_domain::{ContentHash, LogOdds};

use crate::card::Card;
use crate::confidence::Support;
use crate::error::ModelError;
use crate::maps::Calibration;
use crate::models::Member;
use crate::scorer::Scorer;
use crate::signature;

pub use description::{Description, MemberDescription, NetworkDescription};
use text::Format;
pub(crate) use text::{FEATURES_MAX, TREES_MAX};

/// A model, as its file says it.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    pub(crate) contents: Contents,
    format: Format,
    hash: ContentHash,
}

/// What stands in a model file before its hash.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Contents {
    pub(crate) name: String,
    pub(crate) version: u32,
    /// Where the model comes from; of no effect on a score.
    pub(crate) card: Card,
    pub(crate) features: Vec<String>,
    pub(crate) members: Vec<Member>,
    /// From log-odds z to the log-odds of the probability.
    pub(crate) calibration: Calibration,
    /// The log-odds at which risk is 0.50, 0.55, 0.70 and 0.85.
    pub(crate) anchors: [LogOdds; 4],
    /// What confidence rests on.
    pub(crate) support: Support,
}

impl Model {
    /// Reads a model file. Whatever is wrong is named with its line. Signatures behind it are passed over:
    /// whoever trusts nobody blindly looks at them first.
    pub fn parse(bytes: &[u8]) -> Result<Self, ModelError> {
        let (bytes, _) = signature::split(bytes)?;
        let (contents, format) = text::read(bytes)?;
        let hash = ContentHash::of(bytes);
        Ok(Self {
            contents,
            format,
            hash,
        })
    }

    /// A model of these contents, by way of its file.
    pub(crate) fn from_contents(contents: &Contents) -> Result<Self, ModelError> {
        Self::parse(&text::write(contents, Format::Second))
    }

    /// The bytes of the model file; reading them gives this model.
    pub fn to_bytes(&self) -> Vec<u8> {
        text::write(&self.contents, self.format)
    }

    /// The model's name.
    pub fn name(&self) -> &str {
        &self.contents.name
    }

    /// The model's version, from 1 upwards under one name.
    pub fn version(&self) -> u32 {
        self.contents.version
    }

    /// What the file says of where the model comes from; empty in files of the first format.
    pub fn card(&self) -> &Card {
        &self.contents.card
    }

    /// The features that the model reads, in its own order.
    pub fn features(&self) -> &[String] {
        &self.contents.features
    }

    /// The hash of the model file's bytes, signatures left out.
    pub fn content_hash(&self) -> ContentHash {
        self.hash
    }

    /// Makes the model ready for rows whose slots are named by `schema`.
    pub fn bind(&self, schema: &[&str]) -> Result<Scorer, ModelError> {
        if schema.len() > usize::from(u16::MAX) + 1 {
            return Err(ModelError::RowTooWide {
                model: self.contents.name.clone(),
                slots: schema.len(),
            });
        }
        // The count tells a name that stands twice from one that stands once.
        let mut slots: BTreeMap<&str, (u16, usize)> = BTreeMap::new();
        for (slot, name) in (0..=u16::MAX).zip(schema) {
            slots.entry(name).or_insert((slot, 0)).1 += 1;
        }
        let find = |feature: &String| match slots.get(feature.as_str()) {
            Some((slot, 1)) => Ok(*slot),
            Some(_) => Err(ModelError::FeatureTwice {
                model: self.contents.name.clone(),
                feature: feature.clone(),
            }),
            None => Err(ModelError::FeatureUnknown {
                model: self.contents.name.clone(),
                feature: feature.clone(),
            }),
        };
        let slots = self
            .contents
            .features
            .iter()
            .map(find)
            .collect::<Result<Vec<u16>, _>>()?;
        Ok(Scorer::new(&self.contents, &slots, schema.len()))
    }
}
