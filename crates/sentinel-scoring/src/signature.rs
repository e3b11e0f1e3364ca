//! Signatures behind a model: lines that travel with the file and are no part of the model.
//!
//! ```text
//! sentinel-model 2
//! ...
//! hash <...>
//! signature ed25519 <public key, 64 hexadecimal digits> <signature, 128>
//! ```
//!
//! A line in the file and not a file beside it: so the signature goes wherever the content goes, the
//! transaction log included. Promises that a model has the same hash with and without signatures. Must never
//! judge one: who is trusted is not the heart's business.

use std::fmt::Write;

use crate::error::ModelError;

/// The most signatures of one model.
pub const SIGNATURES_MAX: usize = 8;

/// How a line begins.
const HEAD: &str = "signature ed25519 ";

/// A signature as it stands, checked by nobody yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    /// The public key that it names.
    pub key: [u8; 32],
    /// The signature.
    pub bytes: [u8; 64],
}

impl Signature {
    /// The line, with its end.
    pub fn line(&self) -> String {
        format!("{HEAD}{} {}\n", hex(&self.key), hex(&self.bytes))
    }
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Hexadecimal digits as so many bytes; lower case only, so that a signature has one spelling.
pub fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

/// The model, and the signatures that stand behind it.
pub fn split(bytes: &[u8]) -> Result<(&[u8], Vec<Signature>), ModelError> {
    let mut model = bytes;
    let mut signatures = Vec::new();
    while let Some(line) = last_line(model).filter(|line| line.starts_with(HEAD.as_bytes())) {
        let fault = |problem: &str| ModelError::Format {
            line: model.iter().filter(|byte| **byte == b'\n').count(),
            problem: problem.to_owned(),
        };
        let words = line.get(HEAD.len()..line.len() - 1).unwrap_or_default();
        let words = std::str::from_utf8(words).unwrap_or_default();
        let parts = words.split_once(' ');
        let parts = parts.and_then(|(key, signature)| Some((from_hex(key)?, from_hex(signature)?)));
        let Some((key, bytes)) = parts else {
            return Err(fault("a signature is 64 and 128 hexadecimal digits"));
        };
        if signatures.len() == SIGNATURES_MAX {
            return Err(fault("a model has at most 8 signatures"));
        }
        signatures.push(Signature { key, bytes });
        model = model.get(..model.len() - line.len()).unwrap_or_default();
    }
    signatures.reverse();
    Ok((model, signatures))
}

/// The last line with its end; `None` where the bytes do not end with one.
fn last_line(bytes: &[u8]) -> Option<&[u8]> {
    let body = bytes.strip_suffix(b"\n")?;
    let start = body
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    bytes.get(start..)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(fill: u8) -> Signature {
        Signature {
            key: [fill; 32],
            bytes: [fill.wrapping_add(1); 64],
        }
    }

    #[test]
    fn signatures_come_off_in_their_order_and_the_model_stays() {
        let model = b"sentinel-model 2\nhash 00\n";
        assert_eq!(split(model).unwrap(), (&model[..], vec![]));
        let (one, two) = (signature(7), signature(200));
        let mut signed = model.to_vec();
        signed.extend(one.line().into_bytes());
        signed.extend(two.line().into_bytes());
        assert_eq!(split(&signed).unwrap(), (&model[..], vec![one, two]));
        assert_eq!(split(b"").unwrap(), (&b""[..], vec![]));
        // A line without its end is no signature but a broken model.
        signed.pop();
        assert_eq!(split(&signed).unwrap().0, signed);
    }

    #[test]
    fn a_broken_signature_is_named_with_its_line() {
        let line = signature(7).line();
        for broken in [
            line.replace("07", "0G"),
            line.replace("08", "0A"),
            line.replacen("07", "", 1),
            line.replace(" 08", "08"),
            line.replace('\n', " x\n"),
            line.repeat(9),
        ] {
            let bytes = format!("a\nb\n{broken}").into_bytes();
            match split(&bytes).unwrap_err() {
                ModelError::Format { line, .. } => assert_eq!(line, 3),
                other => panic!("{other}"),
            }
        }
    }
}
