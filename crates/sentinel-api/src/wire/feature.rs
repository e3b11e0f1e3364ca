//! The feature catalogue on the wire.

use sentinel_features::feature::Source;
use sentinel_features::{Feature, FeatureSet};
use serde::Serialize;
use utoipa::ToSchema;

/// Every feature, in the order of the row that models and rules see.
#[derive(Debug, Serialize, ToSchema)]
pub struct FeatureCatalogue<'a> {
    /// The hash of the set, abbreviated: the `versions.feature_set` of decisions made with it.
    #[schema(example = "9f86d081884c")]
    pub feature_set: String,
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
    /// What its numbers count.
    #[schema(example = "count")]
    pub unit: &'static str,
    /// When it has no value: `never`, `no_entity`, `no_history`, `no_amount` or `no_field`.
    #[schema(example = "never")]
    pub missing: &'static str,
    /// The entity whose windows it reads; null where it follows from the transaction alone.
    #[schema(example = "account")]
    pub entity: Option<&'static str>,
    /// One line for people.
    pub doc: &'a str,
    /// A value one could meet.
    #[schema(example = 3.0)]
    pub example: f64,
}

impl<'a> FeatureCatalogue<'a> {
    /// The body of a feature set.
    pub fn of(set: &'a FeatureSet) -> Self {
        Self {
            feature_set: set.content_hash().abbreviated(),
            items: set.features().iter().map(FeatureBody::of).collect(),
        }
    }
}

impl<'a> FeatureBody<'a> {
    fn of(feature: &'a Feature) -> Self {
        let entity = match &feature.source {
            Source::Entity(kind, _) => Some(kind.as_str()),
            Source::Transaction(_) | Source::Attribute(..) => None,
        };
        Self {
            name: &feature.name,
            family: feature.family.as_str(),
            unit: feature.unit.as_str(),
            missing: feature.missing.as_str(),
            entity,
            doc: &feature.doc,
            example: feature.example,
        }
    }
}
