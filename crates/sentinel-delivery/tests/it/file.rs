//! What a file does beyond the contract: it outlives a crash, and it belongs to one sink.

use std::fs;
use std::io::Write as _;

use sentinel_delivery::{DeliveryError, Sink, deliver};

use crate::contract::{lines, message};

fn text(numbers: impl IntoIterator<Item = usize>) -> String {
    lines(numbers)
        .iter()
        .map(|line| format!("{line}\n"))
        .collect()
}

#[tokio::test]
async fn reopening_goes_on_where_it_ended() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alerts.jsonl");
    for n in 0..3 {
        let sink = Sink::file(&path).unwrap();
        assert_eq!(sink.torn_line(), None);
        deliver(&sink, &[message(n)]).await.remove(0).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), text(0..3));
    assert!(!folder.path().join("alerts.jsonl.torn").exists());
}

#[tokio::test]
async fn a_line_torn_at_any_byte_is_cut_kept_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, torn) = (text(0..2), text(2..3));
    for cut in 1..torn.len() {
        let path = folder.path().join(format!("{cut}.jsonl"));
        fs::write(&path, format!("{whole}{}", &torn[..cut])).unwrap();
        let sink = Sink::file(&path).unwrap();
        let found = sink.torn_line().expect("a torn line");
        assert_eq!(
            (found.offset, found.bytes),
            (whole.len() as u64, cut as u64)
        );
        assert_eq!(found.path, path);
        assert_eq!(fs::read_to_string(&found.kept_in).unwrap(), torn[..cut]);
        deliver(&sink, &[message(2)]).await.remove(0).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text(0..3));
    }
}

#[tokio::test]
async fn a_first_line_that_was_torn_leaves_an_empty_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alerts.jsonl");
    // Longer than one block of the search, and twice, so that what is kept is appended.
    let torn = vec![b'x'; 200_000];
    for round in 1..=2 {
        fs::write(&path, &torn).unwrap();
        let sink = Sink::file(&path).unwrap();
        let found = sink.torn_line().expect("a torn line");
        assert_eq!((found.offset, found.bytes), (0, 200_000));
        assert_eq!(fs::read(&path).unwrap(), b"");
        let kept = fs::metadata(&found.kept_in).unwrap().len();
        assert_eq!(kept, round * 200_000);
    }
}

#[tokio::test]
async fn a_line_that_ends_at_the_edge_of_a_block_is_found() {
    let folder = tempfile::tempdir().unwrap();
    for before in [65_535, 65_536, 65_537, 131_072] {
        let path = folder.path().join(format!("{before}.jsonl"));
        let mut content = vec![b'x'; before];
        content.push(b'\n');
        content.extend(vec![b'y'; 65_536]);
        fs::write(&path, &content).unwrap();
        let found = Sink::file(&path).unwrap().torn_line().unwrap();
        assert_eq!((found.offset, found.bytes), (before as u64 + 1, 65_536));
    }
}

#[tokio::test]
async fn a_file_that_holds_no_lines_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("picture.raw");
    let length = (16 << 20) + 200_000;
    fs::File::create(&path).unwrap().set_len(length).unwrap();
    let refused = Sink::file(&path).unwrap_err();
    assert!(
        matches!(refused, DeliveryError::NotLines { .. }),
        "{refused}"
    );
    assert_eq!(fs::metadata(&path).unwrap().len(), length);
}

#[tokio::test]
async fn a_file_belongs_to_one_sink() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alerts.jsonl");
    let first = Sink::file(&path).unwrap();
    let refused = Sink::file(&path).unwrap_err();
    assert!(matches!(refused, DeliveryError::InUse { .. }), "{refused}");
    assert!(refused.to_string().contains("alerts.jsonl"), "{refused}");
    drop(first);
    Sink::file(&path).unwrap();
}

#[tokio::test]
async fn a_path_that_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for path in [
        folder.path().join("absent/alerts.jsonl"),
        folder.path().to_owned(),
    ] {
        let refused = Sink::file(&path).unwrap_err();
        assert!(matches!(refused, DeliveryError::Open { .. }), "{refused}");
        let expected = format!("open the sink {}", path.display());
        assert_eq!(refused.to_string(), expected);
    }
}

#[tokio::test]
async fn a_file_that_was_moved_or_deleted_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alerts.jsonl");
    let sink = Sink::file(&path).unwrap();
    deliver(&sink, &[message(0)]).await.remove(0).unwrap();
    let rotated = folder.path().join("alerts.1.jsonl");
    fs::rename(&path, &rotated).unwrap();
    deliver(&sink, &[message(1)]).await.remove(0).unwrap();
    fs::remove_file(&path).unwrap();
    deliver(&sink, &[message(2)]).await.remove(0).unwrap();
    assert_eq!(fs::read_to_string(&rotated).unwrap(), text([0]));
    assert_eq!(fs::read_to_string(&path).unwrap(), text([2]));

    fs::remove_dir_all(folder.path()).unwrap();
    let refused = deliver(&sink, &[message(3)]).await.remove(0).unwrap_err();
    assert!(!refused.is_final());
    fs::create_dir(folder.path()).unwrap();
    deliver(&sink, &[message(3)]).await.remove(0).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), text([3]));
}

#[tokio::test]
async fn a_file_emptied_from_outside_goes_on_from_its_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alerts.jsonl");
    let sink = Sink::file(&path).unwrap();
    deliver(&sink, &[message(0)]).await.remove(0).unwrap();
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(0)
        .unwrap();
    deliver(&sink, &[message(1)]).await.remove(0).unwrap();
    fs::File::options()
        .append(true)
        .open(&path)
        .unwrap()
        .write_all(b"")
        .unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), text([1]));
}
