//! The lines of a neural network.
//!
//! ```text
//! inputs <count>              then one `input <feature> <instead of missing> <background>` a line
//! onnx <bytes> <BLAKE3 of them>
//! hex <64 bytes, the last line fewer>
//! ```
//!
//! Promises that bytes are counted and hashed before they are read as ONNX, and that a fault names the line of
//! the part at fault. Must never reserve memory on the word of a count.

use std::fmt::Write;

use sentinel_domain::ContentHash;

use super::reader::Reader;
use super::{FEATURES_MAX, Lines};
use crate::error::ModelError;
use crate::models::neural_network::{Input, NeuralNetwork};

/// Bytes of ONNX on one line.
const LINE_BYTES: usize = 64;

/// The most bytes of ONNX: all weights that a network can have, and what stands around them.
const ONNX_BYTES_MAX: usize = 5 << 20;

/// Writes the lines of a network.
pub(super) fn write(lines: &mut Lines, network: &NeuralNetwork) {
    lines.line(&[&"inputs", &network.inputs().len()]);
    for input in network.inputs() {
        lines.line(&[&"input", &input.feature, &input.missing, &input.background]);
    }
    let onnx = network.onnx();
    lines.line(&[&"onnx", &onnx.len(), &ContentHash::of(onnx)]);
    for part in onnx.chunks(LINE_BYTES) {
        let mut hex = String::with_capacity(2 * LINE_BYTES);
        for byte in part {
            // Writing to a string cannot fail.
            let _ = write!(hex, "{byte:02x}");
        }
        lines.line(&[&"hex", &hex]);
    }
}

/// Reads the lines of a network.
pub(super) fn read(reader: &mut Reader<'_>, features: usize) -> Result<NeuralNetwork, ModelError> {
    #[cfg(not(feature = "neural"))]
    if features > 0 {
        return Err(reader.fault(crate::network::ABSENT));
    }
    let count = reader.count("inputs", 1, FEATURES_MAX)?;
    let mut inputs = Vec::new();
    for _ in 0..count {
        let mut words = reader.section("input")?;
        let input = Input {
            feature: words.word("the feature")?,
            missing: words.word("what stands in for a missing value")?,
            background: words.word("the background")?,
        };
        words.end()?;
        if usize::from(input.feature) >= features {
            let feature = input.feature;
            return Err(reader.fault(format!("there is no feature {feature}")));
        }
        inputs.push(input);
    }
    let mut words = reader.section("onnx")?;
    let length: usize = words.word("the number of bytes")?;
    let hash: String = words.word("their hash")?;
    words.end()?;
    if length > ONNX_BYTES_MAX {
        return Err(reader.fault(format!("a network has at most {ONNX_BYTES_MAX} bytes")));
    }
    let line = reader.line;
    let fault = |problem: String| ModelError::Format { line, problem };
    let mut onnx = Vec::new();
    while onnx.len() < length {
        read_line(reader, length - onnx.len(), &mut onnx)?;
    }
    if ContentHash::of(&onnx).to_string() != hash {
        return Err(fault(
            "the bytes of the network do not match their hash".to_owned(),
        ));
    }
    NeuralNetwork::read(inputs, &onnx).map_err(fault)
}

/// The bytes of one line, `left` or a full line of them.
fn read_line(reader: &mut Reader<'_>, left: usize, onnx: &mut Vec<u8>) -> Result<(), ModelError> {
    let mut words = reader.section("hex")?;
    let hex = words.next().unwrap_or_default();
    words.end()?;
    let digits: Option<Vec<u32>> = hex.chars().map(|digit| digit.to_digit(16)).collect();
    let wanted = left.min(LINE_BYTES);
    let Some(digits) = digits.filter(|digits| digits.len() == 2 * wanted) else {
        return Err(reader.fault(format!("expected {wanted} bytes in hexadecimal digits")));
    };
    let (pairs, _) = digits.as_chunks::<2>();
    let byte = |[high, low]: &[u32; 2]| u8::try_from(16 * high + low).unwrap_or_default();
    onnx.extend(pairs.iter().map(byte));
    Ok(())
}
