//! Spelling of names and addresses. The formatting machinery of the standard library costs more than
//! making the whole payment, and a payment carries a dozen such texts.

use sentinel_domain::Text;

/// A prefix and a decimal number: `acc_1234`.
pub(crate) fn numbered(prefix: &str, number: u64) -> Text {
    let mut text = Text::new(prefix);
    push_number(&mut text, number);
    text
}

/// A prefix and sixteen hexadecimal digits: `tok_00ab…`.
pub(crate) fn hexadecimal(prefix: &str, hash: u64) -> Text {
    let mut digits = [0; 16];
    let mut left = hash;
    for digit in digits.iter_mut().rev() {
        let [low, ..] = left.to_le_bytes();
        *digit = match low & 15 {
            value @ 0..=9 => b'0' + value,
            value => b'a' + (value - 10),
        };
        left >>= 4;
    }
    let mut text = Text::new(prefix);
    text.push_str(std::str::from_utf8(&digits).unwrap_or_default());
    text
}

/// Appends a decimal number.
pub(crate) fn push_number(text: &mut Text, number: u64) {
    let mut digits = [b'0'; 20];
    let mut left = number;
    let mut first = 20;
    for digit in digits.iter_mut().rev() {
        let [low, ..] = (left % 10).to_le_bytes();
        *digit = b'0' + low;
        left /= 10;
        first -= 1;
        if left == 0 {
            break;
        }
    }
    let used = digits.get(first..).unwrap_or_default();
    text.push_str(std::str::from_utf8(used).unwrap_or_default());
}

/// An IPv4 address: the block says the place, the hash the rest.
pub(crate) fn address(block: u8, hash: u64) -> Text {
    let [b, c, d, ..] = hash.to_le_bytes();
    let mut text = Text::default();
    push_number(&mut text, u64::from(block));
    for octet in [b, c, d] {
        text.push('.');
        push_number(&mut text, u64::from(octet));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_spelt_as_the_standard_library_would() {
        for number in [0, 9, 10, 1_234_567_890, u64::MAX] {
            assert_eq!(numbered("a_", number), format!("a_{number}").as_str());
            assert_eq!(
                hexadecimal("t_", number),
                format!("t_{number:016x}").as_str()
            );
        }
        assert_eq!(address(60, 0x00FF_0A01), "60.1.10.255");
    }
}
