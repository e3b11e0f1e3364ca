//! The members of a JSON object as they are written.

use serde::de::IgnoredAny;

/// A key with its value as it is written.
pub struct Member<'a> {
    /// The key, read.
    pub key: String,
    /// The value, not read.
    pub value: &'a str,
}

impl Member<'_> {
    /// The value where it is a text.
    pub fn text(&self) -> Option<String> {
        serde_json::from_str(self.value).ok()
    }
}

/// The members of an object in their order, repeated keys included; `None` where the bytes are not one
/// well-formed object.
pub fn of_object(bytes: &[u8]) -> Option<Vec<Member<'_>>> {
    let text = std::str::from_utf8(bytes).ok()?.trim_ascii();
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let inner = text.strip_prefix('{')?.strip_suffix('}')?;
    let mut members = Vec::new();
    let mut rest = inner.trim_ascii();
    while !rest.is_empty() {
        let (key, after) = rest.split_at_checked(end_of(rest, ':')?)?;
        let after = after.strip_prefix(':')?;
        let (value, after) = after.split_at_checked(end_of(after, ',').unwrap_or(after.len()))?;
        let key: String = serde_json::from_str(key).ok()?;
        members.push(Member {
            key,
            value: value.trim_ascii(),
        });
        rest = after.strip_prefix(',').unwrap_or(after);
    }
    Some(members)
}

/// Where a mark first stands outside of texts, arrays and inner objects.
fn end_of(text: &str, mark: char) -> Option<usize> {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if in_text => escaped = true,
            '"' => in_text = !in_text,
            _ if in_text => {}
            '{' | '[' => depth += 1,
            '}' | ']' => depth = depth.saturating_sub(1),
            _ if character == mark && depth == 0 => return Some(at),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(text: &str) -> Option<Vec<(String, &str)>> {
        let members = of_object(text.as_bytes())?;
        Some(
            members
                .into_iter()
                .map(|member| (member.key, member.value))
                .collect(),
        )
    }

    #[test]
    fn members_keep_their_order_and_their_spelling() {
        let text = r#" { "a" : 1.50 , "b\"c":"x,}:\\","d":{"e":[1,{"f":","}]}, "a":null } "#;
        let expected = vec![
            ("a".to_owned(), "1.50"),
            ("b\"c".to_owned(), r#""x,}:\\""#),
            ("d".to_owned(), r#"{"e":[1,{"f":","}]}"#),
            ("a".to_owned(), "null"),
        ];
        assert_eq!(members(text), Some(expected));
        assert_eq!(members("{ }"), Some(vec![]));
    }

    #[test]
    fn what_is_no_object_has_no_members() {
        for text in [
            "",
            "[]",
            "1",
            "{",
            "{\"a\"}",
            "{} {}",
            "{\"a\":1,}",
            "\"{}\"",
        ] {
            assert_eq!(members(text), None, "{text}");
        }
        assert!(of_object(b"{\"a\":\"\xff\"}").is_none());
    }
}
