//! The content to decide with: what ships, or the files a command names.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use sentinel_domain::{Activation, ActivationKind, ContentHash, Currency, RateTable};
use sentinel_features::{DefinitionErrors, FeatureSet};
use sentinel_pipeline::models::SHIPPED_NAME;
use sentinel_pipeline::trust::ModelTrust;
use sentinel_pipeline::{active, definitions, rates};
use sentinel_scoring::Model;

use crate::commands::models::TrustArguments;
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
    /// Add the features that this file defines to those that ship.
    #[arg(long, value_name = "FILE.toml")]
    pub features: Option<PathBuf>,
    #[command(flatten)]
    pub trust: TrustArguments,
    /// Refuse models that no trusted key has signed; the one that ships needs no signature. Also:
    /// SENTINEL_REQUIRE_SIGNED_MODELS=true.
    #[arg(long, env = "SENTINEL_REQUIRE_SIGNED_MODELS", hide_env = true)]
    pub require_signed_models: bool,
}

/// One activation of each kind.
pub struct Contents {
    /// In the order in which they are appended.
    pub activations: Vec<Activation>,
    /// The currency into which the rates convert.
    pub reference: Currency,
    /// Which models may be put in force.
    pub trust: ModelTrust,
}

impl Contents {
    /// Reads the files, or takes what ships, and checks that all of it fits together.
    pub fn load(arguments: &ContentArguments, features: &FeatureSet) -> anyhow::Result<Self> {
        let contents = Self::read(arguments, features)?;
        active::check(&contents.activations).map_err(usage)?;
        Ok(contents)
    }

    /// As [`Contents::load`], for a log that may hold features which these rules or this model name: where
    /// they do not fit by themselves, the start looks again once it knows the log.
    pub fn load_beside(
        arguments: &ContentArguments,
        features: &FeatureSet,
        log: &Path,
    ) -> anyhow::Result<Self> {
        if log.is_dir() {
            Self::read(arguments, features)
        } else {
            Self::load(arguments, features)
        }
    }

    fn read(arguments: &ContentArguments, features: &FeatureSet) -> anyhow::Result<Self> {
        let features = with_definitions(features.clone(), arguments.features.as_deref())?;
        let trust = ModelTrust {
            required: arguments.require_signed_models,
            built_in: Some(ContentHash::of(SHIPPED_MODEL)),
            ..arguments.trust.trust()?
        };
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
                None => SHIPPED_NAME.into(),
            };
            if kind == ActivationKind::Model {
                trust
                    .check(&content)
                    .map_err(|problem| usage(format!("--{kind} {name}: {problem}")))?;
            }
            activations.push(Activation {
                kind,
                name,
                version: 1,
                content,
            });
        }
        Ok(Self {
            activations,
            reference: rate_table(arguments.rates.as_deref())?.reference(),
            trust,
        })
    }

    /// The model among them.
    pub fn model(&self) -> anyhow::Result<Model> {
        let mut activations = self.activations.iter();
        let model = activations.find(|one| one.kind == ActivationKind::Model);
        let content = model.map(|one| one.content.as_slice()).unwrap_or_default();
        Model::parse(content).map_err(|error| usage(error.to_string()))
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

/// The file's name without folder and extension, as people call the content. The name of what ships is
/// nobody else's: what was named on purpose must not be taken for it at the next start.
pub fn file_name(path: &Path) -> sentinel_domain::Text {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy());
    match stem.as_deref() {
        None => "unnamed".into(),
        Some(SHIPPED_NAME) => "default-file".into(),
        Some(stem) => stem.into(),
    }
}

/// The set with the definitions of a file behind it.
pub fn with_definitions(set: FeatureSet, file: Option<&Path>) -> anyhow::Result<FeatureSet> {
    let Some(path) = file else { return Ok(set) };
    set.with_definitions(&text(path)?)
        .map_err(|errors| usage(faults(path, &errors)))
}

/// The rates of a file, or those that ship.
pub fn rate_table(file: Option<&Path>) -> anyhow::Result<RateTable> {
    let named = match file {
        Some(path) => rates::parse(&text(path)?)
            .map_err(|fault| usage(format!("--rates {}: {fault}", path.display())))?,
        None => rates::parse(rates::SHIPPED_RATES).map_err(usage)?,
    };
    Ok(named.table)
}

/// Every fault of a definitions file, each under its line.
pub fn faults(path: &Path, errors: &DefinitionErrors) -> String {
    let count = errors.faults.len();
    let plural = if count == 1 { "" } else { "s" };
    let mut told = format!("{}: {count} fault{plural}", path.display());
    for fault in &errors.faults {
        told.push_str(&format!(
            "\n{}:{}: {}",
            path.display(),
            fault.line,
            definitions::told(fault)
        ));
    }
    told
}

/// Reads a file of text.
pub fn text(path: &Path) -> anyhow::Result<String> {
    String::from_utf8(read(path)?)
        .map_err(|_| usage(format!("read {}: it is not UTF-8", path.display())))
}

/// Reads a file; one that is not there is wrong usage.
pub fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| usage(format!("read {}: {error}", path.display())))
}
