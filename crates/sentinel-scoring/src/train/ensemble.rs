//! Putting the members together: what each says in log-odds, and what their sum means.
//!
//! Each member gets Platt's map on the validation slice; z is their weighted sum; probability is a
//! calibration of z, risk stands on its anchors, and confidence on how many rows scored near and on how
//! far the members usually are apart. All of it is fixed on the very numbers that scoring will give.
//!
//! Promises that no member turns the order of rows round: one that says nothing or the reverse of it on
//! the slice counts with the smallest slope. Must never fit a map on rows that a tree has seen, unless
//! there are no others.

use sentinel_domain::LogOdds;

use super::{Options, TrainingSet, calibrate, isotonic, support};
use crate::card::Card;
use crate::confidence::Support;
use crate::error::TrainError;
use crate::maps::{Affine, Calibration};
use crate::metrics;
use crate::model::{Contents, Model, TREES_MAX};
use crate::models::tree::NODES_MAX;
use crate::models::{Kind, Member};

/// The most rows that a tree of the forest draws: each may end in a leaf of its own.
const FOREST_ROWS_MAX: usize = NODES_MAX.div_ceil(2);

/// The largest weight of a member.
const WEIGHT_MAX: f64 = 1000.0;

/// What one member does on the rows that the maps were fitted on.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberReport {
    /// Its kind, as the model file calls it.
    pub kind: &'static str,
    /// Its share in the weighted sum.
    pub weight: f64,
    /// How many trees it has.
    pub trees: usize,
    /// The slope of its map from margin to log-odds.
    pub slope: f64,
    /// The area under its own receiver operating characteristic.
    pub auc: f64,
    /// Its own average precision.
    pub average_precision: f64,
}

/// The rows on which maps were fitted, and what the finished model says of them.
pub(super) struct Judged<'a> {
    pub(super) fraud: &'a [bool],
    pub(super) log_odds: Vec<LogOdds>,
    pub(super) members: Vec<MemberReport>,
}

/// Refuses options of the ensemble that are out of their bounds.
pub(super) fn check(options: &Options) -> Result<(), TrainError> {
    let (boosted, forest) = (options.boosted_weight, options.forest_weight);
    let weight = |value: f64| (0.0..=WEIGHT_MAX).contains(&value);
    let trees = (1..=TREES_MAX).contains(&options.forest.trees);
    let rows = (2..=FOREST_ROWS_MAX).contains(&options.forest.rows);
    let (option, problem) = match () {
        () if !weight(boosted) => ("boosted_weight", "lies in 0 to 1000"),
        () if !weight(forest) => ("forest_weight", "lies in 0 to 1000"),
        () if boosted + forest == 0.0 => ("forest_weight", "is above 0 where no trees are boosted"),
        () if !trees => ("forest.trees", "lies in 1 to 10000"),
        () if !rows => ("forest.rows", "lies in 2 to 4096"),
        () => return Ok(()),
    };
    Err(TrainError::Option { option, problem })
}

/// The contents of the model of these members, and what it says of the rows that it was fitted on.
pub(super) fn assemble<'a>(
    set: &'a TrainingSet,
    options: &Options,
    members: Vec<(f64, Kind)>,
) -> Result<(Contents, Judged<'a>), TrainError> {
    // Without a validation slice the training rows must serve for the maps.
    let from = if set.validation_from < set.fraud.len() {
        set.validation_from
    } else {
        0
    };
    let columns = set.features.len();
    let rows = set.rows.get(from * columns..).unwrap_or_default();
    let fraud = set.fraud.get(from..).unwrap_or_default();
    let mut reports = Vec::new();
    let members = members
        .into_iter()
        .map(|(weight, kind)| {
            let margins: Vec<f64> = rows
                .chunks_exact(columns)
                .map(|row| kind.margin(row))
                .collect();
            let map = calibrate::platt(&margins, fraud);
            reports.push(MemberReport {
                kind: kind.word(),
                weight,
                trees: kind.trees().len(),
                slope: map.slope,
                auc: metrics::auc(&margins, fraud),
                average_precision: metrics::average_precision(&margins, fraud),
            });
            Member { weight, map, kind }
        })
        .collect();
    let mut contents = Contents {
        name: options.name.clone(),
        version: options.version,
        card: Card::default(),
        features: set.features.clone(),
        members,
        calibration: Calibration::straight(Affine::IDENTITY),
        anchors: [0.0, 1.0, 2.0, 3.0].map(LogOdds::from_f64),
        support: Support::none(),
    };
    let sums = sums(rows, columns, &contents)?;
    let log_odds: Vec<LogOdds> = sums.iter().map(|sum| sum.log_odds).collect();
    contents.calibration = isotonic::calibration(&log_odds, fraud);
    contents.anchors = calibrate::anchors(&log_odds, fraud, &options.anchors);
    // Rows that the trees have seen support nothing.
    if from > 0 {
        contents.support = support::support(&sums);
    }
    let judged = Judged {
        fraud,
        log_odds,
        members: reports,
    };
    Ok((contents, judged))
}

/// What the members say of each row, as scoring gives it.
fn sums(
    rows: &[f32],
    columns: usize,
    contents: &Contents,
) -> Result<Vec<crate::scorer::Sum>, TrainError> {
    let schema: Vec<&str> = contents.features.iter().map(String::as_str).collect();
    let scorer = Model::from_contents(contents)?.bind(&schema)?;
    let mut slots = Vec::with_capacity(columns);
    let rows = rows.chunks_exact(columns);
    Ok(rows
        .map(|row| {
            slots.clear();
            slots.extend(row.iter().map(|value| f64::from(*value)));
            scorer.sum(&slots)
        })
        .collect())
}
