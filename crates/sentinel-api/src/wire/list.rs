//! Lists, on the wire.

use sentinel_domain::ActivationKind;
use sentinel_pipeline::handle::features::InForce;
use sentinel_pipeline::handle::orders::ListsActivated;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The lists that rules ask now.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListCatalogue {
    /// The name of their activation; empty where there are none.
    #[schema(example = "desk")]
    pub name: String,
    /// The version of their activation; 0 where there are none.
    #[schema(example = 3)]
    pub version: u32,
    /// BLAKE3 of the file, whole; null where there are none.
    pub hash: Option<String>,
    /// The lists, by name.
    pub items: Vec<ListBody>,
}

/// One list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListBody {
    /// What rules call it.
    #[schema(example = "blocked_cards")]
    pub name: String,
    /// What it is for.
    #[schema(example = "Cards reported as stolen.")]
    pub description: String,
    /// Its values, those that have ended included.
    pub values: Vec<ListedBody>,
}

/// One value of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListedBody {
    /// The value.
    #[schema(example = "card-17")]
    pub value: String,
    /// From this log time on it is in the list no longer; null where it has no end.
    #[schema(example = "2027-01-01T00:00:00Z")]
    pub expires_at: Option<String>,
    /// Why it is there.
    #[schema(example = "lost in the post")]
    pub reason: Option<String>,
}

/// Lists to decide with: all of them, in the place of those before.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ListsDraft {
    /// The file, TOML.
    #[schema(
        example = "name = \"desk\"\nversion = 1\n[[list]]\nname = \"blocked_cards\"\nentries = [{ value = \"card-17\" }]\n"
    )]
    pub lists: String,
    /// What decisions call them; default `lists`.
    #[schema(example = "desk")]
    pub name: Option<String>,
    /// Only check.
    #[serde(default)]
    pub dry_run: bool,
}

/// What became of lists.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListsActivatedBody {
    /// The name of the activation.
    #[schema(example = "desk")]
    pub name: String,
    /// Its version.
    #[schema(example = 3)]
    pub version: u32,
    /// BLAKE3 of the file.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub hash: String,
    /// The place of the activation in the log: decisions behind it ask these lists. Null where there was nothing to
    /// append.
    #[schema(example = 81_344)]
    pub live_from: Option<u64>,
    /// `live`; `pending` while the activation waits its turn; `checked` where nothing was asked for but a check.
    #[schema(example = "live")]
    pub state: &'static str,
}

impl ListCatalogue {
    /// The body of what is in force.
    pub fn of(in_force: &InForce) -> Self {
        let content = in_force.active.content(ActivationKind::Lists);
        let decider = in_force.active.decider();
        let lists = decider.into_iter().flat_map(|decider| decider.lists.iter());
        let items = lists.map(|(name, list)| ListBody {
            name: name.to_owned(),
            description: list.description.clone(),
            values: list
                .values
                .iter()
                .map(|(value, listed)| ListedBody {
                    value: value.clone(),
                    expires_at: listed.expires_at.map(|end| end.to_string()),
                    reason: listed.reason.clone(),
                })
                .collect(),
        });
        Self {
            name: content.map_or_else(String::new, |own| own.name.to_string()),
            version: content.map_or(0, |own| own.version),
            hash: content.map(|own| own.content_hash().to_string()),
            items: items.collect(),
        }
    }
}

impl ListsActivatedBody {
    /// The body of an activation; `dry_run` says that nothing was asked for but a check.
    pub fn of(activated: &ListsActivated, dry_run: bool) -> Self {
        Self {
            name: activated.name.to_string(),
            version: activated.version,
            hash: activated.hash.to_string(),
            live_from: activated.offset.map(|offset| offset.0),
            state: match (dry_run, activated.is_live) {
                (_, true) => "live",
                (true, false) => "checked",
                (false, false) => "pending",
            },
        }
    }
}
