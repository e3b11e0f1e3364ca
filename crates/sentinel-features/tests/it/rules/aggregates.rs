//! What each aggregate gives of a window.

use sentinel_domain::transaction::Channel;
use sentinel_domain::{Scalar, Text};
use sentinel_features::EntityKind;
use sentinel_features::definition::Aggregate;
use sentinel_features::field::{Category, Number};

use super::Case;
use crate::ask::{SUM, account, distinct, only, ratio};
use crate::event::{Event, HOUR, MINUTE, SECOND, START};

/// Events a second apart.
fn apply_amounts(case: &mut Case, amounts: &[i64]) {
    for (at, amount) in amounts.iter().enumerate() {
        case.apply(Event::at(START + at as i64 * SECOND).amount(*amount));
    }
}

#[test]
fn sums_and_means_and_extremes() {
    let mut case = Case::of([
        account(Aggregate::Count, "1h"),
        account(SUM, "1h"),
        account(Aggregate::Mean(Number::Amount), "1h"),
        account(Aggregate::Min(Number::Amount), "1h"),
        account(Aggregate::Max(Number::Amount), "1h"),
        account(Aggregate::First(Number::Amount), "1h"),
        account(Aggregate::Previous(Number::Amount), "1h"),
    ]);
    case.apply(Event::at(START));
    // An event without an amount counts as an event, not as money.
    let none = f64::NAN;
    case.reads([1.0, 0.0, none, none, none, none, none]);
    case.apply(Event::at(START + SECOND).amount(700));
    case.reads([2.0, 700.0, 700.0, 700.0, 700.0, 700.0, none]);
    case.apply(Event::at(START + 2 * SECOND).amount(0));
    case.reads([3.0, 700.0, 350.0, 0.0, 700.0, 700.0, 700.0]);
    case.apply(Event::at(START + 3 * SECOND));
    case.reads([4.0, 700.0, 350.0, 0.0, 700.0, 700.0, 0.0]);
    // The first of those inside: 700 has left.
    case.apply(Event::at(START + SECOND + HOUR).amount(50));
    case.reads([3.0, 50.0, 25.0, 0.0, 50.0, 0.0, 0.0]);
}

#[test]
fn the_deviation_of_all_and_the_distance_from_the_others() {
    for window in ["1h", "30d"] {
        let mut case = Case::of([
            account(Aggregate::StandardDeviation(Number::Amount), window),
            account(Aggregate::ToMean(Number::Amount), window),
            account(Aggregate::ZScore(Number::Amount), window),
        ]);
        apply_amounts(&mut case, &[200]);
        case.reads([0.0, f64::NAN, f64::NAN]);
        apply_amounts(&mut case, &[400]);
        // Half of 400 - 200; one other is too few for a deviation.
        case.reads([100.0, 2.0, f64::NAN]);
        apply_amounts(&mut case, &[400, 400, 500, 500, 700, 900]);
        // Mean 500, squares sum to 2,320,000: the root of 8 * 2,320,000 - 4,000² is 1,600, an eighth 200.
        case.apply(Event::at(START + 20 * SECOND));
        case.reads([200.0, f64::NAN, f64::NAN]);
        // 1,100 is 2.2 times the mean of the eight others and three of their deviations above it.
        case.apply(Event::at(START + 21 * SECOND).amount(1_100));
        let deviation = case.subject.row()[0];
        case.reads([deviation, 2.2, 3.0]);
        // 9 * 3,530,000 - 5,100² = 5,760,000, whose root is 2,400.
        assert_eq!(deviation, 2_400.0 / 9.0);
    }
}

#[test]
fn equal_others_have_no_deviation_to_measure_by_and_zero_is_no_mean() {
    let mut case = Case::of([
        account(Aggregate::ZScore(Number::Amount), "1h"),
        account(Aggregate::ToMean(Number::Amount), "1h"),
    ]);
    apply_amounts(&mut case, &[0, 0, 5]);
    case.reads([f64::NAN, f64::NAN]);
    case.apply(Event::at(START + 3 * SECOND).amount(5));
    // Others 0, 0, 5: mean 5/3, and 3 * 25 - 5² = 50.
    let mean = 5.0 / 3.0;
    case.reads([(5.0 - mean) / (50.0_f64.sqrt() / 3.0), 5.0 / mean]);
}

#[test]
fn quantiles_and_rank_by_buckets() {
    let mut case = Case::of([
        account(Aggregate::Median(Number::Amount), "1h"),
        account(Aggregate::Quantile90(Number::Amount), "1h"),
        account(Aggregate::Rank(Number::Amount), "1h"),
    ]);
    apply_amounts(&mut case, &[63]);
    case.reads([32.0, 32.0, f64::NAN]);
    // 384 to 448 holds 400, 192 to 224 holds 200.
    let mut case = Case::of([
        account(Aggregate::Median(Number::Amount), "1h"),
        account(Aggregate::Quantile90(Number::Amount), "1h"),
        account(Aggregate::Rank(Number::Amount), "1h"),
    ]);
    apply_amounts(&mut case, &[200, 400, 400, 400, 500, 500, 700, 900]);
    // The fourth of eight is 400; ceil(7.2) is the eighth, 900 in 896 to 1,024. All seven are below 900.
    case.reads([416.0, 960.0, 1.0]);
    case.apply(Event::at(START + 8 * SECOND).amount(1_100));
    // The fifth of nine is 500 in 448 to 512; the ninth 1,100 in 1,024 to 1,280.
    case.reads([480.0, 1_152.0, 1.0]);
    // 450 shares its bucket with 500: six of nine others are not above it.
    case.apply(Event::at(START + 9 * SECOND).amount(450));
    case.reads([480.0, 960.0, 6.0 / 9.0]);
    case.apply(Event::at(START + 10 * SECOND));
    case.reads([480.0, 960.0, f64::NAN]);
}

#[test]
fn the_same_value_counts_once_in_each_window() {
    let different = |window| account(distinct(EntityKind::Merchant), window);
    let mut case = Case::of([different("1m"), different("5m"), different("30d")]);
    case.apply(Event::at(START).merchant(1));
    case.apply(Event::at(START + 2 * MINUTE).merchant(2));
    case.apply(Event::at(START + 2 * MINUTE).merchant(1));
    case.apply(Event::at(START + 2 * MINUTE));
    case.reads([2.0, 2.0, 2.0]);
    case.apply(Event::at(START + 4 * MINUTE).merchant(1));
    case.reads([1.0, 2.0, 2.0]);
    case.apply(Event::at(START + 170 * HOUR).merchant(3));
    case.reads([1.0, 1.0, 3.0]);
}

#[test]
fn a_word_of_an_attribute_is_a_value_and_a_whole_number_is_one_however_sent() {
    let grades = Aggregate::Distinct(Category::Attribute(Text::new("grade")));
    let mut case = Case::of([account(grades, "1h")]);
    for (value, expected) in [
        (Scalar::Text(Text::new("a")), 1.0),
        (Scalar::Text(Text::new("b")), 2.0),
        (Scalar::Integer(7), 3.0),
        (Scalar::Number(7.0), 3.0),
    ] {
        case.apply(Event::at(START).attribute("grade", value));
        case.reads([expected]);
    }
    case.apply(Event::at(START));
    case.reads([3.0]);
}

#[test]
fn gaps_between_events() {
    let mut case = Case::of([
        account(Aggregate::GapMean, "1h"),
        account(Aggregate::GapStandardDeviation, "1h"),
    ]);
    case.apply(Event::at(START));
    case.reads([f64::NAN, f64::NAN]);
    case.apply(Event::at(START + 40 * SECOND));
    case.reads([40.0, 0.0]);
    // Late: the gaps are 10 and 30 seconds.
    case.apply(Event::at(START + 10 * SECOND));
    case.reads([20.0, 10.0]);
}

#[test]
fn a_filter_leaves_only_what_passes() {
    let web = |aggregate| only("channel = web", account(aggregate, "1h"));
    let mut case = Case::of([
        web(Aggregate::Count),
        web(SUM),
        web(Aggregate::Mean(Number::Amount)),
        web(Aggregate::ToMean(Number::Amount)),
        web(Aggregate::Rank(Number::Amount)),
        web(Aggregate::Previous(Number::Amount)),
        web(distinct(EntityKind::Merchant)),
        account(Aggregate::Count, "1h"),
    ]);
    let none = f64::NAN;
    let on_the_web = |at: i64, amount| {
        let event = Event::at(START + at * SECOND).amount(amount);
        event.channel(Channel::Web).merchant(amount as u32)
    };
    case.apply(Event::at(START).amount(9_000).merchant(9));
    case.reads([0.0, 0.0, none, none, none, none, 0.0, 1.0]);
    case.apply(on_the_web(1, 100));
    case.reads([1.0, 100.0, 100.0, none, none, none, 1.0, 2.0]);
    case.apply(on_the_web(2, 300));
    case.reads([2.0, 400.0, 200.0, 3.0, 1.0, 100.0, 2.0, 3.0]);
    // Its own amount takes no part where it does not pass.
    let pos = Event::at(START + 3 * SECOND).amount(200);
    case.apply(pos.channel(Channel::Pos).merchant(8));
    case.reads([2.0, 400.0, 200.0, none, none, 300.0, 2.0, 4.0]);
}

#[test]
fn one_window_over_another() {
    let mut case = Case::of([
        ratio(account(Aggregate::Count, "1m"), "1h"),
        ratio(account(SUM, "1m"), "30d"),
        ratio(account(Aggregate::Mean(Number::Amount), "1m"), "1h"),
        ratio(account(distinct(EntityKind::Merchant), "1m"), "1h"),
    ]);
    case.apply(Event::at(START));
    // No amounts: 0 over 0; no merchants: 0 over 0.
    case.reads([1.0, f64::NAN, f64::NAN, f64::NAN]);
    case.apply(Event::at(START + 10 * MINUTE).amount(300).merchant(1));
    case.reads([0.5, 1.0, 1.0, 1.0]);
    case.apply(Event::at(START + 20 * MINUTE).amount(100).merchant(2));
    case.reads([1.0 / 3.0, 0.25, 0.5, 0.5]);
}

#[test]
fn distances_are_whole_metres_and_attributes_thousandths() {
    let score = || Number::Attribute(Text::new("score"));
    let mut case = Case::of([
        account(Aggregate::Sum(Number::DistanceMetres), "1h"),
        account(Aggregate::Max(Number::DistanceMetres), "24h"),
        account(Aggregate::Sum(score()), "1h"),
        account(Aggregate::Min(score()), "1h"),
        account(Aggregate::ToMean(score()), "1h"),
    ]);
    let none = f64::NAN;
    // 1.0625 is 1,062.5 thousandths: half to even.
    case.apply(
        Event::at(START)
            .place(0, 0)
            .attribute("score", Scalar::Number(1.0625)),
    );
    case.reads([0.0, none, 1.062, 1.062, none]);
    // A degree of a meridian: 6,371,008.8 m times pi over 180 are 111,195.08 m.
    let event = Event::at(START + SECOND).place(10_000_000, 0);
    case.apply(event.attribute("score", Scalar::Number(1.1875)));
    case.reads([111.195, 111.195, 2.25, 1.062, 1_188.0 / 1_062.0]);
    // Too large for a sum of as many as are held; not finite; not a number: none of these.
    let large = Scalar::Integer(140_737_488_356);
    case.apply(Event::at(START + 2 * SECOND).attribute("score", large));
    case.reads([111.195, 111.195, 2.25, 1.062, none]);
    let text = Scalar::Text(Text::new("3"));
    case.apply(Event::at(START + 3 * SECOND).attribute("score", text));
    case.reads([111.195, 111.195, 2.25, 1.062, none]);
    case.apply(Event::at(START + 4 * SECOND).attribute("score", Scalar::Integer(-5)));
    case.reads([111.195, 111.195, -2.75, -5.0, -5_000.0 / 1_125.0]);
    // The mean of the others is below zero: nothing to compare with. And back again: 222.390 km.
    let event = Event::at(START + 5 * SECOND).place(0, 0);
    case.apply(event.attribute("score", Scalar::Integer(1)));
    case.reads([222.39, 111.195, -1.75, -5.0, none]);
}
