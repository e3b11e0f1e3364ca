//! Closed lists of words: each word has a stable code for files and a stable spelling for people.
//!
//! Promises that a code, once given, keeps its meaning for ever: codes are written to the log. A word
//! is added at the end with the next code; none is ever reused.

/// Defines an enumeration whose variants carry a stable byte code and a stable spelling.
///
/// Gives `ALL`, `code`, `from_code`, `as_str`, `parse` and `Display`.
#[macro_export]
macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident { $( $(#[$vdoc:meta])* $variant:ident = $code:literal, $text:literal; )+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $( $(#[$vdoc])* $variant, )+ }

        impl $name {
            /// Every word of the list, in the order of its codes.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable byte that stands for this word in files.
            pub const fn code(self) -> u8 {
                match self { $(Self::$variant => $code),+ }
            }

            /// The word for a byte read from a file; `None` where no word has it.
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }

            /// The stable spelling, snake_case.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The word with this spelling; `None` where there is none.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
