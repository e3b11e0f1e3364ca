//! Adding features through the door of a running server. Must never send anything but what the command was
//! asked to send.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::server::{look_up, order};

/// The catalogue's path.
const PATH: &str = "/api/v1/features";

/// How often a server that is still filling is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// Adds definitions and waits until they are live.
pub fn add(url: &str, file: &Path, definitions: &str, dry_run: bool) -> anyhow::Result<Value> {
    let body = json!({ "definitions": definitions, "dry_run": dry_run });
    let (status, mut answer) = order(url, PATH, &body, Some(file))?;
    if status == 202 {
        wait_until_live(url, &answer)?;
        if let Some(state) = answer.get_mut("state") {
            *state = json!("live");
        }
    }
    Ok(answer)
}

/// Asks for the catalogue until it has the version.
fn wait_until_live(url: &str, added: &Value) -> anyhow::Result<()> {
    let version = added.get("version").and_then(Value::as_u64);
    tracing::info!("the server is filling the features from its log");
    loop {
        std::thread::sleep(ASK_AGAIN);
        let catalogue = look_up(url, PATH)?;
        if catalogue.get("version").and_then(Value::as_u64) >= version {
            return Ok(());
        }
    }
}
