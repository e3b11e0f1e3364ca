//! From the numbers of a table to the profile that the generator runs on.
//!
//! A profile has words of its own for brands and funding, wants shares that add up, and knows fewer fields than
//! a table has columns. What had to be bent to fit is told in the profile's `source`.

use std::collections::BTreeMap;

use sentinel_domain::transaction::{CardBrand, CardFunding};
use sentinel_synth::profile::{
    Amounts, ClientSize, Days, Fraud, Hours, Level, Number, PROFILE_FORMAT, Part, Profile,
    SmallAmounts,
};

use super::fields;
use super::statistics::amounts::SMALL_MINOR;
use super::statistics::share;
use super::summary::{Level as Told, Slot, Summary};

/// What the generator calls a domain that stands for many.
const OTHER_DOMAIN: &str = "other.example";

/// What it calls any other word that stands for many.
const OTHER_WORD: &str = "other";

/// Attributes that a profile may ask for, beside those with keys of their own.
const ATTRIBUTES_MAX: usize = 45;

/// The most fraud that a profile may have.
const FRAUD_RATE_MAX: f64 = 0.5;

/// Columns of this prefix, details of browsers and networks, are told in the report and not generated.
const DETAILS: &str = "id_";

/// Days of a profile at most.
const DAYS_MAX: usize = 10_000;

/// Where IEEE-CIS has a column whose absence says what the absence of a field of ours would.
const MISSING_AS: [(&str, &str); 2] = [("card_bin", "card2"), ("billing_country", "addr2")];

/// The profile of a table, under a name. An error says what keeps it from being one.
pub fn of(summary: &Summary, name: &str) -> anyhow::Result<Profile> {
    anyhow::ensure!(
        summary.amounts.rows > 0 && summary.amounts.maximum > 0.0,
        "make a profile: no row has an amount above zero in {}",
        summary.amounts.currency
    );
    let mut bent = Vec::new();
    if summary.fraud_rate > FRAUD_RATE_MAX {
        bent.push(format!(
            "the fraud rate {:.3} is cut to a half",
            summary.fraud_rate
        ));
    }
    let attributes = attributes(summary, &mut bent);
    let room = ATTRIBUTES_MAX - attributes.len();
    let profile = Profile {
        format: PROFILE_FORMAT,
        name: name.to_owned(),
        fraud_rate: summary.fraud_rate.min(FRAUD_RATE_MAX),
        fraud: Fraud::Stories,
        hours: hours(summary),
        days: days(summary, &mut bent),
        product: words(summary, "product", &|word| Some(word.to_owned())),
        card_brand: words(summary, "card_brand", &brand),
        card_funding: words(summary, "card_funding", &funding),
        email_domain: words(summary, "email_domain", &domain),
        recipient_email_domain: words(summary, "recipient_email_domain", &domain),
        device_type: words(summary, "device_type", &|word| Some(word.to_owned())),
        attributes,
        numbers: numbers(summary, room, &mut bent),
        missing_rates: missing_rates(summary),
        amounts: amounts(summary, &mut bent),
        client_sizes: client_sizes(summary),
        // A table of one stretch tells how things are, not how they change.
        drift: Vec::new(),
        source: source(summary, &bent),
    };
    profile.examine()?;
    Ok(profile)
}

fn source(summary: &Summary, bent: &[String]) -> String {
    let mut source = format!(
        "sentinel analyze of {} transactions ({}), {} to {}.",
        summary.rows, summary.layout, summary.first_event, summary.last_event
    );
    for said in summary.notes.iter().chain(bent) {
        source.push_str(" Note: ");
        source.push_str(said);
        source.push('.');
    }
    source
}

fn hours(summary: &Summary) -> Hours {
    let of = |value: fn(&Slot) -> f64| summary.hours.iter().map(value).collect();
    Hours {
        volume: of(|slot| slot.share),
        fraud_rate: of(|slot| slot.fraud_rate),
    }
}

fn days(summary: &Summary, bent: &mut Vec<String>) -> Days {
    // Of one day there is no course of days to tell.
    if summary.days.len() < 2 {
        return Days::default();
    }
    if summary.days.len() > DAYS_MAX {
        bent.push(format!("more than {DAYS_MAX} days: every day is alike"));
        return Days::default();
    }
    let mut fraud_rate: Vec<f64> = summary.days.iter().map(|day| day.fraud_rate).collect();
    if !summary.labelled {
        fraud_rate.clear();
    }
    Days {
        volume: summary.days.iter().map(|day| day.rows as f64).collect(),
        fraud_rate,
    }
}

/// The levels of a column in the generator's words; levels that become one word are added up. A table
/// without the column has it missing in every row.
fn words(summary: &Summary, name: &str, spell: &dyn Fn(&str) -> Option<String>) -> Vec<Level> {
    let Some(words) = summary.words_of(name) else {
        return vec![Level {
            level: None,
            share: 1.0,
            fraud_rate: summary.fraud_rate,
        }];
    };
    let others = if name.ends_with("email_domain") {
        OTHER_DOMAIN
    } else {
        OTHER_WORD
    };
    let mut rows: BTreeMap<Option<String>, (u64, f64)> = BTreeMap::new();
    let mut add = |word: Option<String>, told: &Told| {
        let (rows, fraud) = rows.entry(word).or_default();
        *rows += told.rows;
        *fraud += told.fraud_rate * told.rows as f64;
    };
    for told in &words.levels {
        add(told.level.as_deref().and_then(spell), told);
    }
    if let Some(told) = &words.others {
        add(spell(others), told);
    }
    let mut whole = summary.rows;
    // What a card is like is asked of payments with a card: the generator pays some things without one.
    if name.starts_with("card_")
        && summary.cardless_rows < whole
        && let Some((missing, fraud)) = rows.get_mut(&None)
    {
        whole -= summary.cardless_rows;
        *missing = missing.saturating_sub(summary.cardless_rows);
        *fraud -= summary.cardless_fraud as f64;
    }
    rows.retain(|_, (rows, _)| *rows > 0);
    let mut levels: Vec<(Option<String>, (u64, f64))> = rows.into_iter().collect();
    levels.sort_by(|a, b| b.1.0.cmp(&a.1.0).then_with(|| a.0.cmp(&b.0)));
    levels
        .into_iter()
        .map(|(level, (rows, fraud))| Level {
            level,
            share: share(rows, whole),
            fraud_rate: (fraud / rows.max(1) as f64).clamp(0.0, 1.0),
        })
        .collect()
}

/// The product's word for a brand, whoever spelled it.
fn brand(word: &str) -> Option<String> {
    let word = match word {
        "american express" => "amex",
        known if CardBrand::parse(known).is_some() => known,
        _ => OTHER_WORD,
    };
    Some(word.to_owned())
}

/// The product's word for a funding; what says two things says nothing.
fn funding(word: &str) -> Option<String> {
    let word = match word {
        "charge card" => "credit",
        known => known,
    };
    CardFunding::parse(word).map(|_| word.to_owned())
}

fn domain(word: &str) -> Option<String> {
    Some(word.to_owned())
}

/// Columns of words that are neither fields of the generator's own nor names in disguise.
fn attributes(summary: &Summary, bent: &mut Vec<String>) -> BTreeMap<String, Vec<Level>> {
    let mut attributes = BTreeMap::new();
    for words in &summary.words {
        let name = words.name.as_str();
        let own = fields::NAMED.contains(&name) || fields::is_word(name);
        if own || name.starts_with(DETAILS) {
            continue;
        }
        if attributes.len() >= ATTRIBUTES_MAX {
            bent.push(format!(
                "{name} is left out, for {ATTRIBUTES_MAX} attributes are the most"
            ));
            continue;
        }
        let levels = self::words(summary, name, &|word| Some(word.to_owned()));
        attributes.insert(name.to_owned(), levels);
    }
    attributes
}

fn numbers(summary: &Summary, room: usize, bent: &mut Vec<String>) -> BTreeMap<String, Number> {
    let mut numbers = BTreeMap::new();
    for told in &summary.numbers {
        if summary.words_of(&told.name).is_some() || told.positive_share == 0.0 {
            continue;
        }
        if numbers.len() >= room {
            bent.push(format!("{} is left out: too many attributes", told.name));
            continue;
        }
        let number = Number {
            missing_rate: told.missing_rate.clamp(0.0, 1.0),
            log_mean: told.log_mean.clamp(-50.0, 50.0),
            log_deviation: told.log_deviation.clamp(0.0, 10.0),
        };
        numbers.insert(told.name.clone(), number);
    }
    numbers
}

/// How often a field is missing that the generator can leave out.
fn missing_rates(summary: &Summary) -> BTreeMap<String, f64> {
    let rate = |field: &str| {
        let theirs = MISSING_AS.iter().find(|(ours, _)| *ours == field);
        let theirs = theirs.and_then(|(_, theirs)| summary.missing_rate(theirs));
        theirs.or_else(|| summary.missing_rate(field))
    };
    Profile::MISSABLE
        .iter()
        .filter_map(|field| Some(((*field).to_owned(), rate(field)?)))
        .collect()
}

fn amounts(summary: &Summary, bent: &mut Vec<String>) -> Amounts {
    let told = &summary.amounts;
    let quantile = |share: f64| {
        let found = told
            .quantiles
            .iter()
            .find(|quantile| quantile.share == share);
        found.map_or(told.mean, |quantile| quantile.amount)
    };
    let quartiles = [quantile(0.25), quantile(0.5), quantile(0.75)];
    let minimum = told.minimum.clamp(0.01, 1e6);
    let maximum = told.maximum.clamp(minimum * 2.0, 1e7);
    if told.minimum < minimum {
        bent.push("amounts of zero are raised to 0.01".to_owned());
    }
    if told.maximum > maximum {
        bent.push(format!("amounts above {maximum} are cut to it"));
    }
    let below = SMALL_MINOR as f64 / 100.0;
    let within = (minimum..=quartiles[0].max(minimum)).contains(&below);
    let small = (summary.labelled && within && told.small_share > 0.0).then_some(SmallAmounts {
        below,
        fraud_rate: told.small_fraud_rate,
    });
    let part = |part: &super::summary::Part| Part {
        weight: part.weight,
        log_mean: part.log_mean.clamp(-10.0, 20.0),
        log_deviation: part.log_deviation.clamp(1e-3, 5.0),
    };
    Amounts {
        mean: told.mean,
        deviation: told.deviation,
        quartiles: quartiles.map(|amount| amount.clamp(minimum, maximum)),
        minimum,
        maximum,
        mixture: told.mixture.iter().map(part).collect(),
        small,
    }
}

fn client_sizes(summary: &Summary) -> Vec<ClientSize> {
    let sizes = summary.clients.sizes.iter();
    sizes
        .map(|size| ClientSize {
            payments: size.payments,
            clients: size.clients,
        })
        .collect()
}
