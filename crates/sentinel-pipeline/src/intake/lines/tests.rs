//! What a stream of lines promises, read in pieces of any size.

use std::io;

use super::*;

/// Gives its bytes in pieces of one size, then ends or breaks.
struct Pieces<'a> {
    bytes: &'a [u8],
    piece: usize,
    error: Option<io::Error>,
}

impl Read for Pieces<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.piece.min(out.len()).min(self.bytes.len());
        if count == 0 {
            return self.error.take().map_or(Ok(0), Err);
        }
        let (now, later) = self.bytes.split_at(count);
        out[..count].copy_from_slice(now);
        self.bytes = later;
        Ok(count)
    }
}

fn lines(bytes: &[u8], piece: usize, bytes_max: usize) -> Vec<String> {
    let mut reader = LineReader::new(Pieces {
        bytes,
        piece,
        error: None,
    });
    let mut out = Vec::new();
    loop {
        let number = reader.line_number();
        match reader.find(0, bytes_max).unwrap() {
            Found::End => return out,
            Found::Line { bytes, line_end } => {
                let text = String::from_utf8_lossy(reader.peek(bytes - line_end)).into_owned();
                out.push(format!("{number}:{text}"));
                reader.consume(bytes, 1);
            }
            Found::TooLong => {
                let mut kept = Vec::new();
                let (length, _) = reader.skip_line(&mut kept, 3).unwrap();
                let kept = String::from_utf8_lossy(&kept).into_owned();
                out.push(format!("{number}:{kept}… {length}"));
            }
            Found::Broken => panic!("nothing breaks here"),
        }
    }
}

#[test]
fn lines_are_the_same_in_pieces_of_any_size() {
    let bytes = b"\xEF\xBB\xBFone\r\n\ntwo three\nfour four four\r\nlast";
    let expected = ["1:one", "2:", "3:two three", "4:fou… 14", "5:last"];
    for piece in [1, 2, 3, 5, 7, 100] {
        assert_eq!(lines(bytes, piece, 9), expected, "pieces of {piece}");
    }
}

#[test]
fn a_line_of_just_the_longest_length_is_whole() {
    for piece in [1, 4, 100] {
        assert_eq!(
            lines(b"12345\r\n12345\n12345", piece, 5),
            ["1:12345", "2:12345", "3:12345"]
        );
        assert_eq!(
            lines(b"123456\r\n123456", piece, 5),
            ["1:123… 6", "2:123… 6"]
        );
    }
}

#[test]
fn a_stream_that_breaks_gives_whole_lines_first() {
    let error = Some(io::Error::new(ErrorKind::UnexpectedEof, "incomplete frame"));
    let mut reader = LineReader::new(Pieces {
        bytes: b"one\ntw",
        piece: 4,
        error,
    });
    assert_eq!(
        reader.find(0, 10).unwrap(),
        Found::Line {
            bytes: 4,
            line_end: 1
        }
    );
    reader.consume(4, 1);
    assert_eq!(reader.find(0, 10).unwrap(), Found::Broken);
    assert_eq!((reader.line_number(), reader.peek(10)), (2, &b"tw"[..]));
    assert_eq!(reader.break_reason(), "incomplete frame");
    reader.close();
    assert_eq!(reader.find(0, 10).unwrap(), Found::End);
}

#[test]
fn an_error_of_the_device_is_an_error() {
    let error = Some(io::Error::from_raw_os_error(5));
    let mut reader = LineReader::new(Pieces {
        bytes: b"one",
        piece: 4,
        error,
    });
    assert_eq!(reader.find(0, 10).unwrap_err().raw_os_error(), Some(5));
}

#[test]
fn an_interrupted_read_is_tried_again() {
    let error = Some(io::Error::from(ErrorKind::Interrupted));
    let mut reader = LineReader::new(Pieces {
        bytes: b"one",
        piece: 4,
        error,
    });
    assert_eq!(
        reader.find(0, 10).unwrap(),
        Found::Line {
            bytes: 3,
            line_end: 0
        }
    );
}

#[test]
fn a_byte_is_found_wherever_it_stands() {
    for at in 0..100 {
        let mut bytes = vec![b'x'; 100];
        bytes[at] = b'\n';
        assert_eq!(position(&bytes, b'\n'), Some(at));
    }
    assert_eq!(position(&[b'x'; 100], b'\n'), None);
}
