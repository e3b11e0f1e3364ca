//! Models of other programs: LightGBM, XGBoost, ONNX trees and ONNX networks, read into our own.
//!
//! ```text
//! bytes -> Foreign::read -> (rename) -> Foreign::model -> Model
//!          one file a format            maps, anchors, card
//! ```
//!
//! **Promises** that the log-odds of the model that comes out are the foreign margin for every row of f32,
//! missing values and categories included, up to the rounding of fixed point. What a format can say and
//! we cannot is refused with the line or byte at which it says so. **Must never** take memory that the
//! file does not account for, follow a cycle, or change a file's meaning in silence: what a reader should
//! know is a note, and stands on the model's card.

mod ensemble;
mod fit;
mod json;
mod lightgbm;
mod lightgbm_json;
mod neural;
mod onnx;
mod protobuf;
mod value;
mod xgboost;
mod xgboost_ubj;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use sentinel_domain::LogOdds;

use crate::card::Card;
use crate::confidence::Support;
use crate::error::ImportError;
use crate::model::{Contents, FEATURES_MAX, Model};
use crate::models::gradient_boosting::GradientBoosting;
use crate::models::tree::{Node, Split, Tree};
use crate::models::{Kind, Member};
use crate::network::Network;
use crate::train::support;
use ensemble::{Ensemble, Link};
use fit::{sampled_anchors, sums};

/// The largest file that is read.
pub const FILE_BYTES_MAX: usize = 1 << 28;

/// The false-positive rates at which the anchors of risk stand, unless others are asked for.
const ANCHOR_RATES: [f64; 4] = [0.02, 0.015, 0.005, 0.001];

/// What a file is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// LightGBM's model text.
    LightgbmText,
    /// LightGBM's `dump_model`.
    LightgbmJson,
    /// XGBoost's JSON.
    XgboostJson,
    /// XGBoost's UBJSON.
    XgboostUbj,
    /// ONNX.
    Onnx,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::LightgbmText,
        Self::LightgbmJson,
        Self::XgboostJson,
        Self::XgboostUbj,
        Self::Onnx,
    ];

    /// The format's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LightgbmText => "lightgbm-text",
            Self::LightgbmJson => "lightgbm-json",
            Self::XgboostJson => "xgboost-json",
            Self::XgboostUbj => "xgboost-ubj",
            Self::Onnx => "onnx",
        }
    }

    /// What a file looks like; `None` where it looks like nothing that is read here. JSON is told apart
    /// when it has been read.
    fn of(bytes: &[u8]) -> Option<Self> {
        let first = bytes
            .iter()
            .copied()
            .find(|byte| !byte.is_ascii_whitespace())?;
        if bytes.starts_with(b"tree") {
            Some(Self::LightgbmText)
        } else if bytes.starts_with(b"{L") || bytes.starts_with(b"{i") || bytes.starts_with(b"{U") {
            Some(Self::XgboostUbj)
        } else if first == b'{' {
            Some(Self::XgboostJson)
        } else if onnx::is_one(bytes) {
            Some(Self::Onnx)
        } else {
            None
        }
    }
}

/// A model of another program, read and understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Foreign {
    format: Format,
    /// Without trees where there is a network.
    ensemble: Ensemble,
    network: Option<Network>,
}

/// What the foreign margin means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Its logistic function, after a factor where the file names one, is the probability.
    LogOdds,
    /// It is the probability.
    Probability,
    /// It is some number that grows with the risk; there is no probability to compare with.
    Number,
}

/// How a foreign model becomes one of ours.
#[derive(Debug, Clone, Default)]
pub struct Options<'a> {
    /// The name of the model.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// Rows to set the anchors of risk by.
    pub sample: Option<Sample<'a>>,
    /// The false-positive rates of the anchors; those of training where there are none.
    pub anchor_rates: Option<[f64; 4]>,
    /// What stands in for a missing value in a network, which can take none; without it, the mean of each
    /// feature over the sample does.
    pub missing: Option<f32>,
    /// What else stands on the card.
    pub card: Vec<(String, String)>,
}

/// Rows of all features of the foreign model, in its order.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    /// The values, row after row.
    pub rows: &'a [f64],
    /// Whether each row is fraud; where nobody knows, every row counts as legitimate.
    pub fraud: Option<&'a [bool]>,
}

/// The model that came out.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// Ours.
    pub model: Model,
    /// What a reader should know, one sentence each.
    pub notes: Vec<String>,
}

impl Foreign {
    /// Reads a file. Without a format, the file tells it.
    pub fn read(bytes: &[u8], format: Option<Format>) -> Result<Self, ImportError> {
        if bytes.len() > FILE_BYTES_MAX {
            let problem = format!("the file is larger than {FILE_BYTES_MAX} bytes");
            return Err(ImportError::Whole { problem });
        }
        let format = match format {
            Some(format) => format,
            None => Format::of(bytes).ok_or_else(|| ImportError::Whole {
                problem: "this is neither LightGBM, XGBoost nor ONNX".to_owned(),
            })?,
        };
        let mut network = None;
        let (format, ensemble) = match format {
            Format::LightgbmText => (format, lightgbm::read(bytes)?),
            Format::LightgbmJson | Format::XgboostJson => read_json(bytes)?,
            Format::XgboostUbj => (format, xgboost::read_ubj(bytes)?),
            Format::Onnx => {
                let (ensemble, found) = onnx::read(bytes)?;
                network = found;
                (format, ensemble)
            }
        };
        if ensemble.trees.is_empty() && network.is_none() {
            let problem = "the model has no trees".to_owned();
            return Err(ImportError::Whole { problem });
        }
        if network.is_some() {
            neural::supported()?;
        }
        Ok(Self {
            format,
            ensemble,
            network,
        })
    }

    /// What the file was written in.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The features, read by a split or not, in the order of the file.
    pub fn features(&self) -> &[String] {
        &self.ensemble.features
    }

    /// The features that the model reads, in the order of the file: a network reads all.
    pub fn features_read(&self) -> Vec<&str> {
        let read = self.read_flags();
        let features = self.ensemble.features.iter().zip(read);
        features
            .filter_map(|(name, read)| read.then_some(name.as_str()))
            .collect()
    }

    /// How many trees it has.
    pub fn trees(&self) -> usize {
        self.ensemble.trees.len()
    }

    /// Whether it is a neural network.
    pub fn is_network(&self) -> bool {
        self.network.is_some()
    }

    /// What its margin means.
    pub fn meaning(&self) -> Meaning {
        match self.ensemble.link {
            Link::Logistic { .. } => Meaning::LogOdds,
            Link::Probability => Meaning::Probability,
            Link::Plain => Meaning::Number,
        }
    }

    /// The foreign margin behind log-odds of the model.
    pub fn margin(&self, log_odds: LogOdds) -> f64 {
        let map = self.map();
        (log_odds.to_f64() - map.intercept) / map.slope
    }

    /// How much a unit of the foreign margin moves the log-odds, 1 at most: differences of margins count by
    /// it, since a margin that is a sum over many averaged trees is large without saying more.
    pub fn margin_weight(&self) -> f64 {
        self.map().slope.min(1.0)
    }

    /// Gives the features other names, one for each in the order of the file.
    pub fn rename(&mut self, names: &[String]) -> Result<(), ImportError> {
        let fault = |problem: String| Err(ImportError::Whole { problem });
        if names.len() != self.ensemble.features.len() {
            let (own, given) = (self.ensemble.features.len(), names.len());
            return fault(format!(
                "the model has {own} features, {given} names were given"
            ));
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = names.iter().find(|name| !seen.insert(*name)) {
            return fault(format!("two features would be named {twice:?}"));
        }
        self.ensemble.features = names.to_vec();
        Ok(())
    }

    /// The model of ours. Features that no split reads are left out, so the engine need not have them.
    pub fn model(&self, options: &Options<'_>) -> Result<Imported, ImportError> {
        let mut notes = self.ensemble.notes.clone();
        let mut contents = self.contents(options)?;
        let bare = Model::from_contents(&contents)?;
        let rates = options.anchor_rates.unwrap_or(ANCHOR_RATES);
        match options.sample {
            Some(sample) => {
                let log_odds = self.sampled(&bare, sample)?;
                contents.anchors = sampled_anchors(&log_odds, sample, &rates, &mut notes);
                // Rows that nobody labelled show where scores lie, not that they are right.
                if sample.fraud.is_some() {
                    contents.support = support::support(&sums(&log_odds));
                }
            }
            None => contents.anchors = self.guessed_anchors(&rates, &mut notes),
        }
        if contents.support == Support::none() {
            notes.push(
                "no labelled rows were shown, so the confidence of every score is 0: name a sample and its \
                 label"
                    .to_owned(),
            );
        }
        if self.network.is_some() {
            self.note_missing(options, &mut notes);
        }
        if !self.ensemble.covers_known {
            notes.push(
                "the file does not say how many rows each leaf covers: explanations start from a base that \
                 weighs all leaves of a tree alike"
                    .to_owned(),
            );
        }
        match self.meaning() {
            Meaning::LogOdds => {}
            Meaning::Probability => notes.push(
                "the file gives probabilities: log-odds grow with them in a straight line, and the \
                 calibration turns them back, to about 0.00001"
                    .to_owned(),
            ),
            Meaning::Number => notes.push(
                "the file gives a number that is no log-odds: it is taken for log-odds as it is, so \
                 probabilities mean nothing before a calibration"
                    .to_owned(),
            ),
        }
        contents.card = self.card(options, &notes)?;
        let model = Model::from_contents(&contents)?;
        Ok(Imported { model, notes })
    }

    /// The contents without anchors of their own.
    fn contents(&self, options: &Options<'_>) -> Result<Contents, ImportError> {
        let (features, kind) = match &self.network {
            Some(network) => self.neural(network, options)?,
            None => {
                let (features, trees) = self.compacted()?;
                let base = self.ensemble.base;
                let kind = Kind::GradientBoosting(GradientBoosting { base, trees });
                (features, kind)
            }
        };
        let member = Member {
            weight: 1.0,
            map: self.map(),
            kind,
        };
        Ok(Contents {
            name: options.name.clone(),
            version: options.version.max(1),
            card: Card::default(),
            features,
            members: vec![member],
            calibration: self.calibration(),
            anchors: [0.0, 1.0, 2.0, 3.0].map(LogOdds::from_f64),
            support: Support::none(),
        })
    }

    /// The features that some split reads, and trees that name them by their place among those.
    fn compacted(&self) -> Result<(Vec<String>, Vec<Tree>), ImportError> {
        let mut features: Vec<String> = Vec::new();
        let mut places = Vec::new();
        for (name, read) in self.ensemble.features.iter().zip(self.read_flags()) {
            places.push(u16::try_from(features.len()).unwrap_or(u16::MAX));
            if read {
                features.push(name.clone());
            }
        }
        if features.len() > FEATURES_MAX {
            let count = features.len();
            let problem =
                format!("{count} features are read by some split, at most {FEATURES_MAX} can be");
            return Err(ImportError::Whole { problem });
        }
        // A model of leaves alone still names one feature.
        if features.is_empty() {
            features.extend(self.ensemble.features.first().cloned());
        }
        let place = |feature: u16| {
            places
                .get(usize::from(feature))
                .copied()
                .unwrap_or(u16::MAX)
        };
        let node = |node: &Node| match node {
            Node::Leaf { .. } => node.clone(),
            Node::Split(split) => Node::Split(Split {
                feature: place(split.feature),
                ..split.clone()
            }),
        };
        let mut trees = Vec::new();
        for tree in &self.ensemble.trees {
            let nodes = tree.nodes().iter().map(node).collect();
            let tree = Tree::new(nodes, features.len());
            trees.push(tree.map_err(|(_, problem)| ImportError::Whole { problem })?);
        }
        Ok((features, trees))
    }

    /// What a reader of the model file should know.
    fn card(&self, options: &Options<'_>, notes: &[String]) -> Result<Card, ImportError> {
        let mut card = Card::default();
        let size = match &self.network {
            Some(network) => ("network_numbers", network.weights()),
            None => ("trees", self.trees()),
        };
        let own = [
            ("imported_from", self.format.as_str().to_owned()),
            (size.0, size.1.to_string()),
        ];
        let notes = (1..).zip(notes);
        let notes = notes.map(|(number, note)| (format!("import_note_{number}"), note.clone()));
        let own = own.map(|(key, value)| (key.to_owned(), value));
        for (key, value) in own
            .into_iter()
            .chain(options.card.iter().cloned())
            .chain(notes)
        {
            card.add(&key, &value)
                .map_err(|problem| ImportError::Whole { problem })?;
        }
        Ok(card)
    }

    fn read_flags(&self) -> Vec<bool> {
        let mut read = vec![self.network.is_some(); self.ensemble.features.len()];
        for split in self.ensemble.trees.iter().flat_map(|tree| tree.splits()) {
            if let Some(read) = read.get_mut(usize::from(split.feature)) {
                *read = true;
            }
        }
        read
    }
}

/// The network of an ONNX file that we wrote.
pub(crate) fn own_network(bytes: &[u8]) -> Result<Network, ImportError> {
    onnx::own_network(bytes)
}

/// JSON of either program.
fn read_json(bytes: &[u8]) -> Result<(Format, Ensemble), ImportError> {
    let document = json::read(bytes)?;
    if xgboost::is_one(&document) {
        Ok((Format::XgboostJson, xgboost::of(&document)?))
    } else if lightgbm_json::is_one(&document) {
        Ok((Format::LightgbmJson, lightgbm_json::of(&document)?))
    } else {
        Err(document
            .fault("this JSON has neither XGBoost's \"learner\" nor LightGBM's \"tree_info\""))
    }
}
