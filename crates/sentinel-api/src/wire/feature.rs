//! The feature catalogue on the wire.

use sentinel_features::{Feature, FeatureSet, Unit};
use sentinel_pipeline::definitions::Addition;
use sentinel_pipeline::{Backfilled, FeaturesAdded};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Every feature, in the order of the row that models and rules see.
#[derive(Debug, Serialize, ToSchema)]
pub struct FeatureCatalogue<'a> {
    /// The hash of the set, abbreviated: the `versions.feature_set` of decisions made with it.
    #[schema(example = "9f86d081884c")]
    pub feature_set: String,
    /// The version of the set within the server's log.
    #[schema(example = 1)]
    pub version: u32,
    /// The features.
    pub items: Vec<FeatureBody<'a>>,
}

/// One feature.
#[derive(Debug, Serialize, ToSchema)]
pub struct FeatureBody<'a> {
    /// Its name in rules, models, reasons and training columns.
    #[schema(example = "account_count_1m")]
    pub name: &'a str,
    /// `velocity`, `device`, `behaviour`, `geography` or `history`.
    #[schema(example = "velocity")]
    pub family: &'static str,
    /// What its numbers are: `integer`, `number` or `flag`.
    #[serde(rename = "type")]
    #[schema(example = "integer")]
    pub number: &'static str,
    /// What its numbers count.
    #[schema(example = "count")]
    pub unit: &'static str,
    /// When it has no value: `never`, `no_entity`, `no_history`, `no_amount` or `no_field`.
    #[schema(example = "no_entity")]
    pub missing: &'static str,
    /// Where it comes from: `window`, `fact`, `transaction` or `attribute`.
    #[schema(example = "window")]
    pub source: &'static str,
    /// The entity it speaks of; null where it follows from the transaction alone.
    #[schema(example = "account")]
    pub entity: Option<&'static str>,
    /// The window it looks at; null where it looks at none.
    #[schema(example = "1m")]
    pub window: Option<&'static str>,
    /// What it computes, in the language of definitions; null where that cannot say it.
    #[schema(example = "count of account over 1m")]
    pub definition: Option<String>,
    /// Whether it was added to the catalogue that ships.
    #[schema(example = false)]
    pub user_defined: bool,
    /// One line for people.
    pub doc: &'a str,
    /// A sentence for an analyst, with `{value}` in the place of the value.
    #[schema(example = "{value} payments of this account within 1 minute")]
    pub phrase: &'a str,
    /// A value one could meet.
    #[schema(example = 3.0)]
    pub example: f64,
}

/// Definitions to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FeatureDefinitions {
    /// The text of a definitions file (TOML).
    #[schema(
        example = "[[feature]]\nname = \"account_count_over_100_1h\"\nentity = \"account\"\naggregate = \"count\"\nwindow = \"1h\"\nfilter = \"amount >= 100\"\n"
    )]
    pub definitions: String,
    /// Check them, say what would be added, and add nothing.
    #[serde(default)]
    #[schema(example = false)]
    pub dry_run: bool,
}

/// What became of definitions.
#[derive(Debug, Serialize, ToSchema)]
pub struct FeaturesAddedBody {
    /// The names that are new; empty where every definition was active already.
    #[schema(example = json!(["account_count_over_100_1h"]))]
    pub added: Vec<String>,
    /// The version of the set that holds them.
    #[schema(example = 2)]
    pub version: u32,
    /// The hash of that set, abbreviated.
    #[schema(example = "9f86d081884c")]
    pub feature_set: String,
    /// The place of the activation in the log: decisions behind it know the features. Null where there
    /// was nothing to append.
    #[schema(example = 81_344)]
    pub live_from: Option<u64>,
    /// `live`; `filling` while the log is still being read for them; `checked` where nothing was asked for
    /// but a check.
    #[schema(example = "live")]
    pub state: &'static str,
    /// What their windows were filled with; null where nothing had to be.
    pub backfill: Option<BackfillBody>,
}

/// The part of the log that new features were filled from.
#[derive(Debug, Serialize, ToSchema)]
pub struct BackfillBody {
    /// The first entry.
    #[schema(example = 0)]
    pub from: u64,
    /// The entry behind the last one.
    #[schema(example = 81_344)]
    pub to: u64,
    /// Transactions among them.
    #[schema(example = 81_020)]
    pub transactions: u64,
    /// Labels among them.
    #[schema(example = 310)]
    pub labels: u64,
    /// Whether the log was there from its first entry.
    #[schema(example = true)]
    pub complete: bool,
}

impl<'a> FeatureCatalogue<'a> {
    /// The body of a feature set.
    pub fn of(set: &'a FeatureSet, version: u32) -> Self {
        Self {
            feature_set: set.content_hash().abbreviated(),
            version,
            items: FeatureBody::all(set),
        }
    }
}

impl<'a> FeatureBody<'a> {
    /// One body a feature, in the order of the row.
    pub fn all(set: &'a FeatureSet) -> Vec<Self> {
        let shipped = set.width() - set.user_defined().len();
        let features = set.features().iter().enumerate();
        features
            .map(|(place, feature)| Self::of(feature, place >= shipped))
            .collect()
    }

    /// The body of a feature.
    pub fn of(feature: &'a Feature, user_defined: bool) -> Self {
        Self {
            name: &feature.name,
            family: feature.family.as_str(),
            number: number_of(feature.unit),
            unit: feature.unit.as_str(),
            missing: feature.missing.as_str(),
            source: feature.kind(),
            entity: feature.entity().map(sentinel_features::EntityKind::as_str),
            window: feature.window().map(|window| window.name),
            definition: feature.definition(),
            user_defined,
            doc: &feature.doc,
            phrase: &feature.phrase,
            example: feature.example,
        }
    }
}

/// What the numbers of a unit are. A mean of counts is no integer, so only what is counted or summed is.
fn number_of(unit: Unit) -> &'static str {
    match unit {
        Unit::Count => "integer",
        Unit::Flag => "flag",
        _ => "number",
    }
}

impl From<Addition> for FeaturesAddedBody {
    fn from(addition: Addition) -> Self {
        Self {
            added: addition.added,
            version: addition.version,
            feature_set: addition.features.content_hash().abbreviated(),
            live_from: None,
            state: "checked",
            backfill: None,
        }
    }
}

impl From<FeaturesAdded> for FeaturesAddedBody {
    fn from(added: FeaturesAdded) -> Self {
        Self {
            added: added.added,
            version: added.version,
            feature_set: added.feature_set.abbreviated(),
            live_from: added.offset.map(|offset| offset.0),
            state: if added.is_live { "live" } else { "filling" },
            backfill: added.backfilled.map(BackfillBody::from),
        }
    }
}

impl From<Backfilled> for BackfillBody {
    fn from(backfilled: Backfilled) -> Self {
        Self {
            from: backfilled.from.0,
            to: backfilled.to.0,
            transactions: backfilled.transactions,
            labels: backfilled.labels,
            complete: backfilled.is_complete(),
        }
    }
}
