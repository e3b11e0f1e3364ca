//! The model file: lines of text that a person can read and compare.
//!
//! ```text
//! sentinel-model 2
//! name <text>
//! version <number>
//! cards <count>               then one `card <key> <value>` a line
//! features <count>            then one `feature <name>` a line
//! members <count>             then for each:
//! member gradient-boosting|isolation-forest|neural-network
//! weight <number>
//! map <slope> <intercept>
//! base <number>
//! trees <count>               then for each:
//! tree <nodes>                then one node a line, parents before children:
//! split <feature> <threshold> left|right <left child> <right child>
//! split-zero <feature> <threshold> left|right <left child> <right child>
//! split-among <feature> <code>,<code>,... left|right <left child> <right child>
//! leaf <value> <rows covered>
//! inputs <count>              of a neural network instead of base and trees, see `network.rs`
//! calibration <slope below the knots> <slope above them>
//! knots <count>               then one `knot <z> <log-odds of the probability>` a line
//! anchors <z at risk 0.50> <0.55> <0.70> <0.85>
//! spread <usual spread of the members>
//! supports <count>            then one `support <z> <validation rows at most there>` a line
//! hash <BLAKE3 of every byte before this line>
//! ```
//!
//! A `split` takes `value <= threshold` left, `split-zero` too but counts zero as missing, `split-among`
//! takes these categories left; all take a missing value to the side named. Numbers are the
//! shortest decimals that read back as the same number. `sentinel-model 1` knew only `split`, had no
//! card, spread or support, and `calibration <slope> <intercept>` instead of knots: it is read
//! still, and written back as it was. Promises that each model has one spelling: what reads well
//! is written back byte for byte. Must never reserve memory on the word of a count.

mod network;
mod reader;

use std::collections::BTreeSet;
use std::fmt::{Display, Write};
use std::sync::Arc;

use sentinel_domain::{ContentHash, LogOdds};

use super::Contents;
use crate::card::{self, Card};
use crate::confidence::{STEPS_MAX, Step, Support};
use crate::error::ModelError;
use crate::maps::{Affine, Calibration, KNOTS_MAX};
use crate::models::tree::{NODES_MAX, Node, Split, Test, Tree};
use crate::models::{Kind, Member, neural_network};
use crate::scorer::Entries;
use reader::{Reader, Words};

/// The largest file that is read: what it becomes in memory stays within some times that.
const FILE_BYTES_MAX: usize = 1 << 28;

/// The most features of a model.
pub(crate) const FEATURES_MAX: usize = 4095;

/// The most members of an ensemble.
const MEMBERS_MAX: usize = 16;

/// The most trees of one member.
pub(crate) const TREES_MAX: usize = 10_000;

/// The longest name of a model or a feature, in bytes.
const NAME_BYTES_MAX: usize = 256;

/// The largest magnitude of the log-odds that a model may reach, and of every map's number.
const LOG_ODDS_MAX: f64 = 1_000_000.0;

/// The most rows that a validation slice can claim.
const ROWS_MAX: u64 = 1 << 40;

/// The forms of a model file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Plain splits; no card, no support.
    First,
    /// What is written today.
    Second,
}

impl Format {
    /// The first line.
    fn head(self) -> &'static str {
        match self {
            Self::First => "sentinel-model 1",
            Self::Second => "sentinel-model 2",
        }
    }
}

/// Lines being written.
struct Lines(String);

impl Lines {
    fn line(&mut self, words: &[&dyn Display]) {
        for (index, word) in words.iter().enumerate() {
            if index > 0 {
                self.0.push(' ');
            }
            // Writing to a string cannot fail.
            let _ = write!(self.0, "{word}");
        }
        self.0.push('\n');
    }
}

/// The bytes of a model file.
pub(crate) fn write(contents: &Contents, format: Format) -> Vec<u8> {
    let mut lines = Lines(String::new());
    lines.line(&[&format.head()]);
    lines.line(&[&"name", &contents.name]);
    lines.line(&[&"version", &contents.version]);
    if format == Format::Second {
        lines.line(&[&"cards", &contents.card.entries().len()]);
        for (key, value) in contents.card.entries() {
            lines.line(&[&"card", &key, &value]);
        }
    }
    lines.line(&[&"features", &contents.features.len()]);
    for feature in &contents.features {
        lines.line(&[&"feature", feature]);
    }
    lines.line(&[&"members", &contents.members.len()]);
    for member in &contents.members {
        write_member(&mut lines, member);
    }
    write_maps(&mut lines, contents, format);
    let mut text = lines.0;
    let hash = ContentHash::of(text.as_bytes());
    let _ = writeln!(text, "hash {hash}");
    text.into_bytes()
}

fn write_member(lines: &mut Lines, member: &Member) {
    lines.line(&[&"member", &member.kind.word()]);
    lines.line(&[&"weight", &member.weight]);
    lines.line(&[&"map", &member.map.slope, &member.map.intercept]);
    if let Some(network) = member.kind.network() {
        return network::write(lines, network);
    }
    lines.line(&[&"base", &member.kind.base()]);
    lines.line(&[&"trees", &member.kind.trees().len()]);
    for tree in member.kind.trees() {
        lines.line(&[&"tree", &tree.nodes().len()]);
        for node in tree.nodes() {
            match node {
                Node::Split(split) => write_split(lines, split),
                Node::Leaf { value, cover } => lines.line(&[&"leaf", value, cover]),
            }
        }
    }
}

fn write_split(lines: &mut Lines, split: &Split) {
    let side = if split.missing_left { "left" } else { "right" };
    let Split {
        feature,
        left,
        right,
        ..
    } = split;
    match &split.test {
        Test::AtMost {
            threshold,
            zero_missing,
        } => {
            let word = if *zero_missing { "split-zero" } else { "split" };
            lines.line(&[&word, feature, threshold, &side, left, right]);
        }
        Test::OneOf { categories } => {
            let mut codes = String::new();
            for (index, code) in categories.iter().enumerate() {
                let comma = if index > 0 { "," } else { "" };
                let _ = write!(codes, "{comma}{code}");
            }
            lines.line(&[&"split-among", feature, &codes, &side, left, right]);
        }
    }
}

fn write_maps(lines: &mut Lines, contents: &Contents, format: Format) {
    let calibration = &contents.calibration;
    let [first, second, third, fourth] = contents.anchors.map(LogOdds::to_f64);
    let anchors: [&dyn Display; 5] = [&"anchors", &first, &second, &third, &fourth];
    if format == Format::First {
        let intercept = calibration.knots.first().map_or(0.0, |(_, value)| *value);
        lines.line(&[&"calibration", &calibration.slope_below, &intercept]);
        lines.line(&anchors);
        return;
    }
    let slopes: [&dyn Display; 2] = [&calibration.slope_below, &calibration.slope_above];
    lines.line(&[&"calibration", slopes[0], slopes[1]]);
    lines.line(&[&"knots", &calibration.knots.len()]);
    for (from, to) in &calibration.knots {
        lines.line(&[&"knot", from, to]);
    }
    lines.line(&anchors);
    lines.line(&[&"spread", &contents.support.spread]);
    lines.line(&[&"supports", &contents.support.steps.len()]);
    for step in &contents.support.steps {
        lines.line(&[&"support", &step.log_odds, &step.rows]);
    }
}

/// The contents of a model file.
pub(crate) fn read(bytes: &[u8]) -> Result<(Contents, Format), ModelError> {
    if bytes.len() > FILE_BYTES_MAX {
        return Err(ModelError::Format {
            line: 1,
            problem: format!("a model file has at most {FILE_BYTES_MAX} bytes"),
        });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        ModelError::Format {
            line: 1 + good.iter().filter(|byte| **byte == b'\n').count(),
            problem: "the text is not UTF-8".to_owned(),
        }
    })?;
    let mut reader = Reader {
        rest: text,
        line: 0,
    };
    let head = reader.line()?;
    let forms = [Format::First, Format::Second];
    let Some(format) = forms.into_iter().find(|format| format.head() == head) else {
        let newest = Format::Second.head();
        return Err(reader.fault(format!("expected {newest:?}")));
    };
    let contents = read_contents(&mut reader, format)?;
    let body = text.len() - reader.rest.len();
    let mut words = reader.section("hash")?;
    let stated: String = words.word("the hash")?;
    words.end()?;
    if !reader.rest.is_empty() {
        reader.line += 1;
        return Err(reader.fault("nothing may follow the hash"));
    }
    let hash = ContentHash::of(bytes.get(..body).unwrap_or_default());
    if stated != hash.to_string() {
        return Err(ModelError::Hash { line: reader.line });
    }
    refuse_second_spelling(&contents, format, bytes)?;
    Ok((contents, format))
}

/// `1.0` and `1` read as the same number; only one of them is the model's spelling, or two files of
/// one model would have two hashes.
fn refuse_second_spelling(
    contents: &Contents,
    format: Format,
    bytes: &[u8],
) -> Result<(), ModelError> {
    let own = write(contents, format);
    if own == bytes {
        return Ok(());
    }
    let mut same = own
        .split(|byte| *byte == b'\n')
        .zip(bytes.split(|byte| *byte == b'\n'));
    Err(ModelError::Format {
        line: 1 + same.position(|(ours, theirs)| ours != theirs).unwrap_or(0),
        problem: "this is not the shortest spelling of its numbers".to_owned(),
    })
}

fn read_contents(reader: &mut Reader<'_>, format: Format) -> Result<Contents, ModelError> {
    let name = reader.name("name")?;
    let version = reader.single("version")?;
    let card = match format {
        Format::First => Card::default(),
        Format::Second => read_card(reader)?,
    };
    let features = read_features(reader)?;
    let count = reader.count("members", 1, MEMBERS_MAX)?;
    let mut members = Vec::new();
    let mut reach = 0.0;
    for _ in 0..count {
        let member = read_member(reader, features.len(), format)?;
        reach += log_odds_reach(&member);
        if reach.is_nan() || reach > LOG_ODDS_MAX {
            return Err(reader.fault(format!("the log-odds can leave +-{LOG_ODDS_MAX}")));
        }
        members.push(member);
        if let Some(problem) = Entries::fault(&members) {
            return Err(reader.fault(problem));
        }
    }
    let calibration = match format {
        Format::First => Calibration::straight(read_map(reader, "calibration")?),
        Format::Second => read_calibration(reader)?,
    };
    let anchors = read_anchors(reader)?;
    let support = match format {
        Format::First => Support::none(),
        Format::Second => read_support(reader)?,
    };
    Ok(Contents {
        name,
        version,
        card,
        features,
        members,
        calibration,
        anchors,
        support,
    })
}

fn read_card(reader: &mut Reader<'_>) -> Result<Card, ModelError> {
    let count = reader.count("cards", 0, card::ENTRIES_MAX)?;
    let mut card = Card::default();
    for _ in 0..count {
        let entry = reader.rest_of("card")?;
        let (key, value) = entry.split_once(' ').unwrap_or((entry, ""));
        if let Err(problem) = card.add(key, value) {
            return Err(reader.fault(problem));
        }
    }
    Ok(card)
}

/// The farthest from zero that a member can move the log-odds.
fn log_odds_reach(member: &Member) -> f64 {
    let trees: f64 = member
        .kind
        .trees()
        .iter()
        .map(Tree::leaf_magnitude_max)
        .sum();
    let margin = match member.kind {
        Kind::NeuralNetwork(_) => neural_network::MARGIN_MAX,
        _ => member.kind.base().abs() + trees,
    };
    member.weight * (member.map.slope * margin + member.map.intercept.abs())
}

fn read_features(reader: &mut Reader<'_>) -> Result<Vec<String>, ModelError> {
    let count = reader.count("features", 1, FEATURES_MAX)?;
    let mut features = Vec::new();
    let mut seen = BTreeSet::new();
    for _ in 0..count {
        let feature = reader.name("feature")?;
        if !seen.insert(feature.clone()) {
            return Err(reader.fault(format!("feature {feature:?} stands twice")));
        }
        features.push(feature);
    }
    Ok(features)
}

fn read_member(
    reader: &mut Reader<'_>,
    features: usize,
    format: Format,
) -> Result<Member, ModelError> {
    let word: String = reader.single("member")?;
    let is_network = word == neural_network::WORD && format == Format::Second;
    if !is_network && Kind::of(&word, 0.0, Vec::new()).is_none() {
        return Err(reader.fault(format!("there is no kind of model named {word:?}")));
    }
    let weight: f64 = reader.single("weight")?;
    if !(weight.is_finite() && weight > 0.0) {
        return Err(reader.fault("a weight is finite and above zero"));
    }
    let map = read_map(reader, "map")?;
    if is_network {
        let kind = Kind::NeuralNetwork(Arc::new(network::read(reader, features)?));
        return Ok(Member { weight, map, kind });
    }
    let base: f64 = reader.single("base")?;
    if !base.is_finite() {
        return Err(reader.fault("the base is not finite"));
    }
    let count = reader.count("trees", 0, TREES_MAX)?;
    let mut trees = Vec::new();
    for _ in 0..count {
        trees.push(read_tree(reader, features, format)?);
    }
    match Kind::of(&word, base, trees) {
        Some(kind) => Ok(Member { weight, map, kind }),
        None => Err(reader.fault("the kind of model is known by now")),
    }
}

/// A section of slope and intercept.
fn read_map(reader: &mut Reader<'_>, word: &'static str) -> Result<Affine, ModelError> {
    let mut words = reader.section(word)?;
    let slope: f64 = words.word("the slope")?;
    let intercept: f64 = words.word("the intercept")?;
    words.end()?;
    if !(slope > 0.0 && slope <= LOG_ODDS_MAX && intercept.abs() <= LOG_ODDS_MAX) {
        return Err(reader.fault(format!(
            "a slope lies above 0, an intercept within +-{LOG_ODDS_MAX}, a slope too"
        )));
    }
    Ok(Affine { slope, intercept })
}

fn read_tree(reader: &mut Reader<'_>, features: usize, format: Format) -> Result<Tree, ModelError> {
    let count = reader.count("tree", 1, NODES_MAX)?;
    let first_line = reader.line + 1;
    let mut nodes = Vec::new();
    for _ in 0..count {
        let mut words = reader.words()?;
        let node = match (words.next(), format) {
            (Some("leaf"), _) => Node::Leaf {
                value: words.word("the leaf")?,
                cover: words.word("the rows covered")?,
            },
            (Some("split"), _) => read_split(&mut words, at_most(false))?,
            (Some("split-zero"), Format::Second) => read_split(&mut words, at_most(true))?,
            (Some("split-among"), Format::Second) => read_split(&mut words, one_of)?,
            _ => return Err(reader.fault("expected \"split\" or \"leaf\"")),
        };
        words.end()?;
        nodes.push(node);
    }
    Tree::new(nodes, features).map_err(|(index, problem)| ModelError::Format {
        line: first_line + index,
        problem,
    })
}

/// The words of a split, its test read by `test`.
fn read_split<'a>(
    words: &mut Words<'a>,
    test: impl Fn(&mut Words<'a>) -> Result<Test, ModelError>,
) -> Result<Node, ModelError> {
    Ok(Node::Split(Split {
        feature: words.word("the feature")?,
        test: test(words)?,
        missing_left: words.side()?,
        left: words.word("the left child")?,
        right: words.word("the right child")?,
    }))
}

fn at_most(zero_missing: bool) -> impl Fn(&mut Words<'_>) -> Result<Test, ModelError> {
    move |words| {
        Ok(Test::AtMost {
            threshold: words.word("the threshold")?,
            zero_missing,
        })
    }
}

fn one_of(words: &mut Words<'_>) -> Result<Test, ModelError> {
    let list = words.next().unwrap_or_default();
    let code = |word: &str| {
        let fault = |_| words.fault(format!("{word:?} cannot be a category"));
        word.parse().map_err(fault)
    };
    let categories = list.split(',').map(code);
    let categories: Arc<[u32]> = categories.collect::<Result<_, ModelError>>()?;
    Ok(Test::OneOf { categories })
}

fn read_calibration(reader: &mut Reader<'_>) -> Result<Calibration, ModelError> {
    let mut words = reader.section("calibration")?;
    let slope_below: f64 = words.word("the slope below")?;
    let slope_above: f64 = words.word("the slope above")?;
    words.end()?;
    if [slope_below, slope_above]
        .iter()
        .any(|slope| !(*slope > 0.0 && *slope <= LOG_ODDS_MAX))
    {
        return Err(reader.fault(format!("a slope lies above 0, up to {LOG_ODDS_MAX}")));
    }
    let count = reader.count("knots", 1, KNOTS_MAX)?;
    let mut knots: Vec<(f64, f64)> = Vec::new();
    for _ in 0..count {
        let mut words = reader.section("knot")?;
        let knot = (words.word("z")?, words.word("log-odds")?);
        words.end()?;
        if !(within(knot.0) && within(knot.1)) {
            return Err(reader.fault(format!("a knot lies within +-{LOG_ODDS_MAX}")));
        }
        if knots
            .last()
            .is_some_and(|before| knot.0 <= before.0 || knot.1 <= before.1)
        {
            return Err(reader.fault("the knots do not rise"));
        }
        knots.push(knot);
    }
    Ok(Calibration {
        slope_below,
        slope_above,
        knots,
    })
}

/// Whether a number of log-odds keeps its bound; not-a-number does not.
fn within(value: f64) -> bool {
    value.abs() <= LOG_ODDS_MAX
}

fn read_support(reader: &mut Reader<'_>) -> Result<Support, ModelError> {
    let spread: f64 = reader.single("spread")?;
    if !(spread > 0.0 && spread <= LOG_ODDS_MAX) {
        return Err(reader.fault(format!("the spread lies above 0, up to {LOG_ODDS_MAX}")));
    }
    let count = reader.count("supports", 0, STEPS_MAX)?;
    let mut steps: Vec<Step> = Vec::new();
    for _ in 0..count {
        let mut words = reader.section("support")?;
        let step = Step {
            log_odds: words.word("z")?,
            rows: words.word("validation rows")?,
        };
        words.end()?;
        if !within(step.log_odds) || step.rows > ROWS_MAX {
            return Err(reader.fault(format!(
                "support lies within +-{LOG_ODDS_MAX} and counts up to {ROWS_MAX} rows"
            )));
        }
        if steps
            .last()
            .is_some_and(|before| step.log_odds <= before.log_odds || step.rows < before.rows)
        {
            return Err(reader.fault("the support does not rise"));
        }
        steps.push(step);
    }
    Ok(Support { spread, steps })
}

fn read_anchors(reader: &mut Reader<'_>) -> Result<[LogOdds; 4], ModelError> {
    let mut words = reader.section("anchors")?;
    let mut anchors = [LogOdds::ZERO; 4];
    let mut before = None;
    for anchor in &mut anchors {
        let value: f64 = words.word("an anchor")?;
        if !(-LOG_ODDS_MAX..=LOG_ODDS_MAX).contains(&value) {
            return Err(reader.fault(format!("an anchor lies within +-{LOG_ODDS_MAX}")));
        }
        *anchor = LogOdds::from_f64(value);
        if before.is_some_and(|before| *anchor <= before) {
            return Err(reader.fault("the anchors do not rise"));
        }
        before = Some(*anchor);
    }
    words.end()?;
    Ok(anchors)
}
