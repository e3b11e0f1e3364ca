//! `has(name)`: whether a value is present.

use crate::code::Code;
use crate::functions::{Function, Parameter};

/// The only way to ask about a missing value: every comparison with one is false.
pub(crate) const HAS: Function = Function {
    name: "has",
    signature: "has(name) -> true or false",
    help: "Whether the named value is present: the field was sent, or the feature has a value.",
    examples: &[
        "!has(device_id) && amount > 1000",
        "has(card_country) && card_country != merchant_country",
    ],
    method: false,
    parameters: &[Parameter::Name],
    build,
};

fn build(arguments: Vec<Code>) -> Option<Code> {
    let [name] = <[Code; 1]>::try_from(arguments).ok()?;
    Some(Code::Boolean(match name {
        Code::Number(number) => Box::new(move |r| !number.read(r).is_nan()),
        Code::Text(text) => Box::new(move |r| text.read(r).is_some()),
        Code::Boolean(_) => Box::new(|_| true),
    }))
}

#[cfg(test)]
mod tests {
    use crate::trial::{faults, holds};

    #[test]
    fn presence_is_told_for_numbers_texts_and_the_amount() {
        // The trial transaction has a channel, a category code and an amount, but no device; the feature
        // `missing` is NaN, `five` is not.
        for present in ["five", "amount", "mcc", "channel", "account_id"] {
            assert!(holds(&format!("has({present})")), "{present}");
        }
        for missing in ["missing", "device_id", "shipping_country", "beyond_the_row"] {
            assert!(!holds(&format!("has({missing})")), "{missing}");
        }
    }

    #[test]
    fn only_a_name_can_be_asked_for() {
        let found = faults("has(amount > 5)");
        assert_eq!(
            found[0].message,
            "`has` asks for a name, this is an expression"
        );
    }
}
