//! Entries as payloads of the transaction log.
//!
//! A transaction begins with 64 presence bits: bit *n* says that the field with code *n* of
//! [`sentinel_domain::Field`] follows, bit 0 speaks for the attributes. The fields come in the order of
//! their codes. What a draft would have refused is refused here too, so what comes out of a log is as
//! valid as what went in.

use sentinel_domain::attribute::ATTRIBUTES_MAX;
use sentinel_domain::draft::{AMOUNT_MINOR_MAX, REQUIRED};
use sentinel_domain::identifier::Text;
use sentinel_domain::label::{LabelKind, LabelSource};
use sentinel_domain::transaction::{
    CardBrand, CardFunding, Channel, CheckResult, EntryMode, EventType, ThreeDs,
};
use sentinel_domain::{
    AccountId, Activation, ActivationKind, Attributes, CardToken, Coordinates, CounterpartyId,
    Country, Currency, CustomerId, DeviceId, Entry, Erasure, EventId, Field, Instant, IpAddress,
    Label, LabelId, MerchantId, Money, Offset, Override, Scalar, SessionId, Subject, SubjectKind,
    TerminalId, Transaction, Verdict,
};

use super::cursor::{
    CODEC_VERSION, Cursor, put_bytes, put_head, put_instant, put_signed, put_text,
};
use crate::error::CodecError;
use crate::varint::write_varint;

const KIND_TRANSACTION: u8 = 1;
const KIND_LABEL: u8 = 2;
const KIND_ACTIVATION: u8 = 3;
const KIND_SKIP: u8 = 4;
const KIND_ERASE: u8 = 5;
const KIND_TICK: u8 = 6;
const KIND_OVERRIDE: u8 = 7;

/// The presence bit of the attributes; fields begin at code 1.
const ATTRIBUTES_BIT: u64 = 1;

/// The longest name, domain, attribute text or label name, in bytes.
const NAME_BYTES_MAX: usize = 256;

const TAG_FALSE: u8 = 0;
const TAG_TRUE: u8 = 1;
const TAG_INTEGER: u8 = 2;
const TAG_NUMBER: u8 = 3;
const TAG_TEXT: u8 = 4;

/// Appends an entry's payload to `out`.
pub fn encode_entry(entry: &Entry, out: &mut Vec<u8>) {
    match entry {
        Entry::Transaction(transaction) => encode_transaction(transaction, out),
        Entry::Label(label) => encode_label(label, out),
        Entry::Activation(activation) => {
            put_head(out, KIND_ACTIVATION);
            out.push(activation.kind.code());
            put_text(out, &activation.name);
            write_varint(out, u64::from(activation.version));
            put_bytes(out, &activation.content);
        }
        Entry::Erase(erasure) => {
            put_head(out, KIND_ERASE);
            out.push(erasure.subject.kind.code());
            put_text(out, &erasure.subject.value);
            put_text(out, &erasure.reason);
        }
        Entry::Override(order) => {
            put_head(out, KIND_OVERRIDE);
            put_text(out, &order.override_id);
            put_text(out, order.event_id.as_str());
            out.extend_from_slice(&order.decision.0.to_le_bytes());
            out.push(order.verdict.code());
            put_text(out, &order.by);
            put_text(out, &order.reason);
        }
        Entry::Tick => put_head(out, KIND_TICK),
        Entry::Skip { offset } => {
            put_head(out, KIND_SKIP);
            out.extend_from_slice(&offset.0.to_le_bytes());
        }
    }
}

/// Reads an entry back. The whole payload must be one entry and every field must hold its law.
pub fn decode_entry(bytes: &[u8]) -> Result<Entry, CodecError> {
    let mut cursor = Cursor::new(bytes);
    let entry = match cursor.head(|_| CODEC_VERSION)?.0 {
        KIND_TRANSACTION => Entry::Transaction(decode_transaction(&mut cursor)?),
        KIND_LABEL => Entry::Label(Box::new(decode_label(&mut cursor)?)),
        KIND_ACTIVATION => Entry::Activation(Box::new(decode_activation(&mut cursor)?)),
        KIND_ERASE => Entry::Erase(Box::new(decode_erasure(&mut cursor)?)),
        KIND_TICK => Entry::Tick,
        KIND_OVERRIDE => Entry::Override(Box::new(decode_override(&mut cursor)?)),
        KIND_SKIP => Entry::Skip {
            offset: Offset(u64::from_le_bytes(cursor.array("offset")?)),
        },
        kind => return Err(CodecError::UnknownKind { kind }),
    };
    cursor.finish()?;
    Ok(entry)
}

fn decode_erasure(cursor: &mut Cursor<'_>) -> Result<Erasure, CodecError> {
    Ok(Erasure {
        subject: Subject {
            kind: cursor.word("subject kind", SubjectKind::from_code)?,
            value: cursor.bounded_text("subject", NAME_BYTES_MAX)?,
        },
        reason: Text::new(cursor.text("reason")?),
    })
}

fn decode_override(cursor: &mut Cursor<'_>) -> Result<Override, CodecError> {
    Ok(Override {
        override_id: cursor.bounded_text("override_id", NAME_BYTES_MAX)?,
        event_id: EventId(cursor.id("event_id")?),
        decision: Offset(u64::from_le_bytes(cursor.array("decision")?)),
        verdict: cursor.word("verdict", Verdict::from_code)?,
        by: cursor.bounded_text("by", NAME_BYTES_MAX)?,
        reason: Text::new(cursor.text("reason")?),
    })
}

/// Which entry a payload says to skip; `None` where it is anything else. Costs a look at one byte, so that a log can be
/// searched.
pub fn skipped_by(bytes: &[u8]) -> Option<Offset> {
    if bytes.first() != Some(&KIND_SKIP) {
        return None;
    }
    match decode_entry(bytes) {
        Ok(Entry::Skip { offset }) => Some(offset),
        _ => None,
    }
}

const fn bit(field: Field) -> u64 {
    1 << field.code()
}

const fn bits(mut fields: &[Field]) -> u64 {
    let mut bits = 0;
    while let [first, rest @ ..] = fields {
        bits |= bit(*first);
        fields = rest;
    }
    bits
}

const KNOWN_BITS: u64 = ATTRIBUTES_BIT | bits(Field::ALL);
const REQUIRED_BITS: u64 = bits(REQUIRED);
const COORDINATE_BITS: u64 = bits(&[Field::LatE7, Field::LonE7]);

/// Writes the optional fields and keeps the score of which were there.
struct FieldWriter<'a> {
    out: &'a mut Vec<u8>,
    present: u64,
}

impl FieldWriter<'_> {
    #[inline]
    fn text(&mut self, field: Field, value: Option<&str>) {
        if let Some(value) = value {
            self.present |= bit(field);
            put_text(self.out, value);
        }
    }

    #[inline]
    fn array<const N: usize>(&mut self, field: Field, value: Option<[u8; N]>) {
        if let Some(value) = value {
            self.present |= bit(field);
            self.out.extend_from_slice(&value);
        }
    }

    #[inline]
    fn code(&mut self, field: Field, value: Option<u8>) {
        self.array(field, value.map(|code| [code]));
    }

    #[inline]
    fn letters(&mut self, field: Field, value: Option<&str>) {
        if let Some(value) = value {
            self.present |= bit(field);
            self.out.extend_from_slice(value.as_bytes());
        }
    }

    #[inline]
    fn signed(&mut self, field: Field, value: Option<i64>) {
        if let Some(value) = value {
            self.present |= bit(field);
            put_signed(self.out, value);
        }
    }
}

fn encode_transaction(t: &Transaction, out: &mut Vec<u8>) {
    // Room for a usual transaction at once, so that single fields do not grow the buffer.
    out.reserve(512);
    put_head(out, KIND_TRANSACTION);
    let bits_at = out.len();
    out.extend_from_slice(&[0; 8]);
    let mut fields = FieldWriter { out, present: 0 };
    encode_payment_fields(t, &mut fields);
    encode_party_fields(t, &mut fields);
    let mut present = fields.present;
    if !t.attributes.is_empty() {
        present |= ATTRIBUTES_BIT;
        encode_attributes(&t.attributes, out);
    }
    if let Some(bits) = out.get_mut(bits_at..bits_at + 8) {
        bits.copy_from_slice(&present.to_le_bytes());
    }
}

/// The fields with codes 1 to 18.
fn encode_payment_fields(t: &Transaction, fields: &mut FieldWriter<'_>) {
    use Field as F;
    let w = fields;
    w.text(F::EventId, Some(t.event_id.as_str()));
    w.code(F::EventType, Some(t.event_type.code()));
    w.array(F::EventTime, Some(t.event_time.micros().to_le_bytes()));
    w.text(F::AccountId, Some(t.account_id.as_str()));
    w.text(
        F::CustomerId,
        t.customer_id.as_ref().map(CustomerId::as_str),
    );
    let opened_at = t.account_opened_at.map(|at| at.micros().to_le_bytes());
    w.array(F::AccountOpenedAt, opened_at);
    w.signed(F::AmountMinor, Some(t.amount_minor));
    w.letters(F::Currency, Some(t.currency.as_str()));
    w.signed(F::BillingAmountMinor, t.billing_amount_minor);
    let billing_currency = t.billing_currency.as_ref();
    w.letters(F::BillingCurrency, billing_currency.map(|c| c.as_str()));
    w.text(F::CardToken, t.card_token.as_ref().map(CardToken::as_str));
    w.text(F::CardBin, t.card_bin.as_deref());
    w.code(F::CardBrand, t.card_brand.map(CardBrand::code));
    w.code(F::CardFunding, t.card_funding.map(CardFunding::code));
    w.letters(F::CardCountry, t.card_country.as_ref().map(Country::as_str));
    w.text(
        F::MerchantId,
        t.merchant_id.as_ref().map(MerchantId::as_str),
    );
    w.text(F::MerchantName, t.merchant_name.as_deref());
    w.array(F::Mcc, t.mcc.map(u16::to_le_bytes));
}

/// The fields with codes 19 to 37.
fn encode_party_fields(t: &Transaction, fields: &mut FieldWriter<'_>) {
    use Field as F;
    let w = fields;
    let merchant_country = t.merchant_country.as_ref();
    w.letters(F::MerchantCountry, merchant_country.map(Country::as_str));
    w.text(
        F::TerminalId,
        t.terminal_id.as_ref().map(TerminalId::as_str),
    );
    w.code(F::Channel, t.channel.map(Channel::code));
    w.code(F::EntryMode, t.entry_mode.map(EntryMode::code));
    let counterparty_id = t.counterparty_id.as_ref();
    w.text(
        F::CounterpartyId,
        counterparty_id.map(CounterpartyId::as_str),
    );
    let counterparty_country = t.counterparty_country.as_ref();
    w.letters(
        F::CounterpartyCountry,
        counterparty_country.map(Country::as_str),
    );
    w.text(F::DeviceId, t.device_id.as_ref().map(DeviceId::as_str));
    w.text(F::SessionId, t.session_id.as_ref().map(SessionId::as_str));
    w.text(F::Ip, t.ip.as_ref().map(IpAddress::as_str));
    w.text(F::EmailHash, t.email_hash.as_deref());
    w.text(F::EmailDomain, t.email_domain.as_deref());
    w.array(F::LatE7, t.coordinates.map(|c| c.lat_e7.to_le_bytes()));
    w.array(F::LonE7, t.coordinates.map(|c| c.lon_e7.to_le_bytes()));
    let billing_country = t.billing_country.as_ref();
    w.letters(F::BillingCountry, billing_country.map(Country::as_str));
    let shipping_country = t.shipping_country.as_ref();
    w.letters(F::ShippingCountry, shipping_country.map(Country::as_str));
    w.code(F::AvsResult, t.avs_result.map(CheckResult::code));
    w.code(F::CvvResult, t.cvv_result.map(CheckResult::code));
    w.code(F::ThreeDs, t.three_ds.map(ThreeDs::code));
    w.array(
        F::UtcOffsetMinutes,
        t.utc_offset_minutes.map(i16::to_le_bytes),
    );
}

fn encode_attributes(attributes: &Attributes, out: &mut Vec<u8>) {
    write_varint(out, attributes.len() as u64);
    for (name, value) in attributes.iter() {
        put_text(out, name);
        match value {
            Scalar::Boolean(value) => out.push(if *value { TAG_TRUE } else { TAG_FALSE }),
            Scalar::Integer(value) => {
                out.push(TAG_INTEGER);
                put_signed(out, *value);
            }
            Scalar::Number(value) => {
                out.push(TAG_NUMBER);
                out.extend_from_slice(&value.to_le_bytes());
            }
            Scalar::Text(value) => {
                out.push(TAG_TEXT);
                put_text(out, value);
            }
        }
    }
}

fn decode_transaction(cursor: &mut Cursor<'_>) -> Result<Box<Transaction>, CodecError> {
    let present = u64::from_le_bytes(cursor.array("presence bits")?);
    let whole = matches!(present & COORDINATE_BITS, 0 | COORDINATE_BITS);
    if present & !KNOWN_BITS != 0 || present & REQUIRED_BITS != REQUIRED_BITS || !whole {
        let law = "a required field is missing or an unknown one is there";
        let field = "presence bits";
        return Err(CodecError::Invalid { field, law });
    }
    // Placeholders that the required fields, which are known to be there, replace. Going from one set bit
    // to the next costs only what is present; building the value in one expression costs every field.
    let mut transaction = Box::new(Transaction::required(
        EventId(Text::const_new("")),
        EventType::CardAuth,
        Instant::default(),
        AccountId(Text::const_new("")),
        Money {
            minor: 0,
            currency: Currency::USD,
        },
    ));
    let mut left = present & !ATTRIBUTES_BIT;
    while left != 0 {
        let field = u8::try_from(left.trailing_zeros())
            .ok()
            .and_then(Field::from_code);
        left &= left - 1;
        if let Some(field) = field {
            decode_field(field, cursor, &mut transaction)?;
        }
    }
    if present & ATTRIBUTES_BIT != 0 {
        transaction.attributes = decode_attributes(cursor)?;
    }
    Ok(transaction)
}

fn decode_field(field: Field, c: &mut Cursor<'_>, t: &mut Transaction) -> Result<(), CodecError> {
    use Field as F;
    let name = field.as_str();
    match field {
        F::EventId => t.event_id = EventId(c.id(name)?),
        F::EventType => t.event_type = c.word(name, EventType::from_code)?,
        F::EventTime => t.event_time = c.instant(name)?,
        F::AccountId => t.account_id = AccountId(c.id(name)?),
        F::CustomerId => t.customer_id = Some(CustomerId(c.id(name)?)),
        F::AccountOpenedAt => t.account_opened_at = Some(c.instant(name)?),
        F::AmountMinor => t.amount_minor = read_amount(c, name)?,
        F::Currency => t.currency = c.currency(name)?,
        F::BillingAmountMinor => t.billing_amount_minor = Some(read_amount(c, name)?),
        F::BillingCurrency => t.billing_currency = Some(c.currency(name)?),
        F::CardToken => t.card_token = Some(CardToken(c.id(name)?)),
        F::CardBin => t.card_bin = Some(read_card_bin(c, name)?),
        F::CardBrand => t.card_brand = Some(c.word(name, CardBrand::from_code)?),
        F::CardFunding => t.card_funding = Some(c.word(name, CardFunding::from_code)?),
        F::CardCountry => t.card_country = Some(read_country(c, name)?),
        F::MerchantId => t.merchant_id = Some(MerchantId(c.id(name)?)),
        F::MerchantName => t.merchant_name = Some(c.bounded_text(name, NAME_BYTES_MAX)?),
        F::Mcc => t.mcc = Some(read_mcc(c, name)?),
        F::MerchantCountry => t.merchant_country = Some(read_country(c, name)?),
        F::TerminalId => t.terminal_id = Some(TerminalId(c.id(name)?)),
        F::Channel => t.channel = Some(c.word(name, Channel::from_code)?),
        F::EntryMode => t.entry_mode = Some(c.word(name, EntryMode::from_code)?),
        F::CounterpartyId => t.counterparty_id = Some(CounterpartyId(c.id(name)?)),
        F::CounterpartyCountry => t.counterparty_country = Some(read_country(c, name)?),
        F::DeviceId => t.device_id = Some(DeviceId(c.id(name)?)),
        F::SessionId => t.session_id = Some(SessionId(c.id(name)?)),
        F::Ip => t.ip = Some(read_ip(c, name)?),
        F::EmailHash => t.email_hash = Some(c.id(name)?),
        F::EmailDomain => t.email_domain = Some(c.bounded_text(name, NAME_BYTES_MAX)?),
        F::LatE7 => t.coordinates = Some(read_coordinates(c, name)?),
        // Read together with the latitude.
        F::LonE7 => {}
        F::BillingCountry => t.billing_country = Some(read_country(c, name)?),
        F::ShippingCountry => t.shipping_country = Some(read_country(c, name)?),
        F::AvsResult => t.avs_result = Some(c.word(name, CheckResult::from_code)?),
        F::CvvResult => t.cvv_result = Some(c.word(name, CheckResult::from_code)?),
        F::ThreeDs => t.three_ds = Some(c.word(name, ThreeDs::from_code)?),
        F::UtcOffsetMinutes => t.utc_offset_minutes = Some(read_utc_offset(c, name)?),
    }
    Ok(())
}

fn read_amount(cursor: &mut Cursor<'_>, field: &'static str) -> Result<i64, CodecError> {
    let minor = cursor.signed(field)?;
    if !(0..=AMOUNT_MINOR_MAX).contains(&minor) {
        let law = "the amount is negative or too large";
        return Err(CodecError::Invalid { field, law });
    }
    Ok(minor)
}

fn read_country(cursor: &mut Cursor<'_>, field: &'static str) -> Result<Country, CodecError> {
    let letters: [u8; 2] = cursor.array(field)?;
    std::str::from_utf8(&letters)
        .ok()
        .and_then(Country::parse)
        .filter(|country| country.as_str().as_bytes() == letters)
        .ok_or(CodecError::Invalid {
            field,
            law: "the country is not two capital letters",
        })
}

fn read_card_bin(cursor: &mut Cursor<'_>, field: &'static str) -> Result<Text, CodecError> {
    let bin = cursor.bounded_text(field, 8)?;
    if bin.len() < 4 || !bin.bytes().all(|byte| byte.is_ascii_digit()) {
        let law = "the prefix is not 4 to 8 digits";
        return Err(CodecError::Invalid { field, law });
    }
    Ok(bin)
}

fn read_mcc(cursor: &mut Cursor<'_>, field: &'static str) -> Result<u16, CodecError> {
    let code = u16::from_le_bytes(cursor.array(field)?);
    if code > 9_999 {
        let law = "the code is above 9999";
        return Err(CodecError::Invalid { field, law });
    }
    Ok(code)
}

fn read_ip(cursor: &mut Cursor<'_>, field: &'static str) -> Result<IpAddress, CodecError> {
    let address = cursor.id(field)?;
    if address.parse::<std::net::IpAddr>().is_err() {
        let law = "the text is not an address";
        return Err(CodecError::Invalid { field, law });
    }
    Ok(IpAddress(address))
}

fn read_coordinates(
    cursor: &mut Cursor<'_>,
    field: &'static str,
) -> Result<Coordinates, CodecError> {
    let lat_e7 = i32::from_le_bytes(cursor.array(field)?);
    let lon_e7 = i32::from_le_bytes(cursor.array("lon_e7")?);
    let law = "the point lies outside the globe";
    Coordinates::new(lat_e7, lon_e7).ok_or(CodecError::Invalid { field, law })
}

fn read_utc_offset(cursor: &mut Cursor<'_>, field: &'static str) -> Result<i16, CodecError> {
    let minutes = i16::from_le_bytes(cursor.array(field)?);
    if !(-840..=840).contains(&minutes) {
        let law = "the offset is beyond 840 minutes";
        return Err(CodecError::Invalid { field, law });
    }
    Ok(minutes)
}

fn decode_attributes(cursor: &mut Cursor<'_>) -> Result<Attributes, CodecError> {
    let field = "attributes";
    let count = cursor.count(field, 3)?;
    if count == 0 || count > ATTRIBUTES_MAX {
        let law = "there are none or too many";
        return Err(CodecError::Invalid { field, law });
    }
    let mut attributes = Attributes::default();
    let mut last = Text::default();
    for _ in 0..count {
        let name = cursor.id(field)?;
        // Strictly ascending: one form only for equal attributes, and no name twice.
        if name <= last {
            let law = "the names are not in order";
            return Err(CodecError::Invalid { field, law });
        }
        last.clone_from(&name);
        let value = decode_scalar(cursor, field)?;
        if !attributes.insert(name, value) {
            let law = "there are too many";
            return Err(CodecError::Invalid { field, law });
        }
    }
    Ok(attributes)
}

fn decode_scalar(cursor: &mut Cursor<'_>, field: &'static str) -> Result<Scalar, CodecError> {
    Ok(match cursor.byte(field)? {
        TAG_FALSE => Scalar::Boolean(false),
        TAG_TRUE => Scalar::Boolean(true),
        TAG_INTEGER => Scalar::Integer(cursor.signed(field)?),
        TAG_NUMBER => {
            let value = cursor.float(field)?;
            if !value.is_finite() {
                let law = "the number is not finite";
                return Err(CodecError::Invalid { field, law });
            }
            Scalar::Number(value)
        }
        TAG_TEXT => {
            let text = cursor.text(field)?;
            if text.len() > NAME_BYTES_MAX {
                let law = "the text is longer than the field allows";
                return Err(CodecError::Invalid { field, law });
            }
            Scalar::Text(Text::new(text))
        }
        code => return Err(CodecError::UnknownCode { field, code }),
    })
}

const LABEL_CARD_BIT: u8 = 1;
const LABEL_MERCHANT_BIT: u8 = 2;
const LABEL_TERMINAL_BIT: u8 = 4;

fn encode_label(label: &Label, out: &mut Vec<u8>) {
    put_head(out, KIND_LABEL);
    let mut present = 0;
    for (bit, there) in [
        (LABEL_CARD_BIT, label.card_token.is_some()),
        (LABEL_MERCHANT_BIT, label.merchant_id.is_some()),
        (LABEL_TERMINAL_BIT, label.terminal_id.is_some()),
    ] {
        present |= if there { bit } else { 0 };
    }
    out.extend_from_slice(&[label.kind.code(), label.source.code(), present]);
    put_text(out, label.label_id.as_str());
    put_text(out, label.event_id.as_str());
    put_instant(out, label.known_at);
    put_instant(out, label.event_time);
    put_signed(out, label.amount_minor);
    out.extend_from_slice(label.currency.as_str().as_bytes());
    put_text(out, label.account_id.as_str());
    let entities = [
        label.card_token.as_ref().map(CardToken::as_str),
        label.merchant_id.as_ref().map(MerchantId::as_str),
        label.terminal_id.as_ref().map(TerminalId::as_str),
    ];
    for entity in entities.into_iter().flatten() {
        put_text(out, entity);
    }
}

fn decode_label(cursor: &mut Cursor<'_>) -> Result<Label, CodecError> {
    let kind = cursor.word("label", LabelKind::from_code)?;
    let source = cursor.word("label source", LabelSource::from_code)?;
    let present = cursor.byte("label presence bits")?;
    if present & !(LABEL_CARD_BIT | LABEL_MERCHANT_BIT | LABEL_TERMINAL_BIT) != 0 {
        let field = "label presence bits";
        let law = "an unknown field is there";
        return Err(CodecError::Invalid { field, law });
    }
    Ok(Label {
        kind,
        source,
        // A label's name may be made of an event id and a prefix, so it has more room than an id.
        label_id: LabelId(cursor.bounded_text("label_id", NAME_BYTES_MAX)?),
        event_id: EventId(cursor.id("event_id")?),
        known_at: cursor.instant("known_at")?,
        event_time: cursor.instant("event_time")?,
        amount_minor: read_amount(cursor, "amount_minor")?,
        currency: cursor.currency("currency")?,
        account_id: AccountId(cursor.id("account_id")?),
        card_token: label_entity(cursor, present & LABEL_CARD_BIT, "card_token")?.map(CardToken),
        merchant_id: label_entity(cursor, present & LABEL_MERCHANT_BIT, "merchant_id")?
            .map(MerchantId),
        terminal_id: label_entity(cursor, present & LABEL_TERMINAL_BIT, "terminal_id")?
            .map(TerminalId),
    })
}

fn label_entity(
    cursor: &mut Cursor<'_>,
    present: u8,
    field: &'static str,
) -> Result<Option<Text>, CodecError> {
    (present != 0).then(|| cursor.id(field)).transpose()
}

fn decode_activation(cursor: &mut Cursor<'_>) -> Result<Activation, CodecError> {
    let kind = cursor.word("activation kind", ActivationKind::from_code)?;
    let name = cursor.text("activation name")?;
    if name.len() > NAME_BYTES_MAX {
        let field = "activation name";
        let law = "the text is longer than the field allows";
        return Err(CodecError::Invalid { field, law });
    }
    Ok(Activation {
        kind,
        name: Text::new(name),
        version: cursor.varint_u32("activation version")?,
        content: cursor.bytes("activation content")?.to_vec(),
    })
}
