//! Figures against plain loops, and card precision against days worked out by hand.

use sentinel_synth::Random;

use super::*;

fn asked(score: f64, fraud: bool, card: u32, day: i64) -> Asked {
    Asked {
        score,
        fraud,
        card,
        day,
    }
}

/// The script's `card_precision`, by sorting a list instead of a map.
fn naive(rows: &[Asked], most: usize) -> f64 {
    let mut found: Vec<u32> = Vec::new();
    let mut per_day = Vec::new();
    let first = rows.iter().map(|row| row.day).min().unwrap();
    let last = rows.iter().map(|row| row.day).max().unwrap();
    for day in first..=last {
        let today: Vec<&Asked> = rows.iter().filter(|row| row.day == day).collect();
        if today.is_empty() {
            continue;
        }
        let mut cards: Vec<u32> = Vec::new();
        for row in &today {
            if !found.contains(&row.card) && !cards.contains(&row.card) {
                cards.push(row.card);
            }
        }
        let of = |card: u32| today.iter().filter(move |row| row.card == card);
        let highest = |card: u32| {
            of(card)
                .map(|row| row.score)
                .fold(f64::NEG_INFINITY, f64::max)
        };
        // Selection, not sorting: the first of the highest each time.
        let mut hits = 0;
        for _ in 0..most {
            let Some(best) = cards.iter().map(|card| highest(*card)).reduce(f64::max) else {
                break;
            };
            let place = cards
                .iter()
                .position(|card| highest(*card) == best)
                .unwrap();
            let card = cards.remove(place);
            if of(card).any(|row| row.fraud) {
                hits += 1;
                found.push(card);
            }
        }
        per_day.push(f64::from(hits) / most as f64);
    }
    per_day.iter().sum::<f64>() / per_day.len() as f64
}

#[test]
fn card_precision_is_that_worked_out_by_hand() {
    // Two a day. Day 1: card 1 (its second payment is the fraud), card 2. Day 2: card 1 was found and is
    // gone, so cards 3 and 4 are looked at; 4 is compromised.
    let rows = [
        asked(0.9, false, 1, 1),
        asked(0.8, false, 2, 1),
        asked(0.1, true, 1, 1),
        asked(0.7, true, 3, 1),
        asked(0.9, true, 1, 2),
        asked(0.5, false, 3, 2),
        asked(0.4, true, 4, 2),
        asked(0.3, true, 5, 2),
    ];
    assert_eq!(card_precision(&rows, 2), (0.5 + 0.5) / 2.0);
    // Ties go to the card that came first on the day.
    let tied = [
        asked(0.5, false, 1, 1),
        asked(0.5, true, 2, 1),
        asked(0.5, true, 3, 1),
    ];
    assert_eq!(card_precision(&tied, 1), 0.0);
    assert_eq!(card_precision(&tied, 2), 0.5);
    // A later payment with a higher score moves the card, not its place among equals.
    let moved = [
        asked(0.1, true, 1, 1),
        asked(0.5, false, 2, 1),
        asked(0.5, true, 1, 1),
    ];
    assert_eq!(card_precision(&moved, 1), 1.0);
}

#[test]
fn card_precision_agrees_with_plain_loops() {
    let mut random = Random::new(7);
    for _ in 0..200 {
        let mut rows = Vec::new();
        for day in 0..4 {
            for _ in 0..random.below(40) {
                // Few distinct scores, so that there are ties.
                let score = random.below(6) as f64 / 6.0;
                let card = u32::try_from(random.below(15)).unwrap();
                rows.push(asked(score, random.chance(0.2), card, day));
            }
        }
        if rows.is_empty() {
            continue;
        }
        for most in [1, 3, 100] {
            assert!((card_precision(&rows, most) - naive(&rows, most)).abs() < 1e-12);
        }
    }
}

#[test]
fn figures_are_those_of_plain_loops() {
    let mut random = Random::new(11);
    for _ in 0..50 {
        let rows: Vec<Asked> = (0..120)
            .map(|_| asked(random.below(20) as f64, random.chance(0.2), 1, 0))
            .collect();
        let fraud: Vec<f64> = rows
            .iter()
            .filter(|row| row.fraud)
            .map(|row| row.score)
            .collect();
        let other: Vec<f64> = rows
            .iter()
            .filter(|row| !row.fraud)
            .map(|row| row.score)
            .collect();
        let figures = Figures::of(&rows);
        let mut wins = 0.0;
        for one in &fraud {
            for two in &other {
                wins += if one > two {
                    1.0
                } else if one == two {
                    0.5
                } else {
                    0.0
                };
            }
        }
        let pairs = (fraud.len() * other.len()) as f64;
        assert!((figures.auc - wins / pairs).abs() < 1e-12);
        let mut precision = 0.0;
        for one in &fraud {
            let above = |list: &[f64]| list.iter().filter(|score| *score >= one).count() as f64;
            precision += above(&fraud) / (above(&fraud) + above(&other));
        }
        assert!((figures.average_precision - precision / fraud.len() as f64).abs() < 1e-12);
        assert_eq!(figures.card_precision_100, None, "all rows are of one card");
    }
}

#[test]
fn folds_have_a_mean_and_a_deviation() {
    let fold = |auc: f64, card: Option<f64>| Figures {
        auc,
        average_precision: 0.5,
        card_precision_100: card,
        recall_at_fpr: Recall {
            one_percent: 1.0,
            one_per_mille: 0.0,
        },
    };
    let (mean, deviation) =
        Figures::mean_and_deviation(&[fold(0.8, Some(0.25)), fold(0.9, Some(0.75))]);
    assert!((mean.auc - 0.85).abs() < 1e-12 && (deviation.auc - 0.05).abs() < 1e-12);
    assert_eq!(
        (mean.card_precision_100, deviation.card_precision_100),
        (Some(0.5), Some(0.25))
    );
    assert_eq!(
        (mean.average_precision, deviation.average_precision),
        (0.5, 0.0)
    );
    let (mean, _) = Figures::mean_and_deviation(&[fold(0.8, None), fold(0.9, None)]);
    assert_eq!(mean.card_precision_100, None);
}
