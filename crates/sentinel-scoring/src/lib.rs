//! From a feature row to a score that can be explained, and back: training of the same models.
//!
//! **Enters:** rows of feature slots, model files as bytes, labelled rows to learn from. **Leaves:** a
//! [`Score`](sentinel_domain::Score) with its contributions, or a [`Model`] with a report of how well
//! it does on rows it never learned from.
//!
//! **Promises:** the same row and model give the same bits on every machine; the base plus the
//! contributions is the log-odds, to the last unit; the same rows, options and seed give the same
//! model file, byte for byte; a damaged file is refused with the line that is wrong.
//! **Must never:** start a thread, read a clock, a disk or a random source, or use the platform's
//! mathematics.
//!
//! ```text
//!  bytes -> Model::parse -> Model::bind(schema) -> Scorer --score---> Score
//!              ^                                      \---explain-> contributions
//!  rows, labels -> train
//!  models of other programs -> import;  export -> LightGBM text
//! ```
//!
//! Start reading at [`model`] (what a file holds), then [`scorer`] (how a row is scored),
//! then [`explain`], then [`train`].

pub mod error;
pub mod card;
pub mod model;
pub mod signature;
pub(crate) mod models;
pub(crate) mod network;
pub(crate) mod maps;
pub(crate) mod confidence;
pub(crate) mod key;
pub mod scorer;
pub mod explain;
pub mod train;
pub mod import;
pub mod export;
pub mod metrics;

pub use card::Card;
pub use error::{ImportError, ModelError, TrainError};
pub use explain::ExplainScratch;
pub use model::Model;
pub use scorer::Scorer;
