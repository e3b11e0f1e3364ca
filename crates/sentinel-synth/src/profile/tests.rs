//! What is promised of profiles: built-in ones are whole, and mistakes are named. Opens no file.

use super::*;

fn text_of(name: &str) -> String {
    Profile::shipped(name).unwrap().to_json()
}

/// What is said about the default profile with one text replaced.
fn complaint(from: &str, to: &str) -> String {
    let text = text_of("default");
    let changed = text.replacen(from, to, 1);
    assert_ne!(text, changed, "{from} is not in the profile");
    Profile::from_json(&changed).unwrap_err().to_string()
}

#[test]
fn every_built_in_profile_reads_back_to_the_same_value() {
    for name in Profile::SHIPPED {
        let profile = Profile::shipped(name).unwrap();
        assert_eq!(profile.name, name);
        assert_eq!(Profile::from_json(&profile.to_json()).unwrap(), profile);
    }
    let unknown = Profile::shipped("nothing").unwrap_err().to_string();
    assert!(unknown.contains("`nothing`"), "{unknown}");
}

#[test]
fn the_default_profile_has_the_asked_figures() {
    let profile = Profile::shipped("default").unwrap();
    assert_eq!(profile.fraud_rate, 0.0271);
    let (peak, rate) = (0..24)
        .zip(&profile.hours.fraud_rate)
        .max_by(|a, b| a.1.total_cmp(b.1))
        .unwrap();
    assert_eq!((peak, *rate), (8, 0.0616));
    let small = profile.amounts.small.unwrap();
    assert_eq!((small.below, small.fraud_rate), (10.0, 0.0508));
    let hours = &profile.hours;
    let mean: f64 = hours
        .volume
        .iter()
        .zip(&hours.fraud_rate)
        .map(|(volume, rate)| volume * rate)
        .sum();
    assert!((mean - 0.0271).abs() < 0.0002, "{mean}");
}

#[test]
fn mistakes_are_named_by_key_and_line() {
    for (from, to, wanted) in [
        ("\"fraud_rate\"", "\"fraud_rat\"", "fraud_rat"),
        ("\"below\"", "\"bellow\"", "bellow"),
        ("0.0271", "\"much\"", "line 5"),
        ("0.0271", "0.9", "fraud_rate: 0.9 is not from 0 to 0.5"),
        ("\"visa\"", "\"vista\"", "card_brand[0].level: `vista`"),
        ("\"W\"", "\"C\"", "product[1].level: `C` is there twice"),
        ("0.744522", "0.5", "product: shares add up to"),
        (
            "\"card_bin\"",
            "\"card_bim\"",
            "missing_rates.card_bim: not one of avs_result",
        ),
        ("\"format\": 1", "\"format\": 2", "format: 2 is not 1"),
        (
            "\"from_days\": 7.0",
            "\"from_day\": 7.0",
            "unknown field `from_day`",
        ),
        (
            "\"from_days\": 90.0",
            "\"from_days\": 7.0",
            "drift[1].from_days: 7 is not behind the change before it",
        ),
        (
            "\"mule_network\"",
            "\"mule_networks\"",
            "drift[1].stories.mule_networks: not one of card_testing",
        ),
        (
            "\"mule_network\": 1.5",
            "\"mule_network\": -1",
            "drift[1].stories.mule_network: -1 is not from 0 to 100",
        ),
        (
            "\"web_shift\": 0.12",
            "\"web_shift\": 1.2",
            "drift[1].web_shift: 1.2 is not from 0 to 0.9",
        ),
        (
            "\"amount_factor\": 1.04",
            "\"amount_factor\": 0",
            "drift[1].amount_factor: 0 is not from 0.1 to 10",
        ),
    ] {
        let said = complaint(from, to);
        assert!(said.contains(wanted), "{said} lacks {wanted}");
    }
}

#[test]
fn a_day_of_other_than_twenty_four_hours_is_refused() {
    let mut profile = Profile::shipped("default").unwrap();
    profile.hours.volume.pop();
    let said = profile.examine().unwrap_err().to_string();
    assert_eq!(said, "profile: hours.volume: 23 values, not 24");
    let cut = Profile::from_json("{").unwrap_err();
    assert!(matches!(cut, ProfileError::Unreadable(_)));
}

#[test]
fn a_schedule_that_leaves_no_story_is_refused_and_none_is_no_drift() {
    let mut profile = Profile::shipped("default").unwrap();
    let all = crate::Story::ALL.iter();
    let none = all.map(|story| (story.as_str().to_owned(), 0.0)).collect();
    profile.drift[0].stories = none;
    let said = profile.examine().unwrap_err().to_string();
    assert_eq!(said, "profile: drift[0].stories: no story is left to tell");
    let naive = Profile::shipped("every-50th").unwrap();
    assert!(naive.drift.is_empty() && !naive.to_json().contains("drift"));
}
