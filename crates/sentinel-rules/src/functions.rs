//! Functions that a rule may call: one file each, one line each in [`ALL`].
//!
//! A file holds everything about its function: how it is called, the words by which people learn it,
//! examples that its test runs, and what it does. Functions are total, allocate nothing and read
//! nothing but their arguments.

pub(crate) mod has;
pub(crate) mod in_list;
pub(crate) mod starts_with;

use crate::code::Code;
use crate::schema::Type;

/// Every function, in the order of the reference page.
pub const ALL: &[Function] = &[has::HAS, starts_with::STARTS_WITH, in_list::IN_LIST];

/// A function that a rule may call.
pub struct Function {
    /// What a rule calls it.
    pub name: &'static str,
    /// How it is called, with the types of its arguments.
    pub signature: &'static str,
    /// What it does, in a sentence or two.
    pub help: &'static str,
    /// Conditions that use it, for people to start from.
    pub examples: &'static [&'static str],
    /// Whether it is called on its first argument: `a.f(b)`, not `f(a, b)`.
    pub(crate) method: bool,
    pub(crate) parameters: &'static [Parameter],
    /// Makes its code from arguments that were checked; `None` where `parameters` promised others.
    pub(crate) build: fn(Vec<Code>) -> Option<Code>,
}

/// What an argument must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parameter {
    /// A name that stands in the schema, of any type.
    Name,
    /// Any expression of a type.
    Value(Type),
}

/// The function with this name.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    ALL.iter().find(|function| function.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial;

    #[test]
    fn every_function_is_documented_and_its_examples_compile() {
        for function in ALL {
            assert!(function.signature.contains(function.name));
            assert!(
                function.help.ends_with('.'),
                "{} has no help",
                function.name
            );
            assert!(
                !function.examples.is_empty(),
                "{} has no example",
                function.name
            );
            for example in function.examples {
                assert!(example.contains(function.name), "{example}");
                assert_eq!(trial::faults(example), [], "{example}");
            }
        }
    }
}
