//! The binary form: exact, pinned, and refusing everything else.

mod arbitrary;

use std::sync::Arc;

use proptest::prelude::*;
use sentinel_domain::draft::AMOUNT_MINOR_MAX;
use sentinel_domain::label::{LabelKind, LabelSource};
use sentinel_domain::transaction::{
    CardBrand, CardFunding, Channel, CheckResult, EntryMode, EventType, ThreeDs,
};
use sentinel_domain::{
    AccountId, Activation, ActivationKind, Attributes, CardToken, ContentHash, Contribution,
    Coordinates, CounterpartyId, Country, Currency, CustomerId, Decision, Degradation, DeviceId,
    Entry, Erasure, EventId, Instant, IpAddress, Label, LabelId, LogId, LogOdds, LogPosition,
    MerchantId, Money, Offset, Outcome, Override, Partition, Reason, RuleHit, RuleOutcome, Scalar,
    Score, SessionId, Subject, SubjectKind, TerminalId, Text, Tier, Transaction, Verdict, Versions,
};
use sentinel_eventlog::{
    CodecError, OutcomeEncoder, VersionsTable, decode_entry, decode_outcome, encode_entry,
    outcome_body,
};

use arbitrary::{entry, outcome};

const POSITION: LogPosition = LogPosition {
    log: LogId([5; 16]),
    partition: Partition(2),
    offset: Offset(77),
};
const LOG_TIME: Instant = Instant::from_micros(1_700_000_000_000_123);

fn encoded(entry: &Entry) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_entry(entry, &mut bytes);
    bytes
}

fn encoded_outcome(outcome: &Outcome, latency_us: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    OutcomeEncoder::default().encode(outcome, latency_us, &mut bytes);
    bytes
}

fn decoded_outcome(bytes: &[u8], table: &VersionsTable) -> Result<(Outcome, u32), CodecError> {
    decode_outcome(bytes, POSITION, LOG_TIME, table)
}

/// A table with the versions an outcome needs.
fn table_for(outcome: &Outcome) -> VersionsTable {
    let mut table = VersionsTable::default();
    if let Outcome::Decided(decision) = outcome {
        table.insert(Arc::clone(&decision.versions));
    }
    table
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_entry_comes_back_exactly(entry in entry()) {
        let bytes = encoded(&entry);
        let decoded = decode_entry(&bytes);
        prop_assert_eq!(decoded.as_ref(), Ok(&entry));
        let again = decode_entry(&bytes).map(|entry| encoded(&entry));
        prop_assert_eq!(again, Ok(bytes));
    }

    #[test]
    fn every_outcome_comes_back_exactly(outcome in outcome(), latency_us in any::<u32>()) {
        let bytes = encoded_outcome(&outcome, latency_us);
        let table = table_for(&outcome);
        prop_assert_eq!(decoded_outcome(&bytes, &table), Ok((outcome, latency_us)));
    }

    #[test]
    fn a_shortened_or_lengthened_entry_is_an_error(entry in entry(), extra in any::<u8>()) {
        let mut bytes = encoded(&entry);
        for length in (0..bytes.len()).step_by(1 + bytes.len() / 500) {
            prop_assert!(decode_entry(&bytes[..length]).is_err(), "{} of {}", length, bytes.len());
        }
        bytes.push(extra);
        prop_assert_eq!(decode_entry(&bytes), Err(CodecError::TrailingBytes { bytes: 1 }));
    }

    #[test]
    fn a_shortened_or_lengthened_outcome_is_an_error(outcome in outcome(), extra in any::<u8>()) {
        let (mut bytes, table) = (encoded_outcome(&outcome, 1), table_for(&outcome));
        for length in (0..bytes.len()).step_by(1 + bytes.len() / 500) {
            prop_assert!(decoded_outcome(&bytes[..length], &table).is_err());
        }
        bytes.push(extra);
        prop_assert_eq!(decoded_outcome(&bytes, &table), Err(CodecError::TrailingBytes { bytes: 1 }));
    }

    #[test]
    fn random_bytes_never_panic(kind in 0..9_u8, rest in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode_entry(&rest);
        let entry = [&[kind, 1], rest.as_slice()].concat();
        let _ = decode_entry(&entry);
        let table = VersionsTable::default();
        let outcome = [&[0, 0, 0, 0, kind, 1], rest.as_slice()].concat();
        let _ = decoded_outcome(&outcome, &table);
    }

    #[test]
    fn a_flipped_bit_never_panics_and_what_it_gives_is_valid(
        entry in entry(),
        outcome in outcome(),
        place in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let mut bytes = encoded(&entry);
        let at = place.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok(other) = decode_entry(&bytes) {
            prop_assert_eq!(decode_entry(&encoded(&other)), Ok(other));
        }
        let mut bytes = encoded_outcome(&outcome, 3);
        let at = place.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let _ = decoded_outcome(&bytes, &table_for(&outcome));
    }
}

fn small_transaction() -> Transaction {
    let amount = Money {
        minor: 1_999,
        currency: Currency::USD,
    };
    let time = Instant::from_micros(1_700_000_000_000_000);
    Transaction::required(
        EventId::new("e1"),
        EventType::CardAuth,
        time,
        AccountId::new("a1"),
        amount,
    )
}

/// Every field set.
fn full_transaction() -> Transaction {
    let country = |code| Country::parse(code);
    let mut attributes = Attributes::default();
    for (name, value) in [
        ("flag", Scalar::Boolean(true)),
        ("count", Scalar::Integer(-3)),
        ("ratio", Scalar::Number(0.5)),
        ("word", Scalar::Text("blue".into())),
    ] {
        assert!(attributes.insert(name.into(), value));
    }
    Transaction {
        customer_id: Some(CustomerId::new("cus-1")),
        account_opened_at: Some(Instant::from_micros(-1)),
        billing_amount_minor: Some(2_150),
        billing_currency: Currency::parse("EUR"),
        card_token: Some(CardToken::new("tok_8c1f")),
        card_bin: Some("411111".into()),
        card_brand: Some(CardBrand::Visa),
        card_funding: Some(CardFunding::Debit),
        card_country: country("PT"),
        merchant_id: Some(MerchantId::new("mer-9")),
        merchant_name: Some("Café Lisboa".into()),
        mcc: Some(5_812),
        merchant_country: country("ES"),
        terminal_id: Some(TerminalId::new("t-4")),
        channel: Some(Channel::Pos),
        entry_mode: Some(EntryMode::Contactless),
        counterparty_id: Some(CounterpartyId::new("cp-2")),
        counterparty_country: country("FR"),
        device_id: Some(DeviceId::new("dev-7")),
        session_id: Some(SessionId::new("ses-3")),
        ip: Some(IpAddress::new("192.0.2.7")),
        email_hash: Some("9f86d081".into()),
        email_domain: Some("example.org".into()),
        coordinates: Coordinates::new(387_222_524, -91_393_366),
        billing_country: country("PT"),
        shipping_country: country("DE"),
        avs_result: Some(CheckResult::Match),
        cvv_result: Some(CheckResult::Unavailable),
        three_ds: Some(ThreeDs::Authenticated),
        utc_offset_minutes: Some(-60),
        attributes,
        ..small_transaction()
    }
}

fn golden_label() -> Label {
    Label {
        label_id: LabelId::new("l1"),
        event_id: EventId::new("e1"),
        kind: LabelKind::Fraud,
        source: LabelSource::Chargeback,
        known_at: Instant::from_micros(1_700_000_100_000_000),
        event_time: Instant::from_micros(1_700_000_000_000_000),
        amount_minor: 1_999,
        currency: Currency::USD,
        account_id: AccountId::new("a1"),
        card_token: Some(CardToken::new("tok")),
        merchant_id: None,
        terminal_id: Some(TerminalId::new("t")),
    }
}

fn golden_decision() -> Decision {
    Decision {
        position: POSITION,
        log_time: LOG_TIME,
        event_id: EventId::new("e1"),
        verdict: Verdict::Review,
        tier: Tier::High,
        score: Score {
            log_odds: LogOdds::from_units(-5),
            probability: 0.25,
            risk: 0.75,
            confidence: 0.5,
        },
        reasons: vec![Reason {
            code: "rule:r1".into(),
            text: "too fast".to_owned(),
            contribution: LogOdds::ZERO,
        }],
        rules: vec![RuleHit {
            rule_id: "r1".into(),
            version: 300,
            outcome: RuleOutcome::Hit,
            evidence: vec![("n".into(), 8.0)],
        }],
        degraded: vec![Degradation::LateEvent, Degradation::MissingRate],
        base: LogOdds::from_units(-8),
        contributions: vec![Contribution {
            feature: 200,
            log_odds: LogOdds::from_units(3),
        }],
        versions: Arc::new(golden_versions()),
    }
}

fn golden_versions() -> Versions {
    let part = |name: &str, version, byte| (Text::from(name), version, ContentHash([byte; 32]));
    Versions {
        engine_semantics: 1,
        feature_set: ContentHash([0x11; 32]),
        model: part("m", 1, 0x22),
        rules: part("r", 2, 0x33),
        policy: part("p", 3, 0x44),
        rates: part("q", 4, 0x55),
        lists: (Text::default(), 0, ContentHash::default()),
    }
}

/// The bytes are what logs on disk hold: a difference here means that old logs cannot be read, and that
/// a new codec version is due.
#[test]
fn the_bytes_on_disk_do_not_change() {
    let transaction = Entry::Transaction(Box::new(full_transaction()));
    assert_eq!(hex(&encoded(&transaction)), GOLDEN_TRANSACTION);
    assert_eq!(
        hex(&encoded(&Entry::Label(Box::new(golden_label())))),
        GOLDEN_LABEL
    );
    let activation = Activation {
        kind: ActivationKind::Rules,
        name: "default".into(),
        version: 7,
        content: b"rule a".to_vec(),
    };
    assert_eq!(
        hex(&encoded(&Entry::Activation(Box::new(activation)))),
        GOLDEN_ACTIVATION
    );
    let skip = Entry::Skip {
        offset: Offset(258),
    };
    assert_eq!(hex(&encoded(&skip)), "04010201000000000000");
    let erase = Entry::Erase(Box::new(Erasure {
        subject: Subject {
            kind: SubjectKind::Card,
            value: "c1".into(),
        },
        reason: "asked".into(),
    }));
    assert_eq!(hex(&encoded(&erase)), "0501020263310561736b6564");
    assert_eq!(hex(&encoded(&Entry::Tick)), "0601");
    let order = Entry::Override(Box::new(Override {
        override_id: "o1".into(),
        event_id: EventId::new("e1"),
        decision: Offset(258),
        verdict: Verdict::Approve,
        by: "jd".into(),
        reason: "ok".into(),
    }));
    let golden = "0701026f310265310201000000000000%02x026a64026f6b";
    let verdict = format!("{:02x}", Verdict::Approve.code());
    assert_eq!(hex(&encoded(&order)), golden.replace("%02x", &verdict));
    let decided = Outcome::Decided(Box::new(golden_decision()));
    assert_eq!(hex(&encoded_outcome(&decided, 258)), GOLDEN_DECISION);
    let activated = Outcome::Activated(Arc::new(golden_versions()));
    assert_eq!(hex(&encoded_outcome(&activated, 0)), GOLDEN_ACTIVATED);
    // Lists make the second version of the kind: the first with a part behind it.
    let mut versions = golden_versions();
    versions.lists = ("l".into(), 5, ContentHash([0x66; 32]));
    let with_lists = hex(&encoded_outcome(&Outcome::Activated(Arc::new(versions)), 0));
    let first = GOLDEN_ACTIVATED.replacen("000000000501", "000000000502", 1);
    assert_eq!(with_lists, format!("{first}016c05{}", "66".repeat(32)));
}

#[test]
fn a_decision_of_the_first_version_is_read_without_confidence() {
    let digits = GOLDEN_DECISION_FIRST.as_bytes().chunks_exact(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    let mut bytes: Vec<u8> = digits.map(byte).collect();
    let mut table = VersionsTable::default();
    table.insert(Arc::new(golden_versions()));
    let mut expected = golden_decision();
    expected.score.confidence = 0.0;
    let expected = Outcome::Decided(Box::new(expected));
    assert_eq!(decoded_outcome(&bytes, &table), Ok((expected, 258)));
    // No other kind has a second version, and no kind a third.
    bytes[5] = 3;
    let refused = decoded_outcome(&bytes, &table);
    assert_eq!(refused, Err(CodecError::UnknownVersion { version: 3 }));
    let applied = decoded_outcome(&[0, 0, 0, 0, 4, 2], &table);
    assert_eq!(applied, Err(CodecError::UnknownVersion { version: 2 }));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const GOLDEN_TRANSACTION: &str = "\
    0101ffffffff3f0000000265310100401e18240a0600026131056375732d31ffffffffffffffff9e\
    1f555344cc2145555208746f6b5f386331660634313131313101025054056d65722d390c436166c3\
    a9204c6973626f61b416455303742d3403020463702d324652056465762d37057365732d33093139\
    322e302e322e370839663836643038310b6578616d706c652e6f7267fc8b1417aa728dfa50544445\
    010403c4ff0405636f756e74020504666c61670105726174696f03000000000000e03f04776f7264\
    0404626c7565";
const GOLDEN_LABEL: &str = "\
    0201010105026c310265310021141e240a060000401e18240a06009e1f55534402613103746f6b01\
    74";
const GOLDEN_ACTIVATION: &str = "\
    0301030764656661756c74070672756c652061";
/// What decisions were before they carried a confidence.
const GOLDEN_DECISION_FIRST: &str = "\
    020100000101c21f05c00424987e026531020309000000000000d03f000000000000e83f0f020103\
    010772756c653a723108746f6f20666173740001027231ac020101016e000000000000204001c801\
    06";
const GOLDEN_DECISION: &str = "\
    020100000102c21f05c00424987e026531020309000000000000d03f000000000000e83f00000000\
    0000e03f0f020103010772756c653a723108746f6f20666173740001027231ac020101016e000000\
    000000204001c80106";
const GOLDEN_ACTIVATED: &str = "\
    00000000050101111111111111111111111111111111111111111111111111111111111111111101\
    6d012222222222222222222222222222222222222222222222222222222222222222017202333333\
    33333333333333333333333333333333333333333333333333333333330170034444444444444444\
    44444444444444444444444444444444444444444444444401710455555555555555555555555555\
    55555555555555555555555555555555555555";

#[test]
fn a_transaction_that_breaks_the_law_of_a_field_is_refused() {
    type Break = fn(&mut Transaction);
    let breaks: &[(&str, Break)] = &[
        ("event_id", |t| t.event_id = EventId::new("")),
        ("event_id", |t| t.event_id = EventId::new("x".repeat(65))),
        ("event_time", |t| {
            t.event_time = Instant::from_micros(i64::MAX)
        }),
        ("account_id", |t| {
            t.account_id = AccountId::new("x".repeat(65))
        }),
        ("amount_minor", |t| t.amount_minor = -1),
        ("amount_minor", |t| t.amount_minor = AMOUNT_MINOR_MAX + 1),
        ("billing_amount_minor", |t| {
            t.billing_amount_minor = Some(-1)
        }),
        ("card_bin", |t| t.card_bin = Some("41a1".into())),
        ("card_bin", |t| t.card_bin = Some("411".into())),
        ("merchant_name", |t| {
            t.merchant_name = Some("x".repeat(257).into())
        }),
        ("mcc", |t| t.mcc = Some(10_000)),
        ("ip", |t| t.ip = Some(IpAddress::new("not an address"))),
        ("lat_e7", |t| {
            t.coordinates = Some(Coordinates {
                lat_e7: 900_000_001,
                lon_e7: 0,
            });
        }),
        ("utc_offset_minutes", |t| t.utc_offset_minutes = Some(841)),
        ("attributes", |t| {
            assert!(t.attributes.insert("n".into(), Scalar::Number(f64::NAN)));
        }),
        ("attributes", |t| {
            assert!(t.attributes.insert("".into(), Scalar::Integer(1)));
        }),
    ];
    for (field, break_it) in breaks {
        let mut transaction = full_transaction();
        break_it(&mut transaction);
        let refused = decode_entry(&encoded(&Entry::Transaction(Box::new(transaction))));
        assert!(
            matches!(&refused, Err(CodecError::Invalid { field: named, .. }) if named == field),
            "{field}: {refused:?}"
        );
    }
}

#[test]
fn bad_words_letters_and_texts_name_their_field() {
    let bytes = encoded(&Entry::Transaction(Box::new(small_transaction())));
    // kind, version, presence bits, then the event id "e1", its type, the time, the account "a1", …
    let with = |at: usize, byte: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = byte;
        decode_entry(&bytes).unwrap_err()
    };
    let invalid = |error: CodecError| match error {
        CodecError::Invalid { field, .. } => field,
        other => panic!("{other}"),
    };
    assert_eq!(with(0, 9), CodecError::UnknownKind { kind: 9 });
    assert_eq!(with(1, 2), CodecError::UnknownVersion { version: 2 });
    assert_eq!(invalid(with(2, 0)), "presence bits");
    assert_eq!(invalid(with(9, 0x80)), "presence bits");
    assert_eq!(with(12, 0xff), CodecError::BadUtf8 { field: "event_id" });
    let field = "event_type";
    assert_eq!(with(13, 200), CodecError::UnknownCode { field, code: 200 });
    assert_eq!(invalid(with(bytes.len() - 1, b'd')), "currency");
    assert_eq!(invalid(with(bytes.len() - 1, b'Z')), "currency");
}

#[test]
fn a_decision_with_unknown_versions_is_an_error_until_they_are_known() {
    let outcome = Outcome::Decided(Box::new(golden_decision()));
    let bytes = encoded_outcome(&outcome, 1);
    let mut table = VersionsTable::default();
    let refused = decoded_outcome(&bytes, &table);
    assert!(
        matches!(refused, Err(CodecError::UnknownVersions { .. })),
        "{refused:?}"
    );
    let activated = encoded_outcome(&Outcome::Activated(Arc::new(golden_versions())), 0);
    let Ok((Outcome::Activated(versions), 0)) = decoded_outcome(&activated, &table) else {
        panic!("an activation needs no table");
    };
    let short_hash = table.insert(versions);
    assert!(table.get(short_hash).is_some());
    assert_eq!(decoded_outcome(&bytes, &table), Ok((outcome, 1)));
}

#[test]
fn one_encoder_names_the_versions_of_each_decision() {
    let mut encoder = OutcomeEncoder::default();
    let mut table = VersionsTable::default();
    let first = Arc::new(golden_versions());
    let second = Arc::new(Versions {
        engine_semantics: 2,
        ..golden_versions()
    });
    for versions in [&first, &second, &second, &first] {
        table.insert(Arc::clone(versions));
        let mut decision = golden_decision();
        decision.versions = Arc::clone(versions);
        let outcome = Outcome::Decided(Box::new(decision));
        let mut bytes = Vec::new();
        encoder.encode(&outcome, 0, &mut bytes);
        assert_eq!(decoded_outcome(&bytes, &table), Ok((outcome, 0)));
    }
    assert_eq!(table.len(), 2);
}

#[test]
fn the_body_of_an_outcome_does_not_depend_on_latency() {
    let outcome = Outcome::Decided(Box::new(golden_decision()));
    let (slow, fast) = (
        encoded_outcome(&outcome, 9_000),
        encoded_outcome(&outcome, 12),
    );
    assert_ne!(slow, fast);
    assert_eq!(outcome_body(&slow), outcome_body(&fast));
    assert_eq!(outcome_body(b"xyz"), b"");
}

#[test]
fn numbers_of_a_decision_come_back_bit_for_bit() {
    let mut decision = golden_decision();
    decision.rules[0].evidence = vec![("missing".into(), f64::NAN), ("zero".into(), -0.0)];
    let outcome = Outcome::Decided(Box::new(decision));
    let bytes = encoded_outcome(&outcome, 5);
    let (again, _) = decoded_outcome(&bytes, &table_for(&outcome)).unwrap();
    assert_eq!(encoded_outcome(&again, 5), bytes);
}

#[test]
fn a_claimed_count_beyond_the_payload_reserves_nothing() {
    let mut bytes = encoded_outcome(&Outcome::Decided(Box::new(golden_decision())), 0);
    // The count of degradations, replaced by an enormous one.
    let at = 4 + 2 + 8 + 3 + 2 + 1 + 24 + 1;
    assert_eq!(bytes[at], 2);
    bytes.splice(at..=at, [0xff; 9].into_iter().chain([1]));
    let table = table_for(&Outcome::Decided(Box::new(golden_decision())));
    let field = "degraded";
    assert_eq!(
        decoded_outcome(&bytes, &table),
        Err(CodecError::Truncated { field })
    );
}
