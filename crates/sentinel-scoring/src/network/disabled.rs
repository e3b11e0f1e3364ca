//! The plan of a network in a binary that was built without them: there is none.
//!
//! Promises that no network can be made, so that nothing else has to ask. Must never evaluate anything.

use super::{ABSENT, Network};

/// A network ready to be evaluated: nothing here.
#[derive(Debug, Clone)]
pub(crate) enum Plan {}

impl Plan {
    /// Always the error that names what to build.
    pub(crate) fn new(_network: &Network) -> Result<Self, String> {
        Err(ABSENT.to_owned())
    }

    /// Nothing can ask for it.
    pub(crate) fn outputs(&self, _rows: &[f64]) -> Vec<f64> {
        match *self {}
    }
}
