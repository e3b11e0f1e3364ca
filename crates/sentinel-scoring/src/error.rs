//! What can go wrong: a model that cannot be used or imported, and rows that nothing can be learned from.
//!
//! Every message names the attempt and the thing. Nothing here says what to do about it: that is the
//! caller's.

use thiserror::Error;

/// A model file or its features cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The file breaks its format, is cut short, or holds a number out of bounds.
    #[error("read model, line {line}: {problem}")]
    Format {
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// The file reads well but is not the one that was written.
    #[error("read model, line {line}: the content does not match its hash")]
    Hash {
        /// The line of the hash, counted from 1.
        line: usize,
    },
    /// The model needs a feature that the engine does not make.
    #[error("bind model {model}: the engine has no feature named {feature}")]
    FeatureUnknown {
        /// The name of the model.
        model: String,
        /// The feature that is missing.
        feature: String,
    },
    /// The engine makes two features of one name, so the model's is ambiguous.
    #[error("bind model {model}: the engine has two features named {feature}")]
    FeatureTwice {
        /// The name of the model.
        model: String,
        /// The feature that stands twice.
        feature: String,
    },
    /// The engine's row has more slots than a contribution can name.
    #[error("bind model {model}: a row of {slots} slots is wider than 65536")]
    RowTooWide {
        /// The name of the model.
        model: String,
        /// The slots of the row.
        slots: usize,
    },
}

/// A model of another program cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ImportError {
    /// A line of a text breaks its format, or says what we cannot.
    #[error("import model, line {line}: {problem}")]
    Line {
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// A byte of a file breaks its format, or says what we cannot.
    #[error("import model, byte {byte}: {problem}")]
    Byte {
        /// The byte, counted from 0.
        byte: usize,
        /// What is wrong there.
        problem: String,
    },
    /// The model as a whole cannot be one of ours.
    #[error("import model: {problem}")]
    Whole {
        /// Why not.
        problem: String,
    },
    /// The names or the numbers break our own model format.
    #[error("import model: write the result")]
    Model(#[from] ModelError),
}

/// A model cannot be learned.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The rows, labels and names do not fit each other.
    #[error("train model: {problem}")]
    Shape {
        /// What does not fit.
        problem: String,
    },
    /// An option is out of its bounds.
    #[error("train model: option {option} {problem}")]
    Option {
        /// The option's name.
        option: &'static str,
        /// The bound it breaks.
        problem: &'static str,
    },
    /// What the caller gave for the card breaks its laws.
    #[error("train model: {problem}")]
    Card {
        /// The law that is broken.
        problem: String,
    },
    /// Only one class of rows is there to learn from.
    #[error("train model: {rows} training rows hold {fraud} fraud; both kinds are needed")]
    OneClass {
        /// The training rows, after sampling.
        rows: usize,
        /// How many of them are fraud.
        fraud: usize,
    },
    /// The names or the numbers of the finished model break the model format.
    #[error("train model: write the result")]
    Model(#[from] ModelError),
}
