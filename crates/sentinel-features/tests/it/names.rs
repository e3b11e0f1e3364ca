//! Names that run together are still several.

use sentinel_domain::{DeviceId, Instant, MerchantId, Transaction};
use sentinel_features::definition::{Aggregate, Definition};
use sentinel_features::{EntityKind, FeatureEngine};
use sentinel_synth::builder;

use crate::ask::of;
use crate::comparison::set_of;
use crate::event::START;
use crate::oracle::{Answer, Oracle};

/// Texts that could be taken for the seam between two names.
const SEAMS: [&str; 16] = [
    "", " ", "\0", "\u{1}", "\u{1e}", "\u{1f}", "\u{ff}", "|", ",", ":", ";", "/", "-", "_", "\t",
    "\n",
];

fn payment(account: &str, merchant: &str) -> Transaction {
    let mut t = builder::transaction("e")
        .at(Instant::from_micros(START))
        .account(account)
        .build();
    t.merchant_id = Some(MerchantId::new(merchant));
    t.device_id = Some(DeviceId::new(merchant));
    t
}

#[test]
fn pairs_of_names_never_run_together() {
    let definitions: Vec<Definition> = [EntityKind::AccountMerchant, EntityKind::AccountDevice]
        .into_iter()
        .map(|kind| of(kind, Aggregate::Count, "1h"))
        .collect();
    let set = set_of(&definitions);
    let mut oracle = Oracle::new(set.features(), &[]);
    let mut engine = FeatureEngine::new(set);
    let mut row = [0.0; 2];
    let mut check = |t: &Transaction| {
        engine.apply(t, None, &mut row);
        let told = oracle.apply(t, None);
        for (slot, have) in row.iter().enumerate() {
            let answer = oracle.answer(&told, slot);
            let right = matches!(answer, Answer::Exactly(want) if want.to_bits() == have.to_bits());
            assert!(
                right,
                "{t:?}\n slot {slot}: engine {have}, oracle {answer:?}"
            );
        }
    };
    for seam in SEAMS {
        // Three names in two ways, and two names in two orders.
        check(&payment(&format!("a{seam}b"), "c"));
        check(&payment("a", &format!("b{seam}c")));
        check(&payment(&format!("c{seam}"), "d"));
        check(&payment("c", &format!("{seam}d")));
        check(&payment("d", "e"));
        check(&payment("e", "d"));
        // Long ones, in which a length in one byte would wrap.
        let long = "x".repeat(60);
        check(&payment(&format!("{long}{seam}b"), "c"));
        check(&payment(&long, &format!("b{seam}c")));
    }
}
