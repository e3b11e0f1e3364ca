//! The labels file: what will be learnt, with story and episode, as JSON lines or CSV.
//!
//! One line a fraudulent payment, in the order of the payments; a payment that comes twice is labelled
//! once. Each label says when it becomes known. The JSON lines are what the label intake reads.

use sentinel_domain::Label;
use sentinel_pipeline::intake::json;
use sentinel_synth::Generated;

use super::table::{write_integer, write_text};

/// How labels are spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelForm {
    /// One JSON object a line.
    JsonLines,
    /// One row a line.
    Csv,
    /// Not at all.
    None,
}

/// The first line of the CSV.
pub const HEADER: &str = "label_id,event_id,kind,source,known_at,event_time,amount_minor,currency,\
    account_id,card_token,merchant_id,terminal_id,story,episode\n";

impl LabelForm {
    /// Appends the label of a payment, where it has one.
    pub fn write(self, generated: &Generated, out: &mut Vec<u8>) {
        let Some(label) = generated.label.as_ref().filter(|_| !generated.repeated) else {
            return;
        };
        let story = generated.story.map(|story| story.as_str());
        let episode = generated.episode;
        match self {
            Self::JsonLines => {
                json::write_label(label, story, episode, out);
                out.push(b'\n');
            }
            Self::Csv => write_row(label, story, episode, out),
            Self::None => {}
        }
    }
}

fn write_row(label: &Label, story: Option<&str>, episode: Option<u64>, out: &mut Vec<u8>) {
    for text in [
        label.label_id.as_str(),
        label.event_id.as_str(),
        label.kind.as_str(),
        label.source.as_str(),
    ] {
        write_text(text, out);
        out.push(b',');
    }
    let known_at = label.known_at.micros();
    for value in [known_at, label.event_time.micros(), label.amount_minor] {
        write_integer(value, out);
        out.push(b',');
    }
    for text in [
        Some(label.currency.as_str()),
        Some(label.account_id.as_str()),
        label.card_token.as_ref().map(|id| id.as_str()),
        label.merchant_id.as_ref().map(|id| id.as_str()),
        label.terminal_id.as_ref().map(|id| id.as_str()),
        story,
    ] {
        write_text(text.unwrap_or_default(), out);
        out.push(b',');
    }
    if let Some(episode) = episode {
        write_integer(i64::try_from(episode).unwrap_or(i64::MAX), out);
    }
    out.push(b'\n');
}
