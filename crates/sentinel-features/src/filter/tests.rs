//! Filters: every operator and field, what is missing, and the canonical form.

use sentinel_domain::transaction::{CardBrand, CardFunding};
use sentinel_domain::{Coordinates, Country, Currency, Instant, MerchantId};
use sentinel_synth::builder;

use super::*;

mod properties;

fn payment() -> Transaction {
    builder::transaction("e").build()
}

fn country(code: &str) -> Option<Country> {
    Some(Country::parse(code).unwrap())
}

fn matches(filter: &str, payment: &Transaction, amount: Option<i64>) -> bool {
    Filter::parse(filter)
        .unwrap()
        .matches(payment, amount, EarlierAmounts::default())
}

fn message(filter: &str) -> String {
    Filter::parse(filter).unwrap_err().to_string()
}

/// A payment that has every field a filter can ask for.
fn full() -> Transaction {
    let mut t = builder::transaction("e")
        .attribute("score", Scalar::Number(0.5))
        .attribute("tier", Scalar::Text("gold".into()))
        .attribute("vip", Scalar::Boolean(true))
        .attribute("visits", Scalar::Integer(3))
        .build();
    t.card_brand = Some(CardBrand::Visa);
    t.card_funding = Some(CardFunding::Debit);
    t.card_country = country("US");
    t.mcc = Some(742);
    t.merchant_country = country("FR");
    t.merchant_id = Some(MerchantId::new("m 1"));
    t.card_bin = Some("012345".into());
    t.channel = Some(Channel::Web);
    t.entry_mode = Some(EntryMode::Chip);
    t.counterparty_country = country("DE");
    t.email_domain = Some("example.com".into());
    t.billing_country = country("US");
    t.shipping_country = country("CA");
    t.avs_result = Some(CheckResult::Partial);
    t.cvv_result = Some(CheckResult::Match);
    t.three_ds = Some(ThreeDs::Exempt);
    t
}

#[test]
fn every_operator_compares_numbers() {
    let t = payment();
    let with =
        |filter: &str| [9_999, 10_000, 10_001].map(|amount| matches(filter, &t, Some(amount)));
    assert_eq!(with("amount = 100"), [false, true, false]);
    assert_eq!(with("amount != 100"), [true, false, true]);
    assert_eq!(with("amount < 100"), [true, false, false]);
    assert_eq!(with("amount <= 100.00"), [true, true, false]);
    assert_eq!(with("amount > 100.0"), [false, false, true]);
    assert_eq!(with("amount >= 100"), [false, true, true]);
    assert_eq!(with("amount in [99.99, 100.01]"), [true, false, true]);
}

#[test]
fn every_field_is_read() {
    let t = full();
    for (holds, fails) in [
        ("event_type = card_auth", "event_type = login"),
        ("currency = usd", "currency != USD"),
        ("card_brand in [amex, visa]", "card_brand in [amex, other]"),
        ("card_funding != credit", "card_funding = credit"),
        ("card_country = us", "card_country in [GB, FR]"),
        ("mcc in [6011, 0742]", "mcc > 742"),
        ("merchant_country != US", "merchant_country = US"),
        ("merchant_id = \"m 1\"", "merchant_id = m"),
        ("card_bin = 012345", "card_bin = 12345"),
        ("channel = web", "channel != web"),
        ("entry_mode in [chip]", "entry_mode in [swipe]"),
        ("counterparty_country = DE", "counterparty_country != DE"),
        ("email_domain = example.com", "email_domain = Example.com"),
        ("billing_country in [US, CA]", "billing_country = CA"),
        ("shipping_country = CA", "shipping_country = US"),
        ("avs_result = partial", "avs_result = match"),
        ("cvv_result = match", "cvv_result = partial"),
        ("three_ds = exempt", "three_ds in [none, failed]"),
        ("attribute.score > 0.25", "attribute.score > 0.5"),
        ("attribute.visits in [2, 3]", "attribute.visits = 4"),
        ("attribute.tier = gold", "attribute.tier != gold"),
        ("attribute.vip = true", "attribute.vip = false"),
        ("hour = 12", "hour < 12"),
        ("weekday = 0", "weekday in [5, 6]"),
        ("foreign", "not foreign"),
    ] {
        assert!(matches(holds, &t, Some(1)), "{holds}");
        assert!(!matches(fails, &t, Some(1)), "{fails}");
    }
}

#[test]
fn a_missing_field_makes_a_term_false_whatever_the_operator() {
    let bare = payment();
    for field in ["channel", "three_ds", "card_brand", "cvv_result"] {
        let words = term::WordField::parse(field).unwrap().words();
        for (word, _) in words {
            assert!(!matches(&format!("{field} = {word}"), &bare, None));
            assert!(!matches(&format!("{field} != {word}"), &bare, None));
            assert!(!matches(&format!("{field} in [{word}]"), &bare, None));
        }
    }
    for filter in [
        "amount != 1",
        "amount >= 0",
        "mcc != 1",
        "mcc < 9999",
        "merchant_country != US",
        "merchant_id != m",
        "email_domain != a",
        "attribute.x != 1",
        "attribute.x != a",
        "attribute.x < 1",
    ] {
        assert!(!matches(filter, &bare, None), "{filter}");
    }
}

#[test]
fn every_term_must_hold() {
    let t = full();
    let all = "channel = web and amount >= 100 and mcc in [742, 6011]";
    assert!(matches(all, &t, Some(10_000)));
    assert!(!matches(all, &t, Some(9_999)));
    assert!(!matches(&format!("{all} and night"), &t, Some(10_000)));
}

#[test]
fn attributes_compare_by_exact_values_and_words_never_to_numbers() {
    let with = |value: Scalar, filter: &str| {
        let t = builder::transaction("e").attribute("x", value).build();
        matches(&format!("attribute.x {filter}"), &t, None)
    };
    let large = 9_007_199_254_740_993;
    assert!(with(Scalar::Integer(large), "= 9007199254740993"));
    assert!(!with(Scalar::Integer(large), "= 9007199254740992"));
    assert!(with(Scalar::Integer(large), "> 9007199254740992.0"));
    assert!(with(Scalar::Integer(i64::MAX), "< 9223372036854775808"));
    assert!(with(Scalar::Integer(i64::MIN), "> -1e300"));
    assert!(with(Scalar::Number(2.0), "= 2"));
    assert!(with(Scalar::Number(2.5), "> 2"));
    assert!(with(Scalar::Number(-2.5), "< -2"));
    assert!(with(Scalar::Integer(-2), "> -2.5"));
    assert!(with(Scalar::Integer(-3), "< -2.5"));
    assert!(with(Scalar::Number(1e300), "= 1e300"));
    assert!(with(Scalar::Number(f64::NAN), "!= 1.5"));
    assert!(with(Scalar::Text("00".into()), "= \"00\""));
    assert!(!with(Scalar::Text("00".into()), "= 00"));
    assert!(with(Scalar::Text("00".into()), "!= 00"));
    assert!(!with(Scalar::Integer(0), "= \"0\""));
    assert!(with(Scalar::Integer(0), "in [\"0\", 0]"));
    assert!(!with(Scalar::Boolean(true), "= 1"));
    assert!(with(Scalar::Text("true".into()), "= true"));
    assert!(!with(Scalar::Text("9".into()), ">= 1"));
}

#[test]
fn an_attribute_with_an_odd_name_or_value_is_written_in_quotes() {
    let t = builder::transaction("e")
        .attribute("first \"name\"", Scalar::Text("a\\b, 'c'".into()))
        .build();
    let filter = r#"attribute."first \"name\"" = "a\\b, 'c'""#;
    assert!(matches(filter, &t, None));
    assert!(matches(
        r#"attribute.'first "name"' = 'a\\b, \'c\''"#,
        &t,
        None
    ));
    assert_eq!(Filter::parse(filter).unwrap().to_string(), filter);
}

#[test]
fn a_decline_is_told_by_code_three_ds_or_answer() {
    let mut t = payment();
    assert!(!matches("declined", &t, None) && matches("not declined", &t, None));
    t.cvv_result = Some(CheckResult::Mismatch);
    assert!(matches("declined", &t, None) && !matches("not declined", &t, None));
    t.cvv_result = Some(CheckResult::Partial);
    assert!(!matches("declined", &t, None));
    t.three_ds = Some(ThreeDs::Failed);
    assert!(matches("declined", &t, None));
    let answered = |value| {
        let t = builder::transaction("e").attribute("auth_response", value);
        matches("declined", &t.build(), None)
    };
    for accepted in ["00", "0", "approved", "accepted", "APPROVED"] {
        assert!(!answered(Scalar::Text(accepted.into())), "{accepted}");
    }
    assert!(!answered(Scalar::Integer(0)) && !answered(Scalar::Number(0.0)));
    assert!(answered(Scalar::Text("05".into())) && answered(Scalar::Text("declined".into())));
    assert!(answered(Scalar::Integer(51)) && answered(Scalar::Number(0.5)));
    assert!(!answered(Scalar::Boolean(false)) && !answered(Scalar::Boolean(true)));
}

#[test]
fn flags_of_amounts_hold_within_their_bounds() {
    let t = payment();
    let holding = |flag: Flag, amounts: &[i64]| -> Vec<i64> {
        let holds =
            |amount: &&i64| Filter::of(flag).matches(&t, Some(**amount), EarlierAmounts::default());
        amounts.iter().filter(holds).copied().collect()
    };
    let round = holding(
        Flag::RoundAmount,
        &[-10_000, 0, 5_000, 10_000, 10_001, 30_000],
    );
    assert_eq!(round, [10_000, 30_000]);
    assert_eq!(holding(Flag::SmallAmount, &[0, 499, 500]), [0, 499]);
    let limits = [
        89_999, 90_000, 99_999, 100_000, 269_999, 270_000, 299_999, 300_000, 899_999, 900_000,
        999_999, 1_000_000,
    ];
    let under = holding(Flag::UnderLimit, &limits);
    assert_eq!(under, [90_000, 99_999, 270_000, 299_999, 900_000, 999_999]);
    for flag in [Flag::RoundAmount, Flag::SmallAmount, Flag::UnderLimit] {
        assert!(!Filter::of(flag).matches(&t, None, EarlierAmounts::default()));
    }
}

#[test]
fn an_amount_is_high_above_three_times_the_mean_of_earlier_ones() {
    let t = payment();
    let high = |amount, count, sum| {
        let earlier = EarlierAmounts { count, sum };
        Filter::of(Flag::HighAmount).matches(&t, amount, earlier)
    };
    assert!(high(Some(3_001), 2, 2_000) && !high(Some(3_000), 2, 2_000));
    assert!(!high(Some(i64::MAX), 0, 0) && !high(None, 2, 2_000));
    assert!(!high(Some(1), 3, -5), "refunds make no habit");
}

#[test]
fn night_ends_at_six_where_the_payer_is() {
    let at = |text: &str, offset: i16| {
        let mut t = payment();
        t.event_time = Instant::parse_rfc3339(text).unwrap();
        t.utc_offset_minutes = Some(offset);
        t.coordinates = Coordinates::new(0, 0);
        matches("night", &t, None)
    };
    assert!(at("2026-01-05T00:00:00Z", 0) && at("2026-01-05T05:59:59Z", 0));
    assert!(!at("2026-01-05T06:00:00Z", 0) && !at("2026-01-04T23:59:59Z", 0));
    assert!(at("2026-01-05T06:00:00Z", -1) && at("2026-01-04T22:00:00Z", 120));
}

#[test]
fn foreign_compares_with_the_card_and_then_the_billing_country() {
    let of = |merchant: &str, card: Option<&str>, billing: Option<&str>| {
        let mut t = payment();
        t.merchant_country = Country::parse(merchant);
        t.card_country = card.and_then(Country::parse);
        t.billing_country = billing.and_then(Country::parse);
        matches("foreign", &t, None)
    };
    assert!(
        of("FR", Some("US"), Some("FR")),
        "the card's country counts"
    );
    assert!(!of("FR", Some("FR"), Some("US")));
    assert!(of("FR", None, Some("US")) && !of("FR", None, Some("FR")));
    assert!(!of("FR", None, None) && !of("", Some("US"), None));
}

#[test]
fn where_a_payment_was_made_follows_from_channel_entry_mode_and_type() {
    let of = |channel: Option<Channel>, mode: Option<EntryMode>, kind: EventType| {
        let mut t = payment();
        (t.channel, t.entry_mode, t.event_type) = (channel, mode, kind);
        ["card_not_present", "cash", "transfer"].map(|flag| matches(flag, &t, None))
    };
    let absent = EventType::CardAuth;
    assert_eq!(of(None, None, absent), [false; 3]);
    for channel in Channel::ALL {
        let remote = matches!(
            channel,
            Channel::Web | Channel::App | Channel::Moto | Channel::Api
        );
        let expected = [remote, *channel == Channel::Atm, false];
        assert_eq!(of(Some(*channel), None, absent), expected, "{channel}");
    }
    for mode in EntryMode::ALL {
        let present = ["chip", "contactless", "swipe"].contains(&mode.as_str());
        let expected = [!present, false, false];
        assert_eq!(
            of(Some(Channel::Pos), Some(*mode), absent),
            expected,
            "{mode}"
        );
    }
    assert_eq!(of(None, None, EventType::Cash), [false, true, false]);
    assert_eq!(of(None, None, EventType::Transfer), [false, false, true]);
}

#[test]
fn equal_filters_compare_equal_and_print_the_same() {
    for (one, other, printed) in [
        (
            "mcc=742 and channel=web",
            "channel = web and mcc = 0742",
            "channel = web and mcc = 0742",
        ),
        (
            "channel in [app, web, app]",
            "channel in [web,app]",
            "channel in [web, app]",
        ),
        ("channel in [web]", "channel = 'web'", "channel = web"),
        ("declined = true", "declined", "declined"),
        ("declined != true", "not declined", "not declined"),
        ("night = false", "night != true and not night", "not night"),
        ("amount >= 12.5", "amount >= 12.50", "amount >= 12.50"),
        ("amount < 7.00", "amount<7", "amount < 7"),
        ("currency = eur", "currency = EUR", "currency = EUR"),
        ("attribute.a = 1.0", "attribute.'a' = 1", "attribute.a = 1"),
        (
            "attribute.a = 0.50",
            "attribute.a = 5e-1",
            "attribute.a = 0.5",
        ),
        (
            "attribute.a = x",
            "attribute.a in ['x', x]",
            "attribute.a = x",
        ),
        (
            "attribute.a = '1'",
            "attribute.a = \"1\"",
            "attribute.a = \"1\"",
        ),
    ] {
        let (one, other) = (Filter::parse(one).unwrap(), Filter::parse(other).unwrap());
        assert_eq!(one, other);
        assert_eq!(one.to_string(), printed);
        assert_eq!(Filter::parse(printed).unwrap(), one);
    }
    assert_ne!(
        Filter::parse("attribute.a = '1'").unwrap(),
        Filter::parse("attribute.a = 1").unwrap()
    );
}

#[test]
fn a_flag_made_in_code_is_the_flag_that_is_read() {
    for flag in Flag::ALL {
        let made = Filter::of(*flag);
        assert_eq!(Filter::parse(flag.as_str()).unwrap(), made);
        assert_eq!(made.to_string(), flag.as_str());
    }
}

/// Texts that are no filters, with what is said of them.
const FAULTS: &[(&str, &str)] = &[
    ("", "column 1: the filter ends, expected a field"),
    (
        "chanel = web",
        "column 1: `chanel` is no field; did you mean channel?",
    ),
    (
        "planet = mars",
        "column 1: `planet` is no field; there are amount, mcc",
    ),
    (
        "channel = wob",
        "column 11: `wob` is no channel; there are web, app, pos, atm, moto, api",
    ),
    (
        "channel",
        "column 8: the filter ends, expected one of = != in after channel",
    ),
    (
        "channel < web",
        "column 9: found `<` after channel, expected one of = != in",
    ),
    ("channel web", "column 9: found `web` after channel"),
    ("channel == web", "column 10: found `=`, expected a value"),
    (
        "channel = web or mcc = 1",
        "column 15: found `or`, expected `and` or the end; for one",
    ),
    (
        "channel = web mcc = 1",
        "column 15: found `mcc`, expected `and` or the end",
    ),
    (
        "channel = web and",
        "column 18: the filter ends, expected a field",
    ),
    (
        "channel in web",
        "column 12: found `web`, expected `[` after `in`",
    ),
    ("channel in []", "column 13: found `]`, expected a value"),
    (
        "channel in [web app]",
        "column 17: found `app`, expected `,` or `]`",
    ),
    (
        "channel in [web",
        "column 16: the filter ends, expected `,` or `]`",
    ),
    (
        "amount > 1.234",
        "column 10: found `1.234` for amount, expected an amount in major units",
    ),
    ("amount > -1", "column 10: found `-1` for amount"),
    (
        "amount > 'ten'",
        "column 10: found the text \"ten\" for amount, expected a number",
    ),
    (
        "mcc = 10000",
        "column 7: found `10000` for mcc, expected a merchant category",
    ),
    (
        "hour > 25",
        "column 8: found `25` for hour, expected an hour, 0 to 24",
    ),
    (
        "weekday = 7",
        "column 11: found `7` for weekday, expected a day of the week",
    ),
    (
        "merchant_country = USA",
        "column 20: `USA` is no country: two letters",
    ),
    (
        "currency = XXX",
        "column 12: `XXX` is no currency: three letters",
    ),
    (
        "declined > 1",
        "column 10: declined is yes or no: write `declined` or `not declined`",
    ),
    (
        "declined = 1",
        "column 12: found `1`, expected true or false",
    ),
    (
        "not channel",
        "column 5: `not` stands before a flag, found `channel`; there are declined",
    ),
    ("not nigth", "did you mean night?"),
    (
        "attribute. = 1",
        "column 1: an attribute is written `attribute.NAME`",
    ),
    ("attribute.x > big", "column 15: words have no order"),
    (
        "attribute.x = 'a",
        "column 15: the quote that opens here is not closed",
    ),
    (
        "attribute.x = 'a\\n'",
        "column 15: a backslash in quotes stands before",
    ),
    (
        "attribute.x = \"a\nb\"",
        "column 15: a text in quotes holds a control character",
    ),
    (
        "é \u{7} = 1",
        "column 3: found '\\u{7}', which stands for nothing",
    ),
    (
        "\"channel\" = web",
        "column 1: found the text \"channel\", expected a field",
    ),
    (
        "channel = web && night",
        "column 15: found `&&`, expected `and` or the end",
    ),
];

#[test]
fn a_fault_is_named_with_its_column_and_what_is_possible() {
    for (filter, expected) in FAULTS {
        let message = message(filter);
        assert!(message.starts_with("read a filter, column "), "{message}");
        assert!(message.contains(expected), "{filter}: {message}");
    }
}

#[test]
fn what_is_too_much_is_refused() {
    let terms = vec!["night"; TERMS_MAX + 1].join(" and ");
    assert!(message(&terms).contains("at most 16 terms"));
    let values = vec!["1"; LITERALS_MAX + 1].join(", ");
    assert!(message(&format!("mcc in [{values}]")).contains("at most 64 values"));
    for long in ["x".repeat(257), format!("'{}'", "x".repeat(257))] {
        assert!(message(&format!("merchant_id = {long}")).contains("at most 256"));
    }
    let name = "n".repeat(65);
    assert!(message(&format!("attribute.{name} = 1")).contains("1 to 64 bytes"));
    assert!(message("amount > 99999999999999999999").contains("expected an amount"));
    assert!(message("amount > 1407374883553.28").contains("expected an amount"));
    assert!(Filter::parse("amount > 1407374883553.27").is_ok());
}

#[test]
fn a_currency_of_another_letter_case_is_the_same() {
    let mut t = payment();
    t.currency = Currency::parse("EUR").unwrap();
    assert!(matches("currency in [usd, eur]", &t, None));
}
