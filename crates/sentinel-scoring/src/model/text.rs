//! The model file: lines of text that a person can read and compare.
//!
//! ```text
//! sentinel-model 1
//! name <text>
//! version <number>
//! features <count>            then one `feature <name>` a line
//! members <count>             then for each:
//! member gradient-boosting
//! weight <number>
//! map <slope> <intercept>
//! base <number>
//! trees <count>               then for each:
//! tree <nodes>                then one node a line, parents before children:
//! split <feature> <threshold> left|right <left child> <right child>
//! leaf <value> <rows covered>
//! calibration <slope> <intercept>
//! anchors <z at risk 0.50> <0.55> <0.70> <0.85>
//! hash <BLAKE3 of every byte before this line>
//! ```
//!
//! A split takes `value <= threshold` left, and a missing value to the side named. Numbers are the
//! shortest decimals that read back as the same number. Promises that each model has one spelling:
//! what reads well is written back byte for byte. Must never reserve memory on the word of a count.

use std::collections::BTreeSet;
use std::fmt::{Display, Write};
use std::str::{FromStr, SplitWhitespace};

use sentinel_domain::{ContentHash, LogOdds};

use super::Contents;
use crate::error::ModelError;
use crate::maps::Affine;
use crate::models::gradient_boosting::{self, GradientBoosting, NODES_MAX, Node, Split, Tree};
use crate::models::{Kind, Member};

/// The first line.
const HEAD: &str = "sentinel-model 1";

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

/// The bytes of a model file.
pub(crate) fn write(contents: &Contents) -> Vec<u8> {
    let mut text = String::new();
    let mut line = |words: &[&dyn Display]| {
        for (index, word) in words.iter().enumerate() {
            if index > 0 {
                text.push(' ');
            }
            // Writing to a string cannot fail.
            let _ = write!(text, "{word}");
        }
        text.push('\n');
    };
    line(&[&HEAD]);
    line(&[&"name", &contents.name]);
    line(&[&"version", &contents.version]);
    line(&[&"features", &contents.features.len()]);
    for feature in &contents.features {
        line(&[&"feature", feature]);
    }
    line(&[&"members", &contents.members.len()]);
    for member in &contents.members {
        line(&[&"member", &member.kind.word()]);
        line(&[&"weight", &member.weight]);
        line(&[&"map", &member.map.slope, &member.map.intercept]);
        line(&[&"base", &member.kind.base()]);
        line(&[&"trees", &member.kind.trees().len()]);
        for tree in member.kind.trees() {
            line(&[&"tree", &tree.nodes().len()]);
            for node in tree.nodes() {
                match node {
                    Node::Split(split) => {
                        let side = if split.missing_left { "left" } else { "right" };
                        let Split {
                            feature,
                            threshold,
                            left,
                            right,
                            ..
                        } = split;
                        line(&[&"split", feature, threshold, &side, left, right]);
                    }
                    Node::Leaf { value, cover } => line(&[&"leaf", value, cover]),
                }
            }
        }
    }
    line(&[
        &"calibration",
        &contents.calibration.slope,
        &contents.calibration.intercept,
    ]);
    let [first, second, third, fourth] = contents.anchors.map(LogOdds::to_f64);
    line(&[&"anchors", &first, &second, &third, &fourth]);
    let hash = ContentHash::of(text.as_bytes());
    let _ = writeln!(text, "hash {hash}");
    text.into_bytes()
}

/// The contents of a model file.
pub(crate) fn read(bytes: &[u8]) -> Result<Contents, ModelError> {
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
    if head != HEAD {
        return Err(reader.fault(format!("expected {HEAD:?}")));
    }
    let contents = read_contents(&mut reader)?;
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
    refuse_second_spelling(&contents, bytes)?;
    Ok(contents)
}

/// `1.0` and `1` read as the same number; only one of them is the model's spelling, or two files of
/// one model would have two hashes.
fn refuse_second_spelling(contents: &Contents, bytes: &[u8]) -> Result<(), ModelError> {
    let own = write(contents);
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

fn read_contents(reader: &mut Reader<'_>) -> Result<Contents, ModelError> {
    let name = reader.name("name")?;
    let version = reader.single("version")?;
    let features = read_features(reader)?;
    let count = reader.count("members", 1, MEMBERS_MAX)?;
    let mut members = Vec::new();
    let mut reach = 0.0;
    for _ in 0..count {
        let member = read_member(reader, features.len())?;
        reach += log_odds_reach(&member);
        if reach.is_nan() || reach > LOG_ODDS_MAX {
            return Err(reader.fault(format!("the log-odds can leave +-{LOG_ODDS_MAX}")));
        }
        members.push(member);
    }
    let calibration = reader.map("calibration")?;
    let anchors = read_anchors(reader)?;
    Ok(Contents {
        name,
        version,
        features,
        members,
        calibration,
        anchors,
    })
}

/// The farthest from zero that a member can move the log-odds.
fn log_odds_reach(member: &Member) -> f64 {
    let trees: f64 = member
        .kind
        .trees()
        .iter()
        .map(Tree::leaf_magnitude_max)
        .sum();
    let margin = member.kind.base().abs() + trees;
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

fn read_member(reader: &mut Reader<'_>, features: usize) -> Result<Member, ModelError> {
    let kind: String = reader.single("member")?;
    if kind != gradient_boosting::WORD {
        return Err(reader.fault(format!("there is no kind of model named {kind:?}")));
    }
    let weight: f64 = reader.single("weight")?;
    if !(weight.is_finite() && weight > 0.0) {
        return Err(reader.fault("a weight is finite and above zero"));
    }
    let map = reader.map("map")?;
    let base: f64 = reader.single("base")?;
    if !base.is_finite() {
        return Err(reader.fault("the base is not finite"));
    }
    let count = reader.count("trees", 0, TREES_MAX)?;
    let mut trees = Vec::new();
    for _ in 0..count {
        trees.push(read_tree(reader, features)?);
    }
    let kind = Kind::GradientBoosting(GradientBoosting { base, trees });
    Ok(Member { weight, map, kind })
}

fn read_tree(reader: &mut Reader<'_>, features: usize) -> Result<Tree, ModelError> {
    let count = reader.count("tree", 1, NODES_MAX)?;
    let first_line = reader.line + 1;
    let mut nodes = Vec::new();
    for _ in 0..count {
        let mut words = reader.words()?;
        let node = match words.next() {
            Some("split") => Node::Split(Split {
                feature: words.word("the feature")?,
                threshold: words.word("the threshold")?,
                missing_left: words.side()?,
                left: words.word("the left child")?,
                right: words.word("the right child")?,
            }),
            Some("leaf") => Node::Leaf {
                value: words.word("the leaf")?,
                cover: words.word("the rows covered")?,
            },
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

/// Walks through the lines and knows where it is.
struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

/// The words of one line.
struct Words<'a> {
    words: SplitWhitespace<'a>,
    line: usize,
}

impl<'a> Reader<'a> {
    fn fault(&self, problem: impl Into<String>) -> ModelError {
        ModelError::Format {
            line: self.line,
            problem: problem.into(),
        }
    }

    /// The next line; one without its end was cut off.
    fn line(&mut self) -> Result<&'a str, ModelError> {
        self.line += 1;
        let Some((line, rest)) = self.rest.split_once('\n') else {
            return Err(self.fault("the file is cut short"));
        };
        self.rest = rest;
        Ok(line)
    }

    fn words(&mut self) -> Result<Words<'a>, ModelError> {
        let line = self.line()?;
        Ok(Words {
            words: line.split_whitespace(),
            line: self.line,
        })
    }

    /// A line that begins with this word.
    fn section(&mut self, word: &str) -> Result<Words<'a>, ModelError> {
        let mut words = self.words()?;
        match words.next() {
            Some(found) if found == word => Ok(words),
            found => Err(self.fault(format!(
                "expected section {word:?}, found {:?}",
                found.unwrap_or_default()
            ))),
        }
    }

    /// A section of one value.
    fn single<T: FromStr>(&mut self, word: &'static str) -> Result<T, ModelError> {
        let mut words = self.section(word)?;
        let value = words.word(word)?;
        words.end()?;
        Ok(value)
    }

    /// A section that says how many lines or trees follow.
    fn count(&mut self, word: &'static str, min: usize, max: usize) -> Result<usize, ModelError> {
        let count: usize = self.single(word)?;
        if count < min || count > max {
            return Err(self.fault(format!("{word} are {min} to {max}, not {count}")));
        }
        Ok(count)
    }

    /// A section whose value is the rest of the line.
    fn name(&mut self, word: &str) -> Result<String, ModelError> {
        let line = self.line()?;
        let Some(name) = line
            .strip_prefix(word)
            .and_then(|rest| rest.strip_prefix(' '))
        else {
            return Err(self.fault(format!("expected section {word:?}")));
        };
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            return Err(self.fault(format!("a name has 1 to {NAME_BYTES_MAX} bytes")));
        }
        if name.trim() != name || name.chars().any(char::is_control) {
            return Err(self.fault("a name has no control characters and no spaces around it"));
        }
        Ok(name.to_owned())
    }

    /// A section of slope and intercept.
    fn map(&mut self, word: &'static str) -> Result<Affine, ModelError> {
        let mut words = self.section(word)?;
        let slope: f64 = words.word("the slope")?;
        let intercept: f64 = words.word("the intercept")?;
        words.end()?;
        if !(slope > 0.0 && slope <= LOG_ODDS_MAX && intercept.abs() <= LOG_ODDS_MAX) {
            return Err(self.fault(format!(
                "a slope lies above 0, an intercept within +-{LOG_ODDS_MAX}, a slope too"
            )));
        }
        Ok(Affine { slope, intercept })
    }
}

impl<'a> Words<'a> {
    fn next(&mut self) -> Option<&'a str> {
        self.words.next()
    }

    fn fault(&self, problem: String) -> ModelError {
        ModelError::Format {
            line: self.line,
            problem,
        }
    }

    /// The next word as a value; `what` names it in the error.
    fn word<T: FromStr>(&mut self, what: &str) -> Result<T, ModelError> {
        let word = self.words.next().unwrap_or_default();
        word.parse()
            .map_err(|_| self.fault(format!("{word:?} cannot be {what}")))
    }

    /// The side for missing values.
    fn side(&mut self) -> Result<bool, ModelError> {
        match self.words.next() {
            Some("left") => Ok(true),
            Some("right") => Ok(false),
            _ => Err(self.fault("missing values go \"left\" or \"right\"".to_owned())),
        }
    }

    /// No word may follow.
    fn end(&mut self) -> Result<(), ModelError> {
        match self.words.next() {
            None => Ok(()),
            Some(word) => Err(self.fault(format!("{word:?} is one word too many"))),
        }
    }
}
