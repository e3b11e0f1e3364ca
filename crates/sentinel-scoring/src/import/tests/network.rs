//! Neural networks: refused by name where they are not understood or not built in, and scored as ONNX Runtime
//! does where they are.

use super::*;

const NETWORKS: [Fixture; 5] = fixtures![
    "network-sklearn.onnx" "network-sklearn",
    "network-tanh.onnx" "network-tanh",
    "network-gemm.onnx" "network-gemm",
    "network-softmax.onnx" "network-softmax",
    "network-gates.onnx" "network-gates",
];

fn network(name: &str) -> &'static Fixture {
    let place = NETWORKS.iter().position(|fixture| fixture.name == name);
    &NETWORKS[place.unwrap()]
}

/// The error of a fixture with every occurrence of some bytes replaced by as many others.
fn refused(name: &str, from: &[u8], to: &[u8]) -> String {
    assert_eq!(from.len(), to.len());
    let mut bytes = network(name).bytes.to_vec();
    let places: Vec<usize> = (0..=bytes.len() - from.len())
        .filter(|at| bytes[*at..].starts_with(from))
        .collect();
    assert!(!places.is_empty(), "{name} holds {from:?}");
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    match Foreign::read(&bytes, None) {
        Ok(_) => panic!("{name} reads with {to:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn operators_that_are_not_on_the_list_are_refused_by_name() {
    for (name, from, to, part) in [
        (
            "network-gemm.onnx",
            &b"Relu"[..],
            &b"Selu"[..],
            "Selu: no such operator",
        ),
        (
            "network-gemm.onnx",
            b"Gemm",
            b"Conv",
            "Conv: no such operator",
        ),
        (
            "network-gemm.onnx",
            b"Dropout",
            b"Randoms",
            "Randoms: no such operator",
        ),
        (
            "network-gates.onnx",
            b"Tanh",
            b"Loop",
            "Loop: no such operator",
        ),
        (
            "network-gates.onnx",
            b"Concat",
            b"Gather",
            "no Concat of columns",
        ),
        (
            "network-gates.onnx",
            b"Transpose",
            b"TransposX",
            "TransposX: no such operator",
        ),
        (
            "network-gemm.onnx",
            b"transB",
            b"transA",
            "it turns its rows",
        ),
        (
            "network-gemm.onnx",
            b"alpha\x15\x00\x00\x80\x3f",
            b"alpha\x15\x00\x00\x00\x3f",
            "alpha is 0.5",
        ),
        (
            "network-softmax.onnx",
            b"Clip",
            b"Clop",
            "Clop: no such operator",
        ),
        (
            "network-sklearn.onnx",
            b"MatMul",
            b"MatMil",
            "MatMil: no such operator",
        ),
    ] {
        let error = refused(name, from, to);
        assert!(error.contains(part), "{name}: {error}");
    }
}

#[cfg(not(feature = "neural"))]
#[test]
fn a_binary_without_networks_names_the_feature_to_build_with() {
    for Fixture { name, bytes, .. } in &NETWORKS {
        let error = Foreign::read(bytes, None).unwrap_err().to_string();
        assert!(error.contains("--features neural"), "{name}: {error}");
    }
    let text = "sentinel-model 2\nname n\nversion 1\ncards 0\nfeatures 1\nfeature f0\nmembers 1\n\
                member neural-network\nweight 1\nmap 1 0\ninputs 1\ninput 0 0 0\n";
    let error = Model::parse(text.as_bytes()).unwrap_err().to_string();
    assert!(
        error.contains("line 10") && error.contains("--features neural"),
        "{error}"
    );
}

#[cfg(feature = "neural")]
mod built {
    use super::*;
    use crate::ExplainScratch;
    use sentinel_domain::ContentHash;

    fn with_missing(missing: f32) -> Options<'static> {
        Options {
            missing: Some(missing),
            ..options()
        }
    }

    /// The model of a fixture, with means from its rows.
    fn sampled(fixture: &Fixture, missing: Option<f32>) -> (Foreign, Model, Vec<f64>) {
        let foreign = Foreign::read(fixture.bytes, None).unwrap();
        let rows = Table::of(fixture.rows).of_features(foreign.features());
        let sample = Sample {
            rows: &rows,
            fraud: None,
        };
        let options = Options {
            sample: Some(sample),
            missing,
            ..options()
        };
        let model = foreign.model(&options).unwrap().model;
        (foreign, model, rows)
    }

    #[test]
    fn networks_score_as_onnx_runtime_does() {
        for Fixture { name, bytes, rows } in &NETWORKS {
            let foreign = Foreign::read(bytes, None).unwrap();
            assert!(foreign.is_network() && foreign.trees() == 0);
            assert_eq!(foreign.meaning(), Meaning::LogOdds);
            let model = foreign.model(&with_missing(0.0)).unwrap().model;
            let names: Vec<&str> = foreign.features().iter().map(String::as_str).collect();
            let scorer = model.bind(&names).unwrap();
            let table = Table::of(rows);
            let (raw, prediction) = (table.column("raw"), table.column("prediction").unwrap());
            let values = table.of_features(foreign.features());
            for (index, row) in values.chunks_exact(names.len()).enumerate() {
                let score = scorer.score(row);
                let near = |found: f64, wanted: f64| {
                    let distance = (found - wanted).abs();
                    assert!(
                        distance <= 1e-6,
                        "{name}, row {index}: {found} instead of {wanted}"
                    );
                };
                near(score.probability, prediction[index]);
                if let Some(raw) = &raw {
                    near(foreign.margin(score.log_odds), raw[index]);
                }
            }
        }
    }

    #[test]
    fn a_network_is_written_and_read_back_byte_for_byte() {
        for fixture in &NETWORKS {
            let (_, model, rows) = sampled(fixture, None);
            let (_, again, _) = sampled(fixture, None);
            let bytes = model.to_bytes();
            assert_eq!(bytes, again.to_bytes());
            let read = Model::parse(&bytes).unwrap();
            assert_eq!(read, model);
            assert_eq!(read.to_bytes(), bytes);
            let names: Vec<&str> = model.features().iter().map(String::as_str).collect();
            let (one, other) = (model.bind(&names).unwrap(), read.bind(&names).unwrap());
            for row in rows.chunks_exact(names.len()) {
                assert_eq!(one.score(row), other.score(row));
            }
            let told = &model.description().members[0];
            assert_eq!((told.kind, told.trees), ("neural-network", 0));
            assert_eq!(told.network.as_ref().unwrap().inputs, 10);
        }
    }

    #[test]
    fn base_and_contributions_are_the_score_to_the_unit() {
        let mut scratch = ExplainScratch::default();
        for fixture in &NETWORKS {
            let (_, model, rows) = sampled(fixture, None);
            // Slots stand in another order than features, with one between that no network reads.
            let mut names: Vec<&str> = model.features().iter().map(String::as_str).collect();
            names.reverse();
            names.insert(3, "unread");
            let scorer = model.bind(&names).unwrap();
            let mut dice = Dice(5);
            for row in rows.chunks_exact(model.features().len()) {
                let mut row: Vec<f64> = row.iter().rev().copied().collect();
                row.insert(3, dice.real());
                let hole = usize::try_from(dice.below(11)).unwrap();
                row[hole] = f64::NAN;
                let contributions = scorer.explain(&row, &mut scratch);
                let moved: LogOdds = contributions.iter().map(|one| one.log_odds).sum();
                assert_eq!(scorer.base() + moved, scorer.score(&row).log_odds);
                assert!(contributions.is_sorted_by(|a, b| a.feature < b.feature));
                // What is missing counts as its background, so it moves nothing; nor does what is not read.
                let still = [3, u16::try_from(hole).unwrap()];
                assert!(
                    contributions
                        .iter()
                        .all(|one| !still.contains(&one.feature))
                );
                assert_eq!(contributions, scorer.explain(&row, &mut scratch));
            }
        }
    }

    #[test]
    fn a_feature_that_alone_differs_from_its_background_gets_all() {
        let (_, model, rows) = sampled(network("network-softmax.onnx"), None);
        let names: Vec<&str> = model.features().iter().map(String::as_str).collect();
        let scorer = model.bind(&names).unwrap();
        let mut row = vec![f64::NAN; names.len()];
        row[4] = rows[4];
        let contributions = scorer.explain(&row, &mut ExplainScratch::default());
        let [only] = contributions[..] else {
            panic!("one feature differs from its background: {contributions:?}");
        };
        assert_eq!(only.feature, 4);
        assert_eq!(only.log_odds, scorer.score(&row).log_odds - scorer.base());
    }

    #[test]
    fn what_stands_in_for_a_missing_value_is_named_or_the_mean() {
        let fixture = network("network-gemm.onnx");
        let (_, named, rows) = sampled(fixture, Some(-1.5));
        let names: Vec<&str> = named.features().iter().map(String::as_str).collect();
        let mut row = rows[..10].to_vec();
        row[2] = f64::NAN;
        let mut filled = row.clone();
        filled[2] = -1.5;
        let scorer = named.bind(&names).unwrap();
        assert_eq!(scorer.score(&row), scorer.score(&filled));
        let (_, meant, _) = sampled(fixture, None);
        let scorer = meant.bind(&names).unwrap();
        assert_ne!(scorer.score(&row), scorer.score(&filled));
        filled[2] = f64::from(
            meant.description().members[0]
                .network
                .as_ref()
                .unwrap()
                .fillings[2]
                .1,
        );
        assert_eq!(scorer.score(&row), scorer.score(&filled));
        let foreign = Foreign::read(fixture.bytes, None).unwrap();
        let error = foreign.model(&options()).unwrap_err().to_string();
        assert!(error.contains("--missing"), "{error}");
        // What is infinite is the largest that an f32 can be, and never not-a-number.
        row[0] = f64::INFINITY;
        row[1] = f64::NEG_INFINITY;
        assert!(scorer.score(&row).log_odds.to_f64().abs() <= 1000.0);
    }

    /// The text of a model with some of its bytes changed, under the right hash.
    fn resealed(text: &str) -> Vec<u8> {
        let body = &text[..text.rfind("hash ").unwrap()];
        format!("{body}hash {}\n", ContentHash::of(body.as_bytes())).into_bytes()
    }

    #[test]
    fn a_damaged_network_in_a_model_file_is_refused_with_its_line() {
        let (_, model, _) = sampled(network("network-gemm.onnx"), None);
        let text = String::from_utf8(model.to_bytes()).unwrap();
        let line = |part: &str| {
            1 + text
                .lines()
                .position(|line| line.starts_with(part))
                .unwrap()
        };
        let onnx = text.lines().nth(line("onnx ") - 1).unwrap();
        let length: usize = onnx.split(' ').nth(1).unwrap().parse().unwrap();
        for (from, to, part) in [
            (
                "inputs 10".to_owned(),
                "inputs 9".to_owned(),
                "expected section \"onnx\"",
            ),
            (
                "input 9 ".to_owned(),
                "input 8 ".to_owned(),
                "two columns are one feature",
            ),
            (
                "input 9 ".to_owned(),
                "input 10 ".to_owned(),
                "there is no feature 10",
            ),
            (
                format!("onnx {length}"),
                format!("onnx {}", length + 1),
                "expected",
            ),
            (
                format!("onnx {length}"),
                "onnx 999999999".to_owned(),
                "at most 5242880 bytes",
            ),
            (
                "hex 0808".to_owned(),
                "hex 0809".to_owned(),
                "do not match their hash",
            ),
            ("hex 0808".to_owned(), "hex 08g8".to_owned(), "hexadecimal"),
            (
                "weight 1\n".to_owned(),
                "weight 1001\n".to_owned(),
                "the log-odds can leave",
            ),
        ] {
            assert!(text.contains(&from), "{from}");
            let error = Model::parse(&resealed(&text.replacen(&from, &to, 1)));
            let error = error.unwrap_err().to_string();
            assert!(
                error.contains(part) && error.contains("line "),
                "{to}: {error}"
            );
        }
        let first = text.replacen("sentinel-model 2", "sentinel-model 1", 1);
        assert!(Model::parse(&resealed(&first)).is_err());
    }

    /// Seeded damage to the ONNX inside a model file, with both hashes set right: it is refused or it scores.
    #[test]
    #[allow(
        clippy::disallowed_methods,
        reason = "a campaign says how many mutants there are"
    )]
    fn damaged_networks_are_refused_or_score_and_never_panic() {
        let asked = std::env::var("SENTINEL_MUTATIONS").ok();
        let mutations: u64 = asked.map_or(400, |count| count.parse().unwrap());
        let (mut read, mut kept) = (0, 0);
        for Fixture { name, bytes, .. } in &NETWORKS {
            for seed in 0..mutations {
                let mut dice = Dice(seed);
                let bytes = damage::damaged(bytes, &mut dice);
                let Ok(foreign) = Foreign::read(&bytes, None) else {
                    continue;
                };
                read += 1;
                let Ok(imported) = foreign.model(&with_missing(0.5)) else {
                    continue;
                };
                kept += 1;
                let model = Model::parse(&imported.model.to_bytes()).unwrap();
                let names: Vec<&str> = model.features().iter().map(String::as_str).collect();
                let scorer = model.bind(&names).unwrap();
                let row = dice.row(names.len());
                let score = scorer.score(&row);
                assert!(score.probability.is_finite(), "{name}, seed {seed}");
                let contributions = scorer.explain(&row, &mut ExplainScratch::default());
                let moved: LogOdds = contributions.iter().map(|one| one.log_odds).sum();
                assert_eq!(scorer.base() + moved, score.log_odds, "{name}, seed {seed}");
            }
        }
        assert!(
            read > mutations / 4 && kept > mutations / 4,
            "{read} read, {kept} kept"
        );
    }

    #[test]
    fn a_network_stands_beside_trees_in_one_model() {
        let (_, network, rows) = sampled(network("network-gemm.onnx"), None);
        let mut contents = Dice(11).contents(10, 4, 5);
        contents.features = network.features().to_vec();
        let mut member = network.contents.members[0].clone();
        member.weight = 0.25;
        contents.members.push(member);
        let both = Model::from_contents(&contents).unwrap();
        contents.members.pop();
        let trees = Model::from_contents(&contents).unwrap();
        let names: Vec<&str> = network.features().iter().map(String::as_str).collect();
        let [both, trees, network] =
            [&both, &trees, &network].map(|model| model.bind(&names).unwrap());
        let mut scratch = ExplainScratch::default();
        for row in rows.chunks_exact(10) {
            let [of_both, of_trees, of_network] =
                [&both, &trees, &network].map(|scorer| scorer.score(row).log_odds);
            let quarter = LogOdds::from_f64(0.25 * of_network.to_f64());
            assert_eq!(of_both, of_trees + quarter);
            let moved: LogOdds = both
                .explain(row, &mut scratch)
                .iter()
                .map(|one| one.log_odds)
                .sum();
            assert_eq!(both.base() + moved, of_both);
        }
    }
}
