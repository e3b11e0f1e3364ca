//! The content to decide with: what ships, or the files a command names.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use sentinel_domain::{Activation, ActivationKind, ContentHash};
use sentinel_features::FeatureSet;
use sentinel_pipeline::active::{self, Decider};
use sentinel_pipeline::rates;

use crate::commands::usage;

/// The model that ships, made by `make model`.
pub const SHIPPED_MODEL: &[u8] = include_bytes!("../../../fixtures/models/default.model");

/// Files that replace what ships.
#[derive(Args, Debug, Clone, Default)]
pub struct ContentArguments {
    /// Score with this model file instead of the one that ships.
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// Decide with this rule file instead of the one that ships.
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
    /// Decide with this policy file instead of the one that ships.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Convert amounts with this table of currency rates instead of the one that ships.
    #[arg(long, value_name = "FILE")]
    pub rates: Option<PathBuf>,
}

/// One activation of each kind, checked to fit together.
pub struct Contents {
    /// In the order in which they are appended.
    pub activations: Vec<Activation>,
    /// What they make together.
    pub decider: Decider,
}

impl Contents {
    /// Reads the files, or takes what ships, and binds all of it.
    pub fn load(arguments: &ContentArguments, features: &FeatureSet) -> anyhow::Result<Self> {
        let files = [
            (
                ActivationKind::Rates,
                &arguments.rates,
                rates::SHIPPED_RATES.as_bytes(),
            ),
            (ActivationKind::Model, &arguments.model, SHIPPED_MODEL),
            (
                ActivationKind::Rules,
                &arguments.rules,
                sentinel_rules::SHIPPED_RULES.as_bytes(),
            ),
            (
                ActivationKind::Policy,
                &arguments.policy,
                sentinel_rules::SHIPPED_POLICY.as_bytes(),
            ),
        ];
        let mut activations = vec![Activation {
            kind: ActivationKind::Features,
            name: "catalogue".into(),
            version: 1,
            content: features.to_text().into_bytes(),
        }];
        for (kind, file, shipped) in files {
            let content = match file {
                Some(path) => read(path).with_context(|| format!("--{kind}"))?,
                None => shipped.to_vec(),
            };
            let name = match file {
                Some(path) => file_name(path),
                None => "default".into(),
            };
            activations.push(Activation {
                kind,
                name,
                version: 1,
                content,
            });
        }
        let decider = active::check(&activations).map_err(usage)?;
        Ok(Self {
            activations,
            decider,
        })
    }

    /// A hash over every content: what a reproducible log id follows from.
    pub fn hash(&self) -> ContentHash {
        let hashes: Vec<ContentHash> = self
            .activations
            .iter()
            .map(Activation::content_hash)
            .collect();
        let parts: Vec<&[u8]> = hashes.iter().map(|hash| hash.0.as_slice()).collect();
        ContentHash::of_parts(&parts)
    }
}

/// The file's name without folder and extension, as people call the content.
fn file_name(path: &Path) -> sentinel_domain::Text {
    path.file_stem()
        .map_or_else(|| "unnamed".into(), |stem| stem.to_string_lossy().into())
}

/// Reads a file; one that is not there is wrong usage.
pub fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| usage(format!("read {}: {error}", path.display())))
}
