//! Messages and the line each becomes.
//!
//! Promises one line a message, whatever white space its payload holds.

use serde::de::IgnoredAny;

use crate::error::DeliveryError;

/// Something to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Stable: sent again, it has the same id.
    pub id: String,
    /// JSON text.
    pub payload: String,
}

impl Message {
    /// The line that leaves, its line break included.
    pub(crate) fn line(&self) -> Result<String, DeliveryError> {
        let unsendable = |cause: serde_json::Error| DeliveryError::Unsendable {
            id: self.id.clone(),
            what: cause.to_string(),
        };
        // Checked but not decoded: numbers and the order of keys leave as they came.
        serde_json::from_str::<IgnoredAny>(&self.payload).map_err(unsendable)?;
        let id = serde_json::to_string(&self.id).map_err(unsendable)?;
        // Inside JSON strings line breaks are escaped, so any that are left are white space.
        let payload = self.payload.replace(['\n', '\r'], " ");
        Ok(format!("{{\"id\":{id},\"payload\":{payload}}}\n"))
    }
}
