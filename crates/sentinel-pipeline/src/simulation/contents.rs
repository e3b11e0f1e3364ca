//! What transactions are decided with: each content as the text that an activation carries, and as what it means.
//!
//! Promises that text and meaning are made of the same few numbers and of nothing else, so that the oracle needs no
//! parser. Must never ask the engine what a content means.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use sentinel_domain::{
    Activation, ActivationKind, ContentHash, Currency, Instant, LogOdds, Tier, Verdict,
};
use sentinel_eventlog::disk::simulated::Dice;

use crate::active::Active;

/// A content and what it means.
#[derive(Debug, Clone)]
pub(super) struct Content {
    pub activation: Activation,
    pub meaning: Meaning,
}

/// What a content means.
#[derive(Debug, Clone)]
pub(super) enum Meaning {
    Features(Features),
    Rates(Rates),
    Model(Model),
    Rules(Rules),
    Policy(Policy),
    Lists(Lists),
    /// It cannot be read.
    Broken,
}

/// Whether the feature of the user's own is in the set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Features {
    pub has_own: bool,
}

/// Billionths of a dollar for one unit of a currency of two decimals.
pub(super) type Rates = BTreeMap<Currency, i64>;

/// One tree of three leaves: few payments of the card; else a small sum of the account; else the rest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Model {
    /// At most so many payments with the card within 5 minutes.
    pub count_most: u64,
    /// At most so many minor units of the account within an hour.
    pub sum_most: i64,
    /// Quarters of log-odds over a base in odd eighths: the sum is never on a tier's bound.
    pub leaves: [i32; 3],
}

/// The numbers that the rules compare with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub burst_at: u64,
    pub spend_over: i64,
    pub busy_at: u64,
    pub frauds_at: u64,
    pub large_over: i64,
    /// Whether a rule asks for the user's own feature.
    pub asks_own: bool,
}

/// One card that is listed, for ever or up to a log time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lists {
    pub card: u64,
    pub ends_at: Option<Instant>,
}

/// The verdicts of the five tiers.
pub(super) type Policy = [Verdict; 5];

/// What the user's own feature counts: payments of at least so many dollars with the card, within 24 hours.
pub(super) const OWN_FROM_DOLLARS: i64 = 50;
pub(super) const OWN_AT: u64 = 2;

/// Where the tiers above minimal begin, in log-odds.
const ANCHORS: [i32; 4] = [-1, 0, 1, 2];
/// The base in eighths.
const BASE_EIGHTHS: i32 = -17;

impl Model {
    /// The log-odds: the base and a leaf. A card that is not there counts as many.
    pub fn log_odds(&self, card_count: Option<u64>, account_sum: i64) -> LogOdds {
        let leaf = if card_count.is_some_and(|count| count <= self.count_most) {
            self.leaves[0]
        } else if account_sum <= self.sum_most {
            self.leaves[1]
        } else {
            self.leaves[2]
        };
        LogOdds::from_f64(f64::from(BASE_EIGHTHS) / 8.0 + f64::from(leaf) / 4.0)
    }

    /// The tier of some log-odds.
    pub fn tier(log_odds: LogOdds) -> Tier {
        let reached = ANCHORS
            .iter()
            .filter(|anchor| log_odds.to_f64() >= f64::from(**anchor));
        let tiers = [
            Tier::Minimal,
            Tier::Low,
            Tier::Medium,
            Tier::High,
            Tier::Critical,
        ];
        tiers[reached.count()]
    }

    fn text(&self) -> String {
        let [few, small, rest] = self.leaves.map(|leaf| f64::from(leaf) / 4.0);
        let [a, b, c, d] = ANCHORS;
        let body = format!(
            "sentinel-model 2\nname simulated\nversion 1\ncards 0\nfeatures 2\nfeature card_count_5m\n\
             feature account_sum_1h\nmembers 1\nmember gradient-boosting\nweight 1\nmap 1 0\nbase {}\ntrees 1\ntree 5\n\
             split 0 {}.5 right 1 2\nleaf {few} 10\nsplit 1 {}.5 right 3 4\nleaf {small} 10\nleaf {rest} 10\n\
             calibration 1 1\nknots 1\nknot 0 0\nanchors {a} {b} {c} {d}\nspread 0.5\nsupports 2\nsupport -4 0\n\
             support 4 900\n",
            f64::from(BASE_EIGHTHS) / 8.0,
            self.count_most,
            self.sum_most,
        );
        let hash = ContentHash::of(body.as_bytes());
        format!("{body}hash {hash}\n")
    }
}

impl Rules {
    fn text(&self, version: u32) -> String {
        let mut text = format!("name = \"simulated\"\nversion = {version}\n");
        let mut rule = |id: &str, when: String, effect: &str| {
            text.push_str(&format!(
                "[[rule]]\nid = \"{id}\"\nversion = 1\ndescription = \"As its condition says.\"\nwhen = \"{when}\"\n\
                 {effect}\nreason = \"{id}\"\n"
            ));
        };
        rule(
            "burst",
            format!("card_count_5m >= {}", self.burst_at),
            "tier = \"medium\"",
        );
        rule(
            "spend",
            format!("card_sum_1h > {}", self.spend_over),
            "verdict = \"review\"",
        );
        rule(
            "busy",
            format!("account_count_24h >= {}", self.busy_at),
            "tier = \"low\"",
        );
        rule(
            "fraud",
            format!("account_fraud_count_ever >= {}", self.frauds_at),
            "verdict = \"challenge\"",
        );
        rule(
            "large",
            format!("amount > {}", self.large_over),
            "tier = \"critical\"",
        );
        rule(
            "listed",
            "card_count_5m >= 1 && inList('cards', card_token)".into(),
            "verdict = \"challenge\"",
        );
        if self.asks_own {
            rule(
                "own",
                format!("card_of_mine_24h >= {OWN_AT}"),
                "verdict = \"decline\"",
            );
        }
        text
    }
}

impl Content {
    fn new(kind: ActivationKind, version: u32, content: String, meaning: Meaning) -> Self {
        let activation = Activation {
            kind,
            name: "simulated".into(),
            version,
            content: content.into_bytes(),
        };
        Self {
            activation,
            meaning,
        }
    }

    /// A content of a kind.
    pub fn any(kind: ActivationKind, version: u32, now: Instant, dice: &mut Dice) -> Self {
        match kind {
            ActivationKind::Features => Self::features(version, dice.chance(2, 3)),
            ActivationKind::Rates => Self::rates(version, dice),
            ActivationKind::Model => Self::model(version, dice),
            ActivationKind::Rules => Self::rules(version, dice.chance(1, 3), dice),
            ActivationKind::Policy => Self::policy(version, dice),
            ActivationKind::Lists => Self::lists(version, now, dice),
        }
    }

    /// A content that cannot be read.
    pub fn broken(kind: ActivationKind, version: u32) -> Self {
        Self::new(kind, version, "no such thing".into(), Meaning::Broken)
    }

    /// A set over accounts and cards: what else there is would cost time and tell nothing more.
    pub fn features(version: u32, has_own: bool) -> Self {
        let mut text = "sentinel-features 2\n".to_owned();
        for kind in sentinel_features::EntityKind::ALL {
            if !["account", "card"].contains(&kind.as_str()) {
                text.push_str(&format!("without {kind}\n"));
            }
        }
        if has_own {
            text.push_str(&format!(
                "definitions\n[[feature]]\nname = \"card_of_mine_24h\"\nentity = \"card\"\naggregate = \"count\"\n\
                 window = \"24h\"\nfilter = \"amount >= {OWN_FROM_DOLLARS}\"\n"
            ));
        }
        let meaning = Meaning::Features(Features { has_own });
        Self::new(ActivationKind::Features, version, text, meaning)
    }

    /// One of the cards, or one that never pays, for ever or for a few minutes of log time.
    fn lists(version: u32, now: Instant, dice: &mut Dice) -> Self {
        let card = dice.below(4);
        let ends_at = now.plus_micros(i64::try_from(dice.below(120_000_000)).unwrap());
        // A clock behind the year 9999 has no text.
        let can_be_told = Instant::parse_rfc3339(&ends_at.to_string()) == Some(ends_at);
        let ends_at = (can_be_told && dice.chance(2, 3)).then_some(ends_at);
        let end = ends_at.map_or(String::new(), |end| format!(", expires_at = \"{end}\""));
        let text = format!(
            "name = \"simulated\"\nversion = {version}\n[[list]]\nname = \"cards\"\ndescription = \"Some.\"\n\
             entries = [{{ value = \"c{card}\"{end} }}]\n"
        );
        let meaning = Meaning::Lists(Lists { card, ends_at });
        Self::new(ActivationKind::Lists, version, text, meaning)
    }

    fn rates(version: u32, dice: &mut Dice) -> Self {
        let euro = 1_000_000_000 + 10_000_000 * i64::try_from(dice.below(30)).unwrap();
        let text = format!(
            "name = \"simulated\"\nversion = {version}\nreference = \"USD\"\n[rates]\nEUR = \"{}.{:09}\"\n",
            euro / 1_000_000_000,
            euro % 1_000_000_000
        );
        let rates = [(Currency::USD, 1_000_000_000), (currency("EUR"), euro)];
        let meaning = Meaning::Rates(rates.into_iter().collect());
        Self::new(ActivationKind::Rates, version, text, meaning)
    }

    fn model(version: u32, dice: &mut Dice) -> Self {
        let mut leaf = |from: i32| from + i32::try_from(dice.below(6)).unwrap();
        let leaves = [leaf(-2), leaf(1), leaf(8)];
        let model = Model {
            count_most: 1 + dice.below(4),
            sum_most: 5_000 + 1_000 * i64::try_from(dice.below(30)).unwrap(),
            leaves,
        };
        let meaning = Meaning::Model(model);
        Self::new(ActivationKind::Model, version, model.text(), meaning)
    }

    /// Rules that ask for the user's own feature or do not.
    pub fn rules(version: u32, asks_own: bool, dice: &mut Dice) -> Self {
        let rules = Rules {
            burst_at: 3 + dice.below(4),
            spend_over: 15_000 + 1_000 * i64::try_from(dice.below(20)).unwrap(),
            busy_at: 8 + dice.below(20),
            frauds_at: 1 + dice.below(4),
            large_over: 60 + i64::try_from(dice.below(30)).unwrap(),
            asks_own,
        };
        let meaning = Meaning::Rules(rules);
        Self::new(ActivationKind::Rules, version, rules.text(version), meaning)
    }

    fn policy(version: u32, dice: &mut Dice) -> Self {
        let all = [
            Verdict::Approve,
            Verdict::Challenge,
            Verdict::Review,
            Verdict::Decline,
        ];
        let mut policy: Policy = [Verdict::Approve; 5];
        for tier in 1..5 {
            let milder = policy[tier - 1];
            policy[tier] = milder.max(all[usize::try_from(dice.below(4)).unwrap()]);
        }
        let [minimal, low, medium, high, critical] = policy;
        let text = format!(
            "name = \"simulated\"\nversion = {version}\n[bounds]\nlow = 0.50\nmedium = 0.55\nhigh = 0.70\n\
             critical = 0.85\n[verdicts]\nminimal = \"{minimal}\"\nlow = \"{low}\"\nmedium = \"{medium}\"\n\
             high = \"{high}\"\ncritical = \"{critical}\"\n"
        );
        Self::new(
            ActivationKind::Policy,
            version,
            text,
            Meaning::Policy(policy),
        )
    }
}

/// Keeps the two sets of features as they are read: lives share them, and reading them is most of a switch.
pub(super) fn keep_sets() {
    static SETS: OnceLock<[Active; 2]> = OnceLock::new();
    SETS.get_or_init(|| {
        [false, true].map(|has_own| {
            let content = Content::features(1, has_own);
            Active::of_contents(vec![content.activation]).unwrap()
        })
    });
}

/// A currency by its code.
pub(super) fn currency(code: &str) -> Currency {
    Currency::parse(code).unwrap()
}
