//! What each kind of problem is called, and what to do about it: the words of its page and of every answer.
//!
//! Promises a title and advice for every kind. Must never name anything of one request: that is the detail's.

use sentinel_domain::RejectionCode;

use super::Kind;

impl Kind {
    /// The kind in words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Rejected(code) => rejection_words(code).0,
            Self::NotFound => "There is no such thing",
            Self::NotKept => "It is kept no longer",
            Self::MethodNotAllowed => "The path does not take this method",
            Self::BodyTooLarge => "The body is too large",
            Self::BadBody => "The body could not be received",
            Self::BadQuery => "A query parameter is not understood",
            Self::BadDefinitions => "Feature definitions cannot be used",
            Self::FeaturesFilling => "Features are still being filled",
            Self::BadLists => "The lists cannot be used",
            Self::BadModel => "The model cannot be used",
            Self::ActivationPending => "Another activation is on its way",
            Self::UpgradeRequired => "This path speaks WebSocket",
            Self::ForeignOrigin => "The request comes from another site",
            Self::ForeignHost => "The request names another host",
            Self::Overloaded => "Too much at once",
            Self::DiskFull => "The server's disk is nearly full",
            Self::Unavailable => "The service is not available now",
            Self::Internal => "The server is at fault",
        }
    }

    /// What to do about it.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Rejected(code) => rejection_words(code).1,
            Self::NotFound => {
                "Check the path and the identifier; decisions by event id are found while the id is remembered."
            }
            Self::NotKept => {
                "The server keeps its log for as long as --retain and --retain-bytes say; look into a backup. A transaction that comes again and was decided before that is not decided again."
            }
            Self::MethodNotAllowed => "The Allow header of the answer lists the methods.",
            Self::BodyTooLarge => {
                "One transaction has at most 64 KiB, one model 32 MiB. Nothing was accepted."
            }
            Self::BadBody => {
                "The connection ended before the body did. Send it again; the event id makes that safe."
            }
            Self::BadQuery => "The list of parameters and their values stands in the API docs.",
            Self::BadDefinitions => {
                "Each fault is named with its line; `sentinel features check FILE` tells the same without a server. Nothing was changed."
            }
            Self::FeaturesFilling => {
                "The server reads its log for features that were added before. Send it again when Retry-After has passed."
            }
            Self::BadLists => "Each fault is named with its line. Nothing was changed.",
            Self::BadModel => {
                "The detail says what is wrong; `sentinel models show FILE` tells the same without a server. Nothing was changed."
            }
            Self::ActivationPending => {
                "What was appended before is not in force yet. Send it again when Retry-After has passed."
            }
            Self::UpgradeRequired => "Open it with a WebSocket client, subprotocol sentinel.v1.",
            Self::ForeignOrigin => {
                "Browsers may talk to this server only from its own pages; other programs send no Origin header."
            }
            Self::ForeignHost => {
                "The server is open to its own machine only: address it as localhost, 127.0.0.1 or [::1]; a proxy in front of it must send one of them as Host."
            }
            Self::Overloaded => {
                "Wait as long as Retry-After says and send it again; the event id makes that safe."
            }
            Self::DiskFull => {
                "Nothing was taken in. Wait as long as Retry-After says and send it again; the server goes on by itself when its disk has room."
            }
            Self::Unavailable => {
                "Wait as long as Retry-After says and send it again; the server's log says what is missing."
            }
            Self::Internal => "Look for the trace id in the server's log.",
        }
    }
}

/// Title and advice for a refused transaction.
fn rejection_words(code: RejectionCode) -> (&'static str, &'static str) {
    match code {
        RejectionCode::MissingField => (
            "A required field is absent",
            "Send the field; the required ones are marked in the API docs.",
        ),
        RejectionCode::WrongType => (
            "A field holds a value of another type",
            "Numbers are numbers and texts are texts: amounts are integers in minor units.",
        ),
        RejectionCode::NegativeAmount => (
            "The amount is below zero",
            "A refund or reversal is an event_type, not a sign.",
        ),
        RejectionCode::UnknownCurrency => (
            "The currency is not in ISO 4217",
            "Send the three letters of an active code, such as USD.",
        ),
        RejectionCode::UnknownValue => (
            "A word is not in the field's list",
            "The words of each field stand in the API docs.",
        ),
        RejectionCode::TooLong => (
            "A text is longer than its field allows",
            "Identifiers have at most 64 bytes, names and attribute texts 256.",
        ),
        RejectionCode::OutOfRange => (
            "A value lies outside its field's range",
            "The detail says which range. A raw card number is refused: send a surrogate.",
        ),
        RejectionCode::FutureEvent => (
            "The event lies in the future",
            "Event times may be at most five minutes ahead of the server's clock; check the sender's.",
        ),
        RejectionCode::BadUtf8 => (
            "The bytes are not UTF-8",
            "JSON is UTF-8; the detail names the first bad byte.",
        ),
        RejectionCode::BadJson => (
            "The body is not the JSON that the path takes",
            "Send one object with each key once, a transaction as a flat one; the API docs show its form, the detail names the place.",
        ),
        RejectionCode::BadRow => (
            "A row does not fit its header",
            "Only tables have rows; check the number of columns.",
        ),
        RejectionCode::LineTooLong => (
            "A line is too long",
            "Only files have lines; check that lines end.",
        ),
        RejectionCode::BadCompression => (
            "Compressed input is damaged",
            "Only files are compressed; make the file again.",
        ),
        RejectionCode::Conflict => (
            "The id came before with another body",
            "Each event and each override has an id of its own. A repeat must have the same values; the detail names the first.",
        ),
        RejectionCode::UnknownField => (
            "A field is not part of a transaction",
            "Check the spelling; further facts go under attributes.",
        ),
        RejectionCode::Skipped | RejectionCode::UnknownDecision | RejectionCode::BadEntry => {
            refused_entry_words(code)
        }
    }
}

/// Title and advice for an entry that was refused in the log.
fn refused_entry_words(code: RejectionCode) -> (&'static str, &'static str) {
    match code {
        RejectionCode::Skipped => (
            "Deciding on it stopped the engine",
            "The transaction is in the dead letters; report it with the server's log, and send it under another event_id once that is mended.",
        ),
        RejectionCode::UnknownDecision => (
            "There is no such decision",
            "An override speaks of a decision that was made; look the event up again.",
        ),
        _ => (
            "An entry of the log cannot be used",
            "The server's content (features, model, rules, policy, rates) does not fit together; see its log.",
        ),
    }
}
