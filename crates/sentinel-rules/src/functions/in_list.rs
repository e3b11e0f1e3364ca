//! `inList(name, text)`: whether a text is in a list that was activated in the log.

use crate::code::{Code, TextCode};
use crate::functions::{Function, Parameter};
use crate::schema::Type;

/// The list is named by a constant, so that a reader of the rule knows which one it asks for.
pub(crate) const IN_LIST: Function = Function {
    name: "inList",
    signature: "inList('name', text) -> true or false",
    help: "Whether the text is in the list of that name at the transaction's log time. A list that is not there is empty.",
    examples: &[
        "inList('blocked_cards', card_token)",
        "amount > 500 && !inList('trusted_merchants', merchant_id)",
    ],
    method: false,
    parameters: &[Parameter::Value(Type::Text), Parameter::Value(Type::Text)],
    build,
};

fn build(arguments: Vec<Code>) -> Option<Code> {
    let [list, text] = <[Code; 2]>::try_from(arguments).ok()?;
    let (Code::Text(TextCode::Constant(list)), Code::Text(text)) = (list, text) else {
        return None;
    };
    Some(Code::Boolean(Box::new(move |r| {
        let value = text.read(r);
        value.is_some_and(|value| r.lists.contains(&list, value, r.log_time))
    })))
}

#[cfg(test)]
mod tests {
    use crate::trial::{faults, holds};

    #[test]
    fn a_text_is_looked_up_in_the_list_of_that_name() {
        assert!(holds("inList('watched', account_id)"));
        assert!(holds("inList('watched', 'account-7')"));
        assert!(!holds("inList('watched', 'Account-7')"), "byte for byte");
        assert!(
            !holds("inList('nowhere', account_id)"),
            "an absent list is empty"
        );
        assert!(
            !holds("inList('watched', device_id)"),
            "a missing text is in none"
        );
        assert!(holds("!inList('ended', account_id)"), "its time is over");
    }

    #[test]
    fn the_list_is_named_by_a_constant_and_asked_for_texts() {
        let found = faults("inList(account_id, account_id)");
        assert_eq!(found[0].message, "`inList` does not take these arguments");
        let found = faults("inList('watched', amount)");
        assert_eq!(
            found[0].message,
            "`inList` needs a text here, this is a number"
        );
    }
}
