//! Overrides, a part of the contract.

use sentinel_domain::{DecisionId, Offset};
use sentinel_store::{Store, StoreError};

use crate::rows::{FOLLOWER, LOG, OTHER_LOG, PARTITION, empty, override_of, position};

pub async fn overrides_come_out_as_they_went_in_and_the_newest_is_told(store: Store) {
    store.take_over(FOLLOWER, LOG, PARTITION).await.unwrap();
    let [one, other] = [override_of(7, 1), override_of(8, 1)];
    let mut commit = empty(0, 9);
    commit.overrides = vec![one.clone(), other.clone()];
    store.commit(&commit).await.unwrap();
    let told = |offset| store.overridden_by(DecisionId::at(position(offset)));
    assert_eq!(told(1).await.unwrap(), Some(other));
    assert_eq!(told(2).await.unwrap(), None);
    assert_eq!(store.override_at(position(7)).await.unwrap(), Some(one));
    assert_eq!(store.override_at(position(6)).await.unwrap(), None);
    assert_eq!(store.overrides_from(Offset(8)).await.unwrap(), 1);
    // The same again leaves what is there, and a place of another log is refused whole.
    let mut again = empty(9, 10);
    again.overrides = vec![override_of(7, 2)];
    store.commit(&again).await.unwrap();
    assert_eq!(told(2).await.unwrap(), None);
    let mut foreign = empty(10, 11);
    foreign.overrides = vec![override_of(10, 1)];
    foreign.overrides[0].position.log = OTHER_LOG;
    let refused = store.commit(&foreign).await.unwrap_err();
    assert!(
        matches!(refused, StoreError::Contradiction { .. }),
        "{refused}"
    );
}
