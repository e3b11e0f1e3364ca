//! Rules and policy: what people add to the model's word, and how both become one verdict.
//!
//! **Enters:** a rule file and a policy file as text, once; then per transaction a feature row, the
//! transaction and the model's risk. **Leaves:** [`Hit`]s with the values they read, and a [`Judgement`]:
//! tier, verdict, reasons.
//!
//! ```text
//!   rule file ─▶ lex ─▶ parse ─▶ check against the schema ─▶ closures ─▶ RuleSet
//!                                                                          │ evaluate(row, transaction)
//!   policy file ─▶ Policy ◀── risk of the model                            ▼
//!                    └──────────── judge(risk, rules, hits) ◀──────────── hits
//! ```
//!
//! **Promises:** a file that loads cannot fail later: unknown names, mixed types and unknown words are
//! errors at load, each with a line and a caret. Evaluation is total and bounded (no loops, at most
//! [`NODES_MAX`] parts a condition), allocates only for rules that hit, and depends on nothing but its
//! inputs. **Must never:** add points to a score; read a clock, a disk or a list that is not in the log.
//!
//! # Missing values
//!
//! A feature without history, a field that was not sent and an amount without a rate are *missing*. What
//! follows is two-valued: a condition holds or does not.
//!
//! | expression | with a missing operand |
//! |---|---|
//! | `a == b`, `a != b`, `a < b`, `a <= b`, `a > b`, `a >= b` | false, all six |
//! | `a in [..]`, `a.startsWith(b)` | false |
//! | `!(a > b)` | true, since `a > b` is false |
//! | `-a`, `a + b`, `a - b`, `a * b`, `a / b` | missing |
//! | `a / 0`, and any result that is not a finite number | missing |
//! | `c ? a : b` | the branch that `c` picks, missing or not |
//! | `has(a)` | false |
//!
//! # Example
//!
//! ```
//! use sentinel_domain::{AccountId, Currency, EventId, Instant, Money, Transaction, Verdict};
//! use sentinel_domain::transaction::EventType;
//! use sentinel_rules::{NO_LISTS, Inputs, Policy, RuleSet, Schema, SHIPPED_POLICY};
//!
//! let schema = Schema::new(&["account_count_1m"]);
//! let rules = RuleSet::compile(
//!     r#"
//!     name = "example"
//!     version = 1
//!     [[rule]]
//!     id = "burst_of_large_payments"
//!     version = 1
//!     description = "Several payments of an account within a minute, this one large."
//!     when = "account_count_1m >= 3 && amount > 1000"
//!     verdict = "review"
//!     reason = "payment {account_count_1m} within 60 s, of {amount}"
//!     "#,
//!     &schema,
//! )
//! .expect("the example compiles");
//! let policy = Policy::parse(SHIPPED_POLICY).expect("the shipped policy parses");
//!
//! let transaction = Transaction::required(
//!     EventId::new("e-1"),
//!     EventType::CardAuth,
//!     Instant::from_seconds(1_700_000_000),
//!     AccountId::new("a-1"),
//!     Money { minor: 120_050, currency: Currency::USD },
//! );
//! let inputs = Inputs {
//!     row: &[4.0],
//!     transaction: &transaction,
//!     amount_reference_minor: Some(120_050),
//!     reference: Currency::USD,
//!     lists: &NO_LISTS,
//!     log_time: Instant::default(),
//! };
//! let mut hits = Vec::new();
//! rules.evaluate(&inputs, &mut hits);
//! let judgement = policy.judge(0.10, &rules, &hits);
//! assert_eq!(judgement.verdict, Verdict::Review);
//! assert_eq!(judgement.reasons_from_rules[0].text, "payment 4 within 60 s, of 1,200.50 USD");
//! ```
//!
//! Start reading at [`rule_set`], then `check` (what is refused) and [`policy`] (what wins).

mod source;
mod token;
mod syntax;
mod parser;
mod code;
mod check;
mod template;
pub mod diagnostic;
mod transaction_name;
pub mod schema;
pub mod lists;
pub mod inputs;
pub mod functions;
pub mod rule_set;
pub mod policy;
#[cfg(test)]
mod trial;

pub use diagnostic::Diagnostic;
pub use inputs::Inputs;
pub use lists::{Lists, NO_LISTS};
pub use parser::{DEPTH_MAX, NODES_MAX};
pub use policy::{Judgement, Policy};
pub use rule_set::{Effect, Hit, RULES_MAX, Rule, RuleSet};
pub use schema::{Schema, Type};

/// The rule set that is active where nobody chose another.
pub const SHIPPED_RULES: &str = include_str!("../../../fixtures/rules/default.toml");

/// The policy that is active where nobody chose another.
pub const SHIPPED_POLICY: &str = include_str!("../../../fixtures/policies/default.toml");
