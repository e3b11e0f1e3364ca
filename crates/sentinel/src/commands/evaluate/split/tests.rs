//! The split against the handbook's script, which was written for tables and loops over days.

use std::collections::HashSet;

use sentinel_synth::Random;

use super::*;

const DAY: i64 = DAY_MICROS;

/// Rows in order of time: day, card, fraud; labels are known a week later.
fn facts(rows: &[(i64, u32, bool)]) -> Facts {
    let rows = rows.iter().zip(0..).map(|((day, card, fraud), number)| {
        let event_time = Instant::from_micros(day * DAY + i64::try_from(number).unwrap());
        Fact {
            event_time,
            number,
            card: *card,
            fraud: *fraud,
            known_at: event_time.plus_micros(7 * DAY),
            tale: 0,
        }
    });
    let rows: Vec<Fact> = rows.collect();
    Facts {
        end: rows.iter().map(|row| row.event_time).max().unwrap(),
        rows,
        tales: vec![String::new()],
        rejected: 0,
    }
}

/// `split` of the script, line by line.
fn script(rows: &[(i64, u32, bool)], start: i64) -> (Vec<usize>, Vec<usize>) {
    let in_train = |day: i64| (start..start + 7).contains(&day);
    let train = (0..rows.len())
        .filter(|row| in_train(rows[*row].0))
        .collect();
    let mut known: HashSet<u32> = HashSet::new();
    known.extend(
        rows.iter()
            .filter(|row| in_train(row.0) && row.2)
            .map(|row| row.1),
    );
    let mut test = Vec::new();
    for n in 0..7 {
        let added = rows
            .iter()
            .filter(|row| row.0 == start + 7 + n - 1 && row.2);
        known.extend(added.map(|row| row.1));
        let on_day = (0..rows.len()).filter(|row| rows[*row].0 == start + 14 + n);
        test.extend(on_day.filter(|row| !known.contains(&rows[*row].1)));
    }
    (train, test)
}

fn random_rows(seed: u64) -> Vec<(i64, u32, bool)> {
    let mut random = Random::new(seed);
    let mut rows = Vec::new();
    for day in 0..50 {
        for _ in 0..12 {
            rows.push((
                day,
                u32::try_from(random.below(25)).unwrap(),
                random.chance(0.08),
            ));
        }
    }
    rows
}

#[test]
fn folds_are_those_of_the_script() {
    for seed in 0..20 {
        let rows = random_rows(seed);
        let facts = facts(&rows);
        let folds = handbook(&facts, (3, 4), TrainOn::Week, 7 * DAY).unwrap();
        assert_eq!(folds.len(), 4);
        let mut dropped = 0;
        for (fold, start) in folds.iter().zip([3, 10, 17, 24]) {
            let (train, test) = script(&rows, start);
            let kept = fold
                .test
                .iter()
                .zip(&fold.dropped)
                .filter(|(_, dropped)| !**dropped);
            assert_eq!(
                kept.map(|(row, _)| *row).collect::<Vec<_>>(),
                test,
                "seed {seed}, {start}"
            );
            assert_eq!(fold.train, train);
            assert_eq!(fold.moment, start_of(start + 14));
            dropped += fold.dropped.iter().filter(|dropped| **dropped).count();
        }
        assert!(dropped > 10, "cards drop out");
    }
}

#[test]
fn history_is_all_rows_up_to_the_end_of_the_training_week() {
    let rows = random_rows(1);
    let facts = facts(&rows);
    let folds = handbook(&facts, (10, 1), TrainOn::History, 7 * DAY).unwrap();
    let expected: Vec<usize> = (0..rows.len()).filter(|row| rows[*row].0 < 17).collect();
    assert_eq!(folds[0].train, expected);
    let week = handbook(&facts, (10, 1), TrainOn::Week, 7 * DAY).unwrap();
    assert_eq!(
        (&folds[0].test, &folds[0].dropped),
        (&week[0].test, &week[0].dropped)
    );
}

#[test]
fn a_label_that_is_too_young_teaches_nothing() {
    let facts = facts(&random_rows(2));
    // The last day of the training week lies seven days before the test: with nine it has no label yet.
    let fold = &handbook(&facts, (10, 1), TrainOn::Week, 9 * DAY).unwrap()[0];
    let last = fold
        .train
        .iter()
        .map(|row| day_of(facts.rows[*row].event_time))
        .max();
    assert_eq!(last, Some(14));
    for delay in [0, DAY, 9 * DAY, 20 * DAY] {
        let at = SplitAt::Time(start_of(30));
        let fold = at_one_time(&facts, at, delay).unwrap();
        let settled = |row: &&usize| facts.rows[**row].event_time.plus_micros(delay) <= fold.moment;
        assert_eq!(fold.train.iter().filter(settled).count(), fold.train.len());
        let days = fold.train.len() / 12;
        assert_eq!(i64::try_from(days).unwrap(), 30 - delay / DAY);
    }
    let fraud = facts.rows.iter().find(|row| row.fraud).unwrap();
    assert!(!fraud.known_fraud(fraud.known_at.plus_micros(-1)));
    assert!(fraud.known_fraud(fraud.known_at));
}

#[test]
fn a_row_number_and_its_instant_cut_alike() {
    let facts = facts(&random_rows(3));
    let row = 240;
    let by_row = at_one_time(&facts, SplitAt::Row(row), 0).unwrap();
    let at = facts.rows[240].event_time;
    let by_time = at_one_time(&facts, SplitAt::Time(at), 0).unwrap();
    assert_eq!(by_row, by_time);
    assert_eq!(by_row.train.len(), 240);
    assert_eq!(by_row.test.first(), Some(&240));
    assert!(by_row.dropped.iter().all(|dropped| !dropped));
}

#[test]
fn what_lies_outside_the_input_is_told() {
    let facts = facts(&random_rows(4));
    let told = |result: anyhow::Result<Fold>| result.unwrap_err().to_string();
    let week =
        |start| handbook(&facts, (start, 1), TrainOn::Week, 0).map(|mut folds| folds.remove(0));
    assert!(
        told(week(60)).contains("training week"),
        "{}",
        told(week(60))
    );
    assert!(told(week(-10)).contains("training week"));
    assert!(told(week(40)).contains("test week"));
    for at in [
        SplitAt::Row(0),
        SplitAt::Row(600),
        SplitAt::Time(start_of(0)),
        SplitAt::Time(start_of(51)),
    ] {
        assert!(
            told(at_one_time(&facts, at, 0)).contains("lies outside"),
            "{at:?}"
        );
    }
    let early = at_one_time(&facts, SplitAt::Time(start_of(5)), 7 * DAY);
    assert!(told(early).contains("--label-delay"));
    assert!(told(everything(&facts, 90 * DAY)).contains("--label-delay"));
    assert_eq!(everything(&facts, 0).unwrap().test.len(), facts.rows.len());
}
