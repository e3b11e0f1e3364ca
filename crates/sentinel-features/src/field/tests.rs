//! Fields: names, values and their bounds.

use sentinel_domain::transaction::{Channel, EntryMode};
use sentinel_domain::{Country, Currency};
use sentinel_synth::builder;

use super::*;

fn with(name: &str, value: Scalar) -> Transaction {
    builder::transaction("e").attribute(name, value).build()
}

fn thousandths(value: Scalar) -> Option<i64> {
    Number::Attribute("x".into()).value(&with("x", value), None, None)
}

#[test]
fn every_number_is_read_by_the_name_it_prints() {
    let attribute = Number::Attribute("first name".into());
    for number in [Number::Amount, Number::DistanceMetres, attribute] {
        assert_eq!(Number::parse(&number.to_string()), Some(number));
    }
    let long = format!("attribute.{}", "x".repeat(65));
    for wrong in [
        "",
        "Amount",
        "distance",
        "attribute.",
        "attribute.a\nb",
        &long,
    ] {
        assert_eq!(Number::parse(wrong), None, "{wrong:?}");
    }
}

#[test]
fn every_category_is_read_by_the_name_it_prints() {
    for name in Category::names() {
        let category = Category::parse(name).unwrap();
        assert_eq!(category.to_string(), name);
        assert!(category.plural().starts_with("different "), "{name}");
    }
    for kind in EntityKind::ALL {
        let category = Category::Entity(*kind);
        assert_eq!(Category::parse(&category.to_string()), Some(category));
    }
    let attribute = Category::Attribute("tier".into());
    assert_eq!(Category::parse("attribute.tier"), Some(attribute));
    assert_eq!(Category::parse("card_country"), Some(Category::CardCountry));
    assert_eq!(Category::parse("amount"), None);
    assert_eq!(Category::names().len(), 26);
}

#[test]
fn amount_and_distance_are_the_ones_handed_in() {
    let payment = builder::transaction("e").build();
    assert_eq!(Number::Amount.value(&payment, Some(7), Some(9)), Some(7));
    assert_eq!(Number::Amount.value(&payment, None, Some(9)), None);
    assert_eq!(
        Number::DistanceMetres.value(&payment, Some(7), Some(9)),
        Some(9)
    );
    assert_eq!(Number::Amount.divisor(), 1.0);
    assert_eq!(Number::DistanceMetres.divisor(), 1_000.0);
    assert_eq!(Number::Attribute("x".into()).divisor(), 1_000.0);
}

#[test]
fn attributes_are_held_in_thousandths_rounded_half_to_even() {
    let number = |value| thousandths(Scalar::Number(value));
    assert_eq!(number(1.5), Some(1_500));
    assert_eq!(number(0.0625), Some(62), "62.5 rounds to even 62");
    assert_eq!(number(0.1875), Some(188), "187.5 rounds to even 188");
    assert_eq!(number(-0.0625), Some(-62));
    assert_eq!(number(-0.000_1), Some(0));
    assert_eq!(thousandths(Scalar::Integer(-3)), Some(-3_000));
}

#[test]
fn attributes_beyond_the_bound_have_no_value() {
    let most = THOUSANDTHS_MAX / THOUSAND;
    assert_eq!(thousandths(Scalar::Integer(most)), Some(most * THOUSAND));
    assert_eq!(thousandths(Scalar::Integer(-most)), Some(-most * THOUSAND));
    assert_eq!(thousandths(Scalar::Integer(most + 1)), None);
    assert_eq!(thousandths(Scalar::Integer(i64::MIN)), None);
    for wrong in [1e12, -1e12, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(thousandths(Scalar::Number(wrong)), None, "{wrong}");
    }
}

#[test]
fn an_attribute_that_is_no_number_has_no_value() {
    assert_eq!(thousandths(Scalar::Boolean(true)), None);
    assert_eq!(thousandths(Scalar::Text("12".into())), None);
    let other = with("y", Scalar::Integer(1));
    assert_eq!(
        Number::Attribute("x".into()).value(&other, None, None),
        None
    );
}

#[test]
fn words_of_closed_lists_and_countries_are_codes() {
    let mut payment = builder::transaction("e").build();
    payment.channel = Some(Channel::Atm);
    payment.entry_mode = Some(EntryMode::Chip);
    payment.merchant_country = Country::parse("AA");
    payment.billing_country = Country::parse("ZZ");
    payment.currency = Currency::parse("ZWG").unwrap();
    let code = |category: Category| match category.value(&payment) {
        CategoryValue::Code(code) => code,
        other => panic!("{category} is {other:?}"),
    };
    assert_eq!(code(Category::Channel), u32::from(Channel::Atm.code()));
    assert_eq!(code(Category::EntryMode), u32::from(EntryMode::Chip.code()));
    assert_eq!(
        code(Category::EventType),
        u32::from(payment.event_type.code())
    );
    assert_ne!(
        code(Category::MerchantCountry),
        code(Category::BillingCountry)
    );
    for category in [Category::MerchantCountry, Category::Currency] {
        assert!((1..1 << 31).contains(&code(category)));
    }
    payment.shipping_country = payment.merchant_country;
    assert_eq!(
        Category::ShippingCountry.value(&payment),
        Category::MerchantCountry.value(&payment)
    );
}

#[test]
fn every_word_of_a_closed_list_has_a_code_above_zero() {
    assert!(Channel::ALL.iter().all(|word| word.code() > 0));
    assert!(EntryMode::ALL.iter().all(|word| word.code() > 0));
    let types = sentinel_domain::transaction::EventType::ALL;
    assert!(types.iter().all(|word| word.code() > 0));
}

#[test]
fn what_is_not_there_is_absent_and_entities_are_left_to_the_caller() {
    let payment = builder::transaction("e").build();
    for name in Category::names() {
        let category = Category::parse(name).unwrap();
        let expected = match &category {
            Category::Entity(kind) => CategoryValue::Entity(*kind),
            Category::Currency | Category::EventType => continue,
            _ => CategoryValue::Absent,
        };
        assert_eq!(category.value(&payment), expected, "{name}");
    }
    let attribute = Category::Attribute("x".into());
    assert_eq!(attribute.value(&payment), CategoryValue::Absent);
}

#[test]
fn attributes_are_words_with_one_spelling() {
    let word = |value| match Category::Attribute("x".into()).value(&with("x", value)) {
        CategoryValue::Word(word) => word.into_owned(),
        other => panic!("{other:?}"),
    };
    assert_eq!(word(Scalar::Text("gold".into())), "gold");
    assert_eq!(word(Scalar::Boolean(true)), "true");
    assert_eq!(word(Scalar::Integer(7)), "7");
    assert_eq!(word(Scalar::Number(7.0)), "7");
    assert_eq!(word(Scalar::Number(-0.0)), "0");
    assert_eq!(word(Scalar::Number(7.25)), "7.25");
}

#[test]
fn texts_are_borrowed() {
    let mut payment = with("x", Scalar::Text("gold".into()));
    payment.email_domain = Some("example.com".into());
    for category in [Category::EmailDomain, Category::Attribute("x".into())] {
        let value = category.value(&payment);
        assert!(matches!(value, CategoryValue::Word(Cow::Borrowed(_))));
    }
}
