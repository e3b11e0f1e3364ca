//! Transactions at random, for properties of codecs: every field within its law, at its bounds more
//! often than chance would have it, every optional field sometimes there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sentinel_domain::draft::AMOUNT_MINOR_MAX;
use sentinel_domain::identifier::ID_BYTES_MAX;
use sentinel_domain::transaction::{
    CardBrand, CardFunding, Channel, CheckResult, EntryMode, EventType, ThreeDs,
};
use sentinel_domain::{
    AccountId, CardToken, Coordinates, CounterpartyId, Country, Currency, CustomerId, DeviceId,
    EventId, Instant, IpAddress, MerchantId, Money, Scalar, SessionId, TerminalId, Text,
    Transaction,
};

use crate::random::Random;

/// The longest name, domain or attribute text that a draft takes, in bytes.
const NAME_BYTES_MAX: usize = 256;

/// A valid transaction with arbitrary contents.
pub fn random_transaction(random: &mut Random) -> Transaction {
    let amount = Money {
        minor: amount(random),
        currency: currency(random),
    };
    let mut made = Transaction::required(
        EventId(text(random, ID_BYTES_MAX)),
        *random.pick(EventType::ALL),
        instant(random),
        AccountId(text(random, ID_BYTES_MAX)),
        amount,
    );
    fill_card(&mut made, random);
    fill_parties(&mut made, random);
    fill_remote(&mut made, random);
    let wanted = *random.pick(&[0, 0, 1, 3, 64]);
    for _ in 0..random.below(wanted + 1) {
        let name = text(random, ID_BYTES_MAX);
        let value = scalar(random);
        // A name drawn twice replaces; 64 draws never overflow.
        let fits = made.attributes.insert(name, value);
        assert!(fits, "at most 64 attributes are drawn");
    }
    made
}

fn fill_card(made: &mut Transaction, random: &mut Random) {
    if random.chance(0.5) {
        made.billing_amount_minor = Some(amount(random));
        made.billing_currency = Some(currency(random));
    }
    made.card_token = sometimes(random, |random| {
        // A letter in front: digits alone might pass for a card number.
        let mut token = Text::const_new("t");
        token.push_str(&text(random, ID_BYTES_MAX - 1));
        CardToken(token)
    });
    made.card_bin = sometimes(random, |random| {
        let digits = random.between(4, 8);
        (0..digits)
            .map(|_| *random.pick(&['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']))
            .collect()
    });
    made.card_brand = sometimes(random, |random| *random.pick(CardBrand::ALL));
    made.card_funding = sometimes(random, |random| *random.pick(CardFunding::ALL));
    made.card_country = sometimes(random, country);
    made.entry_mode = sometimes(random, |random| *random.pick(EntryMode::ALL));
    made.avs_result = sometimes(random, |random| *random.pick(CheckResult::ALL));
    made.cvv_result = sometimes(random, |random| *random.pick(CheckResult::ALL));
    made.three_ds = sometimes(random, |random| *random.pick(ThreeDs::ALL));
}

fn fill_parties(made: &mut Transaction, random: &mut Random) {
    let id = |random: &mut Random| text(random, ID_BYTES_MAX);
    made.customer_id = sometimes(random, |random| CustomerId(id(random)));
    made.account_opened_at = sometimes(random, instant);
    made.merchant_id = sometimes(random, |random| MerchantId(id(random)));
    made.merchant_name = sometimes(random, |random| text(random, NAME_BYTES_MAX));
    made.mcc = sometimes(random, |random| *random.pick(&[0, 1, 5_411, 9_999]));
    made.merchant_country = sometimes(random, country);
    made.terminal_id = sometimes(random, |random| TerminalId(id(random)));
    made.counterparty_id = sometimes(random, |random| CounterpartyId(id(random)));
    made.counterparty_country = sometimes(random, country);
    made.billing_country = sometimes(random, country);
    made.shipping_country = sometimes(random, country);
}

fn fill_remote(made: &mut Transaction, random: &mut Random) {
    let id = |random: &mut Random| text(random, ID_BYTES_MAX);
    made.channel = sometimes(random, |random| *random.pick(Channel::ALL));
    made.device_id = sometimes(random, |random| DeviceId(id(random)));
    made.session_id = sometimes(random, |random| SessionId(id(random)));
    made.ip = sometimes(random, ip);
    made.email_hash = sometimes(random, id);
    made.email_domain = sometimes(random, |random| text(random, NAME_BYTES_MAX));
    if random.chance(0.5) {
        let (lat, lon) = (
            integer(random, -900_000_000, 900_000_000),
            integer(random, -1_800_000_000, 1_800_000_000),
        );
        if let (Ok(lat), Ok(lon)) = (i32::try_from(lat), i32::try_from(lon)) {
            made.coordinates = Coordinates::new(lat, lon);
        }
    }
    made.utc_offset_minutes = sometimes(random, |random| {
        i16::try_from(integer(random, -840, 840)).unwrap_or(0)
    });
}

fn sometimes<T>(random: &mut Random, make: impl FnOnce(&mut Random) -> T) -> Option<T> {
    random.chance(0.5).then(|| make(random))
}

/// A whole number between two others, both included and both likely.
fn integer(random: &mut Random, low: i64, high: i64) -> i64 {
    match random.below(8) {
        0 => low,
        1 => high,
        2 => 0_i64.clamp(low, high),
        _ => low.saturating_add_unsigned(random.below(high.abs_diff(low))),
    }
}

fn amount(random: &mut Random) -> i64 {
    if random.chance(0.5) {
        integer(random, 0, 1_000_000)
    } else {
        integer(random, 0, AMOUNT_MINOR_MAX)
    }
}

fn instant(random: &mut Random) -> Instant {
    let range = Instant::RANGE_MICROS;
    Instant::from_micros(integer(random, range.start, range.end - 1))
}

fn currency(random: &mut Random) -> Currency {
    let code = random.pick(&["USD", "EUR", "JPY", "KWD", "CLF", "AED", "ZWG"]);
    Currency::parse(code).unwrap_or(Currency::USD)
}

#[allow(
    clippy::expect_used,
    reason = "the codes are constants of two letters, read by every test run"
)]
fn country(random: &mut Random) -> Country {
    let code = random.pick(&["US", "PT", "JP", "XK", "AA", "ZZ"]);
    Country::parse(code).expect("a country of two letters")
}

fn ip(random: &mut Random) -> IpAddress {
    let bits = random.next_u64();
    let [a, b, c, d, ..] = bits.to_le_bytes();
    let address = if random.chance(0.5) {
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    } else {
        // Often with runs of zeros, which the canonical spelling shortens.
        let high = if random.chance(0.5) {
            0x2001_0db8 << 32
        } else {
            bits
        };
        let low = if random.chance(0.5) {
            1
        } else {
            random.next_u64()
        };
        IpAddr::V6(Ipv6Addr::from_bits(
            u128::from(high) << 64 | u128::from(low),
        ))
    };
    IpAddress(Text::new(address.to_canonical().to_string()))
}

fn scalar(random: &mut Random) -> Scalar {
    match random.below(5) {
        0 => Scalar::Boolean(random.chance(0.5)),
        1 => Scalar::Integer(integer(random, i64::MIN, i64::MAX)),
        2 => Scalar::Number(random.normal() * 1e6),
        3 => Scalar::Number(*random.pick(&[0.0, -0.5, f64::MAX, f64::MIN_POSITIVE, 1e-300])),
        _ => Scalar::Text(if random.chance(0.1) {
            Text::default()
        } else {
            text(random, NAME_BYTES_MAX)
        }),
    }
}

/// A text of 1 to so many bytes: mostly short and plain, sometimes at the bound, sometimes with
/// letters of several bytes, quotes, controls and commas that codecs must not stumble over.
fn text(random: &mut Random, bytes_max: usize) -> Text {
    const PLAIN: &[char] = &['a', 'b', 'z', 'A', '0', '7', '9', '_', '-', '.'];
    const HARD: &[char] = &[
        'é', '漢', '😀', '"', '\\', ',', '\n', '\t', '\u{0}', ' ', '\u{202e}',
    ];
    let bound = bytes_max as u64;
    let wanted = match random.below(10) {
        0 => bound,
        1 => 1,
        2 => random.between(23, 26).min(bound),
        _ => random.between(1, 24.min(bound)),
    };
    let letters = if random.chance(0.2) { HARD } else { PLAIN };
    let mut text = Text::default();
    loop {
        let letter = *random.pick(letters);
        if (text.len() + letter.len_utf8()) as u64 > wanted {
            break;
        }
        text.push(letter);
    }
    if text.is_empty() {
        text.push('x');
    }
    text
}
