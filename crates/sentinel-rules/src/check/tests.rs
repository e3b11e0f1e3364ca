//! What is refused and in which words; what missing values mean.

use crate::parser::{DEPTH_MAX, NODES_MAX};
use crate::trial::{faults, holds};

/// Expression, the text that is marked, message, help.
type Case = (&'static str, &'static str, &'static str, &'static str);

fn check(cases: &[Case]) {
    for (expression, marked, message, help) in cases {
        let found = faults(expression);
        assert_eq!(found.len(), 1, "{expression}: {found:?}");
        let fault = &found[0];
        assert_eq!(fault.message, *message, "{expression}");
        assert_eq!(
            fault.help.as_deref().unwrap_or_default(),
            *help,
            "{expression}"
        );
        assert_eq!(&expression[fault.span.clone()], *marked, "{expression}");
    }
}

const TYPES: &[Case] = &[
    (
        "amout > 5",
        "amout",
        "unknown name `amout`",
        "did you mean `amount`?",
    ),
    (
        "Amount > 5",
        "Amount",
        "unknown name `Amount`",
        "did you mean `amount`?",
    ),
    ("weather == 'rain'", "weather", "unknown name `weather`", ""),
    (
        "amount > 'abc'",
        "amount > 'abc'",
        "the left side is a number, the right side a text",
        "",
    ),
    (
        "amount > '5000'",
        "amount > '5000'",
        "the left side is a number, the right side a text",
        "a number has no quotes: 5000",
    ),
    (
        "'7' - 1 > 2",
        "'7'",
        "arithmetic needs a number, this is a text",
        "a number has no quotes: 7",
    ),
    (
        "channel + 1 > 2",
        "channel",
        "arithmetic needs a number, this is a text",
        "",
    ),
    (
        "-channel > 2",
        "channel",
        "`-` needs a number, this is a text",
        "",
    ),
    (
        "amount",
        "amount",
        "a condition is true or false, this is a number",
        "compare it, for example with `> 0`",
    ),
    (
        "amount > 5 && channel",
        "channel",
        "`&&` needs true or false, this is a text",
        "compare it, for example with `== 'web'`",
    ),
    (
        "!five > 4",
        "five",
        "`!` needs true or false, this is a number",
        "compare it, for example with `> 0`",
    ),
    (
        "five ? true : false",
        "five",
        "`?` needs true or false, this is a number",
        "compare it, for example with `> 0`",
    ),
    (
        "(true ? five : channel) == 5",
        "five : channel",
        "the first branch is a number, the second a text",
        "",
    ),
    (
        "channel < 'web'",
        "channel < 'web'",
        "texts have no order",
        "compare with `==` or `!=`",
    ),
    (
        "(five > 1) < true",
        "(five > 1) < true",
        "true and false have no order",
        "compare with `==` or `!=`",
    ),
    (
        "five in [1, 'a']",
        "'a'",
        "every item of this list must be a number",
        "",
    ),
    (
        "account_id in ['a', 1]",
        "1",
        "every item of this list must be a text",
        "",
    ),
    (
        "true in [1]",
        "true",
        "`in` needs a number or a text, this is true or false",
        "",
    ),
];

#[test]
fn names_and_types_are_checked() {
    check(TYPES);
}

#[test]
fn words_that_a_field_does_not_know_are_refused() {
    let channels = "one of web, app, pos, atm, moto, api";
    check(&[
        (
            "channel == 'wbe'",
            "'wbe'",
            "`channel` is never 'wbe'",
            channels,
        ),
        (
            "'Web' != channel",
            "'Web'",
            "`channel` is never 'Web'",
            channels,
        ),
        (
            "channel in ['web', 'mail']",
            "'mail'",
            "`channel` is never 'mail'",
            channels,
        ),
        (
            "card_country in ['NG', 'ru']",
            "'ru'",
            "`card_country` is never 'ru'",
            "countries are upper case: 'RU'",
        ),
        (
            "card_country == 'Nigeria'",
            "'Nigeria'",
            "`card_country` is never 'Nigeria'",
            "a country is two letters, such as 'DE'",
        ),
        (
            "currency == 'usd'",
            "'usd'",
            "`currency` is never 'usd'",
            "currencies are upper case: 'USD'",
        ),
        (
            "currency == 'DOGE'",
            "'DOGE'",
            "`currency` is never 'DOGE'",
            "a currency is a code of ISO 4217, such as 'EUR'",
        ),
    ]);
}

#[test]
fn functions_are_checked() {
    let has = "it is called so: has(name) -> true or false";
    let starts = "it is called so: text.startsWith(prefix) -> true or false";
    check(&[
        (
            "had(five)",
            "had",
            "unknown function `had`",
            "did you mean `has`?",
        ),
        (
            "ip.beginsWith('1')",
            "beginsWith",
            "unknown function `beginsWith`",
            "",
        ),
        (
            "ip.startswith('1')",
            "startswith",
            "unknown function `startswith`",
            "did you mean `startsWith`?",
        ),
        (
            "has && true",
            "has",
            "unknown name `has`",
            "it is a function: has(name) -> true or false",
        ),
        (
            "has()",
            "has()",
            "`has` takes 1 in its brackets, found 0",
            has,
        ),
        (
            "has(five, zero)",
            "has(five, zero)",
            "`has` takes 1 in its brackets, found 2",
            has,
        ),
        ("five.has()", "has", "`has` is not called on a value", has),
        (
            "has(fiv)",
            "fiv",
            "unknown name `fiv`",
            "did you mean `five`?",
        ),
        (
            "ip.startsWith()",
            "ip.startsWith()",
            "`startsWith` takes 1 in its brackets, found 0",
            starts,
        ),
        (
            "ip.startsWith(1)",
            "1",
            "`startsWith` needs a text here, this is a number",
            "",
        ),
    ]);
}

const GRAMMAR: &[Case] = &[
    (
        "",
        "",
        "expected a value, found the end of the expression",
        "",
    ),
    (
        "five >",
        "",
        "expected a value, found the end of the expression",
        "",
    ),
    (
        "five = 5",
        "=",
        "unexpected `=`",
        "equality is written `==`",
    ),
    ("true & true", "&", "unexpected `&`", "and is written `&&`"),
    ("true | true", "|", "unexpected `|`", "or is written `||`"),
    (
        "true and true",
        "and",
        "unexpected `and`",
        "and is written `&&`",
    ),
    (
        "true or true",
        "or",
        "unexpected `or`",
        "or is written `||`",
    ),
    ("five § 5", "§", "unexpected `§`", ""),
    (
        "five 5",
        "5",
        "unexpected the number 5",
        "an operator such as `&&` or `>` is expected here",
    ),
    (
        "(five > 5",
        "",
        "expected `)` to close the bracket, found the end of the expression",
        "",
    ),
    (
        "1 < five < 9",
        "<",
        "comparisons do not chain",
        "join two comparisons with `&&`, or use brackets",
    ),
    (
        "five == null",
        "null",
        "there is no `null`",
        "ask `has(name)` whether a value is present",
    ),
    ("in [1]", "in", "`in` needs a value before it", ""),
    (
        "five in 5",
        "5",
        "expected `[` after `in`, found the number 5",
        "",
    ),
    ("five in []", "[]", "an empty list holds nothing", ""),
    (
        "five in [zero]",
        "zero",
        "expected a constant, found `zero`",
        "a list holds numbers or texts, as in `['NG', 'RU']`",
    ),
    (
        "five in [1, 2",
        "",
        "expected `]` to close the list, found the end of the expression",
        "",
    ),
    ("[1] == five", "[", "a list can only stand after `in`", ""),
    (
        "card.country == 'DE'",
        "country",
        "expected `(` after `.country`",
        "names have no parts: a dot calls a method, as in `ip.startsWith('10.')`",
    ),
    (
        "five.5",
        "5",
        "expected a method after `.`, found the number 5",
        "",
    ),
    (
        "five > 5m",
        "5m",
        "`5m` is not a number",
        "numbers are written 5000, 0.5 or 1e6",
    ),
    (
        "five > 1e999",
        "1e999",
        "`1e999` is not a number",
        "numbers are written 5000, 0.5 or 1e6",
    ),
    (
        "channel == 'web",
        "'web",
        "this text has no closing quote",
        "end it with '",
    ),
    (
        r"account_id == 'a\b'",
        r"\b",
        r"unknown escape `\b`",
        r#"known are \\, \', \", \n and \t"#,
    ),
    (
        "true ? five > 1 five",
        "five",
        "expected `:` between the two branches of `?`, found `five`",
        "",
    ),
];

#[test]
fn grammar_faults_have_a_place_and_advice() {
    check(GRAMMAR);
}

#[test]
fn every_fault_of_a_condition_is_told_and_none_that_follows_from_another() {
    let found = faults("amout > 5 && (chanel == 'web' || -card_bin > 1) && ip.startsWith(7)");
    let messages: Vec<_> = found.iter().map(|fault| fault.message.as_str()).collect();
    let expected = [
        "unknown name `amout`",
        "unknown name `chanel`",
        "`-` needs a number, this is a text",
        "`startsWith` needs a text here, this is a number",
    ];
    assert_eq!(messages, expected);
}

#[test]
fn size_and_depth_are_bounded() {
    let chain = |count: usize| vec!["five > 4"; count].join(" && ");
    assert!(holds(&chain(NODES_MAX / 4)), "a long chain is one level");
    assert!(
        faults(&chain(NODES_MAX))[0]
            .message
            .contains("more than 500 parts")
    );

    let nested = |open: &str, close: &str, levels: usize| {
        format!("{}five > 4{}", open.repeat(levels), close.repeat(levels))
    };
    assert!(holds(&nested("(", ")", DEPTH_MAX - 2)));
    for (open, close) in [
        ("(", ")"),
        ("!(", ")"),
        ("true && (", ")"),
        ("true ? true : ", ""),
    ] {
        for levels in [DEPTH_MAX, 100_000] {
            let message = &faults(&nested(open, close, levels))[0].message;
            assert!(message.contains("more than 32 levels"), "{open} {message}");
        }
    }
    let sum = vec!["five"; DEPTH_MAX + 1].join(" + ");
    assert!(
        faults(&format!("{sum} > 1"))[0]
            .message
            .contains("more than 32 levels")
    );
    assert!(
        faults(&"!".repeat(100_000))[0]
            .message
            .contains("more than 32 levels")
    );
    assert!(
        faults(&"-".repeat(100_000))[0]
            .message
            .contains("more than 32 levels")
    );
}

#[test]
fn missing_values_behave_as_the_table_says() {
    for missing in [
        "missing",
        "beyond_the_row",
        "-missing",
        "missing + 1",
        "five / zero",
        "zero / zero",
    ] {
        for operator in ["==", "!=", "<", "<=", ">", ">="] {
            for other in ["0", "five", missing] {
                assert!(
                    !holds(&format!("{missing} {operator} {other}")),
                    "{missing} {operator} {other}"
                );
                assert!(
                    !holds(&format!("{other} {operator} {missing}")),
                    "{other} {operator} {missing}"
                );
                assert!(holds(&format!("!({missing} {operator} {other})")));
            }
        }
        assert!(!holds(&format!("{missing} in [0, 5]")));
        assert!(!holds(&format!("(true ? {missing} : five) == 5")));
        assert!(holds(&format!("(false ? {missing} : five) == 5")));
    }
    assert!(!holds("1e308 * 10 > 0"), "what is not finite is missing");
    for condition in [
        "device_id == 'a'",
        "device_id != 'a'",
        "device_id in ['a']",
        "'a' != device_id",
    ] {
        assert!(!holds(condition), "{condition}");
        assert!(holds(&format!("!({condition})")), "{condition}");
    }
}

#[test]
fn operators_bind_as_in_cel() {
    let cases = [
        "1 + 2 * 3 == 7",
        "(1 + 2) * 3 == 9",
        "10 - 4 - 3 == 3",
        "24 / 4 / 2 == 3",
        "-2 * -3 == 6",
        "2 - -3 == 5",
        "1 - 2 == -1 && 2 > 1",
        "true || true && false",
        "!((true || true) && false)",
        "!false == true",
        "1 + 1 in [2]",
        "-five in [-5]",
        "false ? false : true ? true : false",
        "(true ? 1 : 2) + 1 == 2",
        "true ? true : false || false",
        "(five > 4) == (zero < 1)",
        "(five > 4) != (zero > 1)",
        "5 == five && 0.5e1 == five && 5.0 == five && 50E-1 == five",
        "-0 in [0] && 0 in [-0]",
        "amount == 1200.50 && amount in [1200.5]",
        "mcc == 742 && mcc in [742, 5411]",
        "'it\\'s' == \"it's\" && 'a\\\\b\\t\\n' != 'ab'",
        "card_country in ['RU', 'NG'] && !(card_country in ['DE'])",
        "(five > 4 ? card_country : merchant_country) == 'NG'",
        "true\n  &&\tcard_country != merchant_country",
    ];
    for case in cases {
        assert!(holds(case), "{case}");
    }
}
