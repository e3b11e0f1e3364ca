//! A state that was written and read back goes on as if nothing had been.

use sentinel_features::{FeatureEngine, FeatureSet, Part};
use sentinel_synth::Random;

use crate::any_definition::definitions;
use crate::comparison::{Subject, set_of};
use crate::traffic::{Crowd, Entry, Seen, Traffic};

/// Compares a log with the oracle, with the engine written and read back at random places, and with an
/// engine that never stopped: rows, flags and at last the bytes of the state. A third one says nothing of most
/// events, and what it becomes is the same.
fn compare(set: &FeatureSet, seed: u64, crowd: Crowd, entries: u64, stops: f64) {
    let mut random = Random::new(seed);
    let (mut stopping, mut steady) = (Subject::of(set.clone()), Subject::of(set.clone()));
    let mut silent = Subject::of(set.clone());
    let mut traffic = Traffic::new(seed, crowd);
    let mut seen = Seen::default();
    for index in 0..entries {
        let entry = traffic.entry();
        seen.apply(&mut stopping, &entry)
            .unwrap_or_else(|difference| panic!("seed {seed}, entry {index}: {difference}"));
        match &entry {
            Entry::Event(event) => {
                steady.apply(event);
                assert!(
                    steady.bits() == stopping.bits(),
                    "seed {seed}, entry {index}"
                );
                if random.chance(0.9) {
                    silent.absorb(event);
                } else {
                    silent.apply(event);
                    assert!(silent.bits() == steady.bits(), "seed {seed}, entry {index}");
                }
            }
            Entry::Label(label) => {
                steady.label(label).unwrap();
                silent.label(label).unwrap();
            }
        }
        if random.chance(stops) {
            let bytes = stopping.engine().encode();
            stopping.restart();
            assert!(
                stopping.engine().encode() == bytes,
                "read back, it writes the same"
            );
            assert!(
                steady.engine().encode() == bytes,
                "the same state, the same bytes"
            );
            assert!(silent.engine().encode() == bytes, "seed {seed}: silent");
        }
    }
    assert!(steady.engine().encode() == stopping.engine().encode());
    assert!(steady.engine().encode() == silent.engine().encode());
}

#[test]
fn the_shipped_set_goes_on_after_it_was_read_back() {
    compare(&FeatureSet::shipped(), 11, Crowd::Many, 4_000, 0.005);
    compare(&FeatureSet::shipped(), 12, Crowd::Few, 1_000, 0.02);
}

#[test]
fn any_set_of_definitions_goes_on_after_it_was_read_back() {
    let mut random = Random::new(13);
    for seed in 0..60 {
        let set = set_of(&definitions(&mut random));
        let crowd = *random.pick(&[Crowd::Few, Crowd::Many]);
        compare(&set, seed, crowd, 300, 0.03);
    }
}

#[test]
fn a_new_engine_can_be_written() {
    let set = FeatureSet::shipped();
    let bytes = FeatureEngine::new(set.clone()).encode();
    let read = FeatureEngine::decode(set, &bytes);
    assert!(read.is_ok_and(|read| read.encode() == bytes));
}

/// The bytes of a state with a bit of everything.
fn written(set: &FeatureSet) -> Vec<u8> {
    let mut subject = Subject::of(set.clone());
    let mut traffic = Traffic::new(14, Crowd::Few);
    let mut seen = Seen::default();
    for _ in 0..120 {
        seen.apply(&mut subject, &traffic.entry()).unwrap();
    }
    subject.engine().encode()
}

#[test]
fn bytes_that_are_cut_short_or_go_on_are_refused() {
    let set = FeatureSet::shipped();
    let bytes = written(&set);
    let mut random = Random::new(15);
    let mut lengths: Vec<usize> = (0..bytes.len().min(200)).collect();
    lengths.extend((0..300).map(|_| random.below(bytes.len() as u64) as usize));
    for length in lengths {
        let read = FeatureEngine::decode(set.clone(), &bytes[..length]);
        assert!(read.is_err(), "{length} of {} bytes", bytes.len());
    }
    let mut longer = bytes;
    longer.push(0);
    assert!(FeatureEngine::decode(set, &longer).is_err());
}

#[test]
fn bytes_with_a_bit_turned_are_refused() {
    let set = FeatureSet::shipped();
    let bytes = written(&set);
    let mut random = Random::new(16);
    let mut places: Vec<usize> = (0..bytes.len().min(100)).collect();
    places.extend((0..400).map(|_| random.below(bytes.len() as u64) as usize));
    for place in places {
        let mut turned = bytes.clone();
        turned[place] ^= 1 << random.below(8);
        let read = FeatureEngine::decode(set.clone(), &turned);
        assert!(read.is_err(), "byte {place} of {}", bytes.len());
    }
}

#[test]
fn bytes_of_noise_are_refused() {
    let mut random = Random::new(17);
    for _ in 0..200 {
        let length = random.below(400) as usize;
        let noise: Vec<u8> = (0..length).map(|_| random.next_u64() as u8).collect();
        assert!(FeatureEngine::decode(FeatureSet::shipped(), &noise).is_err());
    }
}

#[test]
fn parts_read_back_in_any_order_are_the_state() {
    let set = FeatureSet::shipped();
    let bytes = written(&set);
    let whole = FeatureEngine::decode(set.clone(), &bytes).unwrap();
    let mut pieces: Vec<Vec<u8>> = Vec::new();
    whole.encode_pieces(&mut |piece| pieces.push(piece.to_vec()));
    assert!(pieces[0].is_empty(), "a part begins with an empty piece");
    let of_parts: Vec<&[Vec<u8>]> = pieces.split(Vec::is_empty).skip(1).collect();
    let mut parts: Vec<(usize, Part)> =
        FeatureEngine::parts(&set).into_iter().enumerate().collect();
    assert_eq!(parts.len(), of_parts.len());
    let restore = |part: &mut Part, pieces: &[Vec<u8>]| {
        let mut pieces = pieces.iter();
        part.restore(&mut |piece| match pieces.next() {
            Some(next) => {
                piece.extend_from_slice(next);
                true
            }
            None => false,
        })
    };
    let mut random = Random::new(18);
    let mut done = Vec::new();
    while !parts.is_empty() {
        let (number, mut part) = parts.swap_remove(random.below(parts.len() as u64) as usize);
        restore(&mut part, of_parts[number]).unwrap();
        done.push((number, part));
    }
    done.sort_by_key(|(number, _)| *number);
    let done = done.into_iter().map(|(_, part)| part).collect();
    assert!(FeatureEngine::of_parts(set.clone(), done).encode() == bytes);
    // A part with something behind it, one that ends early and one of another kind are refused.
    for (number, pieces) in of_parts.iter().enumerate() {
        let fresh = || FeatureEngine::parts(&set).swap_remove(number);
        let longer = [pieces, &[vec![0]][..]].concat();
        assert!(restore(&mut fresh(), &longer).is_err(), "part {number}");
        let mut shorter = pieces.to_vec();
        if shorter.last_mut().and_then(Vec::pop).is_some() {
            assert!(restore(&mut fresh(), &shorter).is_err(), "part {number}");
        }
    }
}
