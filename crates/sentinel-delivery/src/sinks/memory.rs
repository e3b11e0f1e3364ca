//! A sink in memory: small, obviously right, able to fail on demand.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::DeliveryError;

/// The far end of a sink in memory.
#[derive(Debug, Clone, Default)]
pub struct Inbox {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<String>,
    batches_to_refuse: u32,
}

impl Inbox {
    /// Every line that has arrived, in order, without its line break.
    pub fn lines(&self) -> Vec<String> {
        self.state().lines.clone()
    }

    /// Lets the next batches fail.
    pub fn refuse(&self, batches: u32) {
        self.state().batches_to_refuse = batches;
    }

    /// Takes whole lines.
    pub(crate) fn take(&self, lines: &str) -> Result<(), DeliveryError> {
        let mut state = self.state();
        if let Some(left) = state.batches_to_refuse.checked_sub(1) {
            state.batches_to_refuse = left;
            let refused = io::Error::other("the inbox was told to refuse");
            return Err(DeliveryError::writing("memory")(refused));
        }
        state.lines.extend(lines.lines().map(str::to_owned));
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No panic can happen while it is held half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
