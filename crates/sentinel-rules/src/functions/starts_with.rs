//! `text.startsWith(prefix)`: whether a text begins with another.

use crate::code::Code;
use crate::functions::{Function, Parameter};
use crate::schema::Type;

/// Byte for byte, upper and lower case differ; every text begins with the empty one.
pub(crate) const STARTS_WITH: Function = Function {
    name: "startsWith",
    signature: "text.startsWith(prefix) -> true or false",
    help: "Whether the text begins with the prefix. Upper and lower case differ.",
    examples: &[
        "card_bin.startsWith('4111')",
        "amount > 500 && !ip.startsWith('10.')",
    ],
    method: true,
    parameters: &[Parameter::Value(Type::Text), Parameter::Value(Type::Text)],
    build,
};

fn build(arguments: Vec<Code>) -> Option<Code> {
    let [text, prefix] = <[Code; 2]>::try_from(arguments).ok()?;
    let (Code::Text(text), Code::Text(prefix)) = (text, prefix) else {
        return None;
    };
    Some(Code::Boolean(Box::new(move |r| {
        match (text.read(r), prefix.read(r)) {
            (Some(text), Some(prefix)) => text.starts_with(prefix),
            _ => false,
        }
    })))
}

#[cfg(test)]
mod tests {
    use crate::trial::{faults, holds};

    #[test]
    fn prefixes_are_compared_byte_for_byte() {
        assert!(holds("account_id.startsWith('acc')"));
        assert!(holds("account_id.startsWith('')"));
        assert!(holds("account_id.startsWith(account_id)"));
        assert!(!holds("account_id.startsWith('ACC')"));
        assert!(
            !holds("'acc'.startsWith(account_id)"),
            "the prefix is longer"
        );
    }

    #[test]
    fn a_missing_text_or_prefix_makes_it_false() {
        assert!(!holds("device_id.startsWith('')"));
        assert!(!holds("account_id.startsWith(device_id)"));
    }

    #[test]
    fn it_is_called_on_a_text() {
        let found = faults("amount.startsWith('5')");
        assert_eq!(
            found[0].message,
            "`startsWith` needs a text here, this is a number"
        );
        let found = faults("startsWith(account_id, 'a')");
        assert_eq!(found[0].message, "`startsWith` is called on a value");
    }
}
