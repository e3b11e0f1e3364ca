//! Device: devices, addresses and merchants, and how many accounts and cards share them.

use super::{
    ACCOUNTS, CARDS, DECLINED, DEVICES, IPS, SMALL, counts, distinct, of_pair, picked_count,
    seconds_since_first,
};
use crate::entity::EntityKind;
use crate::feature::{Family, Feature};
use crate::window::WindowIndex;

const FAMILY: Family = Family::Device;

pub(super) fn features() -> Vec<Feature> {
    let mut all = Vec::new();
    for kind in [EntityKind::Device, EntityKind::Ip] {
        all.extend(counts(FAMILY, kind, "from", &FOUR));
        all.extend(distinct(FAMILY, kind, "at", &ACCOUNTS, &FOUR));
        all.extend(distinct(
            FAMILY,
            kind,
            "at",
            &ACCOUNTS,
            &[(WindowIndex::D7, 2.0)],
        ));
        all.push(seconds_since_first(FAMILY, kind, 864_000.0));
    }
    all.extend(distinct(
        FAMILY,
        EntityKind::Merchant,
        "at",
        &ACCOUNTS,
        &FOUR,
    ));
    let day = [(WindowIndex::H24, 1.0)];
    let hour = (WindowIndex::H1, 1.0);
    all.push(picked_count(FAMILY, EntityKind::Device, &SMALL, hour));
    all.push(picked_count(FAMILY, EntityKind::Ip, &DECLINED, hour));
    all.extend(distinct(FAMILY, EntityKind::Device, "at", &CARDS, &day));
    all.extend(distinct(FAMILY, EntityKind::Ip, "at", &CARDS, &[hour]));
    all.extend(distinct(
        FAMILY,
        EntityKind::IpNetwork,
        "at",
        &ACCOUNTS,
        &day,
    ));
    all.extend(distinct(FAMILY, EntityKind::Email, "with", &ACCOUNTS, &day));
    all.extend(distinct(FAMILY, EntityKind::Account, "of", &DEVICES, &day));
    all.extend(distinct(FAMILY, EntityKind::Card, "of", &IPS, &day));
    all.extend(of_pair(
        FAMILY,
        EntityKind::AccountDevice,
        "of this account on this device",
    ));
    all
}

const FOUR: [(WindowIndex, f64); 4] = [
    (WindowIndex::M1, 1.0),
    (WindowIndex::M5, 1.0),
    (WindowIndex::H1, 1.0),
    (WindowIndex::H24, 2.0),
];
