//! What every backend promises. Each function here runs on each backend; see the end of the file.

use sentinel_domain::{
    AccountId, Alert, AlertId, AlertStatus, Case, CaseId, CaseStatus, Currency, DecisionId,
    EventId, Instant, Offset, Partition, Tier, Verdict,
};
use sentinel_store::{
    AlertQuery, CaseQuery, Counts, Cursor, FollowedBy, OutboxRow, Progress, Store, StoreError,
};

use crate::overrides::overrides_come_out_as_they_went_in_and_the_newest_is_told;
use crate::rows::{
    FOLLOWER, LOG, OTHER_LOG, PARTITION, alert, case, empty, full, message, position, reason,
};

const LATER: Instant = Instant::from_seconds(2_000_000_000);

async fn taken_over(store: &Store) -> Progress {
    store.take_over(FOLLOWER, LOG, PARTITION).await.unwrap()
}

async fn progress(store: &Store) -> Progress {
    let progress = store.progress(FOLLOWER, LOG, PARTITION).await.unwrap();
    progress.expect("somebody took over before")
}

async fn newest(store: &Store) -> Vec<Alert> {
    let query = AlertQuery {
        limit: 1_000,
        ..AlertQuery::default()
    };
    store.alerts(&query).await.unwrap().items
}

/// Everything a reader can see, to show that something changed nothing.
async fn everything(store: &Store) -> (Counts, Vec<Alert>, Vec<Case>, Vec<OutboxRow>) {
    (
        store.counts().await.unwrap(),
        newest(store).await,
        store.cases(&CaseQuery::default()).await.unwrap().items,
        store.outbox_due(LATER, 1_000).await.unwrap(),
    )
}

async fn a_new_store_is_empty(store: Store) {
    assert_eq!(store.counts().await.unwrap(), Counts::default());
    assert_eq!(
        store.progress(FOLLOWER, LOG, PARTITION).await.unwrap(),
        None
    );
    assert_eq!(store.alert(alert(1).alert_id).await.unwrap(), None);
    assert_eq!(store.case(case(1).case_id).await.unwrap(), None);
    let nothing = store.followed_by(alert(1).decision_id).await.unwrap();
    assert_eq!(nothing, FollowedBy::default());
    let page = store.alerts(&AlertQuery::default()).await.unwrap();
    assert_eq!((page.items, page.next), (Vec::new(), None));
}

async fn rows_come_out_as_they_went_in(store: Store) {
    taken_over(&store).await;
    let strange = Alert {
        event_id: EventId::new("'; DROP TABLE alerts; -- é \u{1f600}"),
        account_id: AccountId::new("line\nbreak \"quoted\" \\"),
        event_time: Instant::from_micros(-1),
        raised_at: Instant::from_micros(1_800_000_000_000_001),
        tier: Tier::Minimal,
        verdict: Verdict::Decline,
        score_points: 1_000,
        card_token: None,
        merchant_id: None,
        amount_minor: i64::MIN,
        currency: Currency::parse("KWD").unwrap(),
        reasons: vec![
            reason("largest", "", i64::MAX),
            reason("smallest", "\u{0}\u{7f}\u{2028}", i64::MIN),
            reason("beyond a double", "9007199254740993", 9_007_199_254_740_993),
        ],
        status: AlertStatus::Confirmed,
        ..alert(1)
    };
    let bare = Alert {
        amount_minor: i64::MAX,
        currency: Currency::parse("JPY").unwrap(),
        reasons: Vec::new(),
        ..alert(2)
    };
    let mut commit = empty(0, 3);
    commit.alerts = vec![alert(0), strange.clone(), bare.clone()];
    commit.cases = vec![case(0)];
    commit.outbox = vec![message(0)];
    store.commit(&commit).await.unwrap();

    for expected in [alert(0), strange, bare] {
        let found = store.alert(expected.alert_id).await.unwrap();
        assert_eq!(found, Some(expected));
    }
    assert_eq!(store.case(case(0).case_id).await.unwrap(), Some(case(0)));
    assert_eq!(store.outbox_due(LATER, 10).await.unwrap(), [message(0)]);
}

async fn a_decision_knows_what_followed_from_it(store: Store) {
    taken_over(&store).await;
    store.commit(&full(0, 4)).await.unwrap();
    let followed = |offset| store.followed_by(alert(offset).decision_id);
    let low = FollowedBy {
        alert_id: Some(alert(0).alert_id),
        case_id: None,
    };
    assert_eq!(followed(0).await.unwrap(), low);
    let critical = FollowedBy {
        alert_id: Some(alert(3).alert_id),
        case_id: Some(case(3).case_id),
    };
    assert_eq!(followed(3).await.unwrap(), critical);
    assert_eq!(followed(4).await.unwrap(), FollowedBy::default());
}

async fn taking_over_raises_the_epoch_and_keeps_the_offset(store: Store) {
    let first = taken_over(&store).await;
    let next = Offset(0);
    assert_eq!(first, Progress { next, epoch: 1 });
    store.commit(&empty(0, 20)).await.unwrap();
    let second = taken_over(&store).await;
    let next = Offset(20);
    assert_eq!(second, Progress { next, epoch: 2 });
    assert_eq!(progress(&store).await, second);

    let elsewhere = store.take_over(FOLLOWER, LOG, Partition(4)).await.unwrap();
    let another = store.take_over("case", LOG, PARTITION).await.unwrap();
    assert_eq!((elsewhere, another), (first, first), "each stands alone");
    assert_eq!(progress(&store).await, second);
}

async fn a_commit_of_many_rows_keeps_every_row(store: Store) {
    taken_over(&store).await;
    // Two full statements and a rest.
    store.commit(&full(0, 137)).await.unwrap();
    let counts = Counts {
        alerts: 137,
        alerts_open: 137,
        cases_open: 34,
        outbox_pending: 137,
    };
    assert_eq!(store.counts().await.unwrap(), counts);
    let expected: Vec<Alert> = (0..137).rev().map(alert).collect();
    assert_eq!(newest(&store).await, expected);
}

async fn repeating_a_commit_changes_nothing(store: Store) {
    taken_over(&store).await;
    store.commit(&full(0, 12)).await.unwrap();
    let before = (everything(&store).await, progress(&store).await);
    let again = store.commit(&full(0, 12)).await.unwrap_err();
    assert!(matches!(again, StoreError::Fenced { .. }), "{again}");
    assert_eq!((everything(&store).await, progress(&store).await), before);

    // The same rows under new progress, as when progress was set back on purpose.
    let mut rows = full(0, 12);
    (rows.from, rows.to) = (Offset(12), Offset(13));
    store.commit(&rows).await.unwrap();
    assert_eq!(everything(&store).await, before.0);
    assert_eq!(progress(&store).await.next, Offset(13));
}

async fn the_first_write_of_a_row_stays(store: Store) {
    taken_over(&store).await;
    let mut commit = full(0, 1);
    commit.alerts[0].status = AlertStatus::Dismissed;
    store.commit(&commit).await.unwrap();
    let mut replay = full(0, 1);
    (replay.from, replay.to) = (Offset(1), Offset(2));
    store.commit(&replay).await.unwrap();
    let kept = store.alert(alert(0).alert_id).await.unwrap().unwrap();
    assert_eq!(kept.status, AlertStatus::Dismissed);
}

async fn a_fenced_owner_writes_nothing(store: Store) {
    taken_over(&store).await;
    store.commit(&full(0, 3)).await.unwrap();
    taken_over(&store).await;
    let before = everything(&store).await;
    let refused = store.commit(&full(3, 9)).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "commit of follower alert on partition 3, epoch 1, from offset 3: fenced, \
         the store stands at epoch 2, offset 3"
    );
    assert_eq!(everything(&store).await, before);
    let (next, epoch) = (Offset(3), 2);
    assert_eq!(progress(&store).await, Progress { next, epoch });

    let mut owner = full(3, 9);
    owner.epoch = 2;
    store.commit(&owner).await.unwrap();
    assert_eq!(store.counts().await.unwrap().alerts, 9);
}

async fn a_commit_from_another_offset_leaves_nothing_behind(store: Store) {
    taken_over(&store).await;
    store.commit(&full(0, 3)).await.unwrap();
    let before = everything(&store).await;
    for from in [0, 2, 4, 1_000] {
        let refused = store.commit(&full(from, from + 60)).await.unwrap_err();
        assert!(matches!(refused, StoreError::Fenced { .. }), "{refused}");
        assert_eq!(everything(&store).await, before, "from {from}");
    }
    assert_eq!(progress(&store).await.next, Offset(3));
}

async fn nobody_commits_without_taking_over(store: Store) {
    let refused = store.commit(&full(0, 3)).await.unwrap_err();
    assert!(
        matches!(refused, StoreError::Fenced { found: None, .. }),
        "{refused}"
    );
    assert_eq!(store.counts().await.unwrap(), Counts::default());
}

async fn a_commit_that_fails_midway_leaves_nothing_behind(store: Store) {
    taken_over(&store).await;
    store.commit(&full(0, 3)).await.unwrap();
    let before = everything(&store).await;
    let mut commit = full(3, 70);
    // A case without its alert is refused by the database, after progress and alerts were written.
    commit.cases.push(case(999));
    let failed = store.commit(&commit).await.unwrap_err();
    assert!(matches!(failed, StoreError::Backend { .. }), "{failed}");
    assert_eq!(everything(&store).await, before);
    assert_eq!(progress(&store).await.next, Offset(3));

    commit.cases.pop();
    store.commit(&commit).await.unwrap();
    assert_eq!(store.counts().await.unwrap().alerts, 70);
}

async fn a_commit_that_is_given_up_is_whole_or_absent(store: Store) {
    taken_over(&store).await;
    for polls in 0..200 {
        let from = progress(&store).await.next.0;
        let commit = full(from, from + 60);
        tokio::select! {
            biased;
            done = store.commit(&commit) => done.unwrap(),
            () = async { for _ in 0..polls { tokio::task::yield_now().await } } => {}
        }
        let next = progress(&store).await.next.0;
        assert!(next == from || next == from + 60, "stands at {next}");
        let counts = store.counts().await.unwrap();
        assert_eq!((counts.alerts, counts.outbox_pending), (next, next));
    }
}

async fn rows_of_another_log_or_partition_are_refused(store: Store) {
    taken_over(&store).await;
    let mut elsewhere = position(1);
    elsewhere.partition = Partition(4);
    let mut other_log = position(1);
    other_log.log = OTHER_LOG;
    for foreign in [elsewhere, other_log] {
        let mut alerts = full(0, 3);
        alerts.alerts[1].alert_id = AlertId::at(foreign);
        let mut cases = full(0, 4);
        cases.cases[0].case_id = CaseId::at(foreign);
        for commit in [alerts, cases] {
            let refused = store.commit(&commit).await.unwrap_err();
            let expected = matches!(refused, StoreError::Contradiction { .. });
            assert!(expected, "{refused}");
        }
    }
    let backwards = store.commit(&empty(5, 4)).await.unwrap_err();
    let expected = "commit of follower alert: it goes back from offset 5 to 4";
    assert_eq!(backwards.to_string(), expected);
    let endless = store.commit(&empty(0, u64::MAX)).await.unwrap_err();
    assert!(matches!(endless, StoreError::Contradiction { .. }));
    assert_eq!(store.counts().await.unwrap(), Counts::default());
}

async fn another_log_is_refused_with_both_names(store: Store) {
    taken_over(&store).await;
    let mut commit = empty(0, 3);
    commit.log = OTHER_LOG;
    let refusals = [
        store.progress(FOLLOWER, OTHER_LOG, PARTITION).await.err(),
        store.take_over(FOLLOWER, OTHER_LOG, PARTITION).await.err(),
        store.commit(&commit).await.err(),
    ];
    for refused in refusals.map(Option::unwrap) {
        let StoreError::OtherLog { stored, asked, .. } = refused else {
            panic!("{refused}");
        };
        assert_eq!((stored, asked), (LOG, OTHER_LOG));
    }
    let (next, epoch) = (Offset(0), 1);
    assert_eq!(progress(&store).await, Progress { next, epoch });
}

async fn pages_are_stable_with_equal_times_and_new_rows(store: Store) {
    taken_over(&store).await;
    let mut commit = full(0, 100);
    for (alert, n) in commit.alerts.iter_mut().zip(0_i64..) {
        // Only four different times, one of them before 1970.
        alert.raised_at = Instant::from_seconds(n % 4 - 1);
    }
    let mut expected = commit.alerts.clone();
    expected.sort_by_key(|alert| (alert.raised_at, alert.alert_id.to_string()));
    expected.reverse();
    store.commit(&commit).await.unwrap();

    let mut query = AlertQuery {
        limit: 7,
        ..AlertQuery::default()
    };
    let (mut seen, mut from) = (Vec::new(), 100);
    loop {
        let page = store.alerts(&query).await.unwrap();
        assert!(page.items.len() <= 7);
        seen.extend(page.items);
        let Some(next) = page.next else { break };
        query.after = Some(next);
        // Newer ones are raised while somebody turns pages.
        store.commit(&full(from, from + 5)).await.unwrap();
        from += 5;
    }
    assert_eq!(seen, expected);
}

async fn the_last_page_has_no_cursor(store: Store) {
    taken_over(&store).await;
    store.commit(&full(0, 20)).await.unwrap();
    let mut query = AlertQuery {
        limit: 10,
        ..AlertQuery::default()
    };
    let first = store.alerts(&query).await.unwrap();
    query.after = Some(first.next.expect("ten more"));
    let second = store.alerts(&query).await.unwrap();
    assert_eq!((second.items.len(), second.next), (10, None));
    let mut cases = CaseQuery {
        limit: 3,
        ..CaseQuery::default()
    };
    let first = store.cases(&cases).await.unwrap();
    cases.after = first.next;
    let second = store.cases(&cases).await.unwrap();
    let found: Vec<CaseId> = first
        .items
        .iter()
        .chain(&second.items)
        .map(|c| c.case_id)
        .collect();
    assert_eq!(found, [19, 15, 11, 7, 3].map(|offset| case(offset).case_id));
    assert_eq!(second.next, None);
}

async fn filters_hold_together(store: Store) {
    taken_over(&store).await;
    let mut commit = full(0, 100);
    for alert in commit.alerts.iter_mut().step_by(3) {
        alert.status = AlertStatus::Dismissed;
    }
    store.commit(&commit).await.unwrap();
    let account = AccountId::new("account-2");
    let tiers = [
        None,
        Some(Tier::Low),
        Some(Tier::High),
        Some(Tier::Critical),
    ];
    let statuses = [None, Some(AlertStatus::Open), Some(AlertStatus::Dismissed)];
    for tier_min in tiers {
        for status in statuses {
            for account_id in [None, Some(account.clone())] {
                let fits = |alert: &&Alert| {
                    tier_min.is_none_or(|tier| alert.tier >= tier)
                        && status.is_none_or(|status| alert.status == status)
                        && account_id.as_ref().is_none_or(|id| alert.account_id == *id)
                };
                let expected: Vec<Alert> =
                    commit.alerts.iter().rev().filter(fits).cloned().collect();
                let query = AlertQuery {
                    tier_min,
                    status,
                    account_id: account_id.clone(),
                    ..AlertQuery::default()
                };
                let found = store.alerts(&query).await.unwrap();
                assert_eq!(found.items, expected, "{query:?}");
            }
        }
    }
    let query = CaseQuery {
        tier_min: Some(Tier::Critical),
        status: Some(CaseStatus::Open),
        account_id: Some(AccountId::new("account-3")),
        ..CaseQuery::default()
    };
    let found = store.cases(&query).await.unwrap().items;
    assert_eq!(found, [83, 63, 43, 23, 3].map(case));
    let closed = CaseQuery {
        status: Some(CaseStatus::Closed),
        ..CaseQuery::default()
    };
    assert_eq!(store.cases(&closed).await.unwrap().items, []);
}

async fn limits_and_cursors_are_checked(store: Store) {
    taken_over(&store).await;
    store.commit(&full(0, 8)).await.unwrap();
    for limit in [0, 1_001, u32::MAX] {
        let query = AlertQuery {
            limit,
            ..AlertQuery::default()
        };
        let refused = store.alerts(&query).await.unwrap_err();
        assert!(matches!(refused, StoreError::BadLimit { .. }), "{refused}");
    }
    let of_cases = store
        .cases(&CaseQuery {
            limit: 1,
            ..CaseQuery::default()
        })
        .await
        .unwrap();
    let of_cases = of_cases.next.expect("a second case").0;
    for text in ["", ".", "1", "x.alr_1", "1.alr_", "1' OR 1=1", &of_cases] {
        let query = AlertQuery {
            after: Some(Cursor(text.to_owned())),
            ..AlertQuery::default()
        };
        let refused = store.alerts(&query).await.unwrap_err();
        assert!(matches!(refused, StoreError::BadCursor { .. }), "{refused}");
    }
}

async fn messages_are_due_until_they_are_settled(store: Store) {
    taken_over(&store).await;
    store.commit(&full(0, 60)).await.unwrap();
    let id = |offset| message(offset).outbox_id;
    let due = async |now, limit| -> Vec<String> {
        let rows = store.outbox_due(now, limit).await.unwrap();
        rows.into_iter().map(|row| row.outbox_id).collect()
    };
    let third = message(2).due_at;
    assert_eq!(due(third, 100).await, [id(0), id(1), id(2)], "oldest first");
    assert_eq!(due(LATER, 2).await, [id(0), id(1)]);

    let delivered: Vec<String> = (3..60).map(id).collect();
    store.outbox_delivered(&delivered, third).await.unwrap();
    assert_eq!(due(LATER, 100).await, [id(0), id(1), id(2)]);

    let next = third.plus_micros(1);
    store
        .outbox_failed(&id(0), 1, next, "timed out")
        .await
        .unwrap();
    assert_eq!(due(third, 100).await, [id(1), id(2)]);
    let again = store.outbox_due(next, 100).await.unwrap();
    let postponed = OutboxRow {
        attempts: 1,
        due_at: next,
        ..message(0)
    };
    assert_eq!(again.last(), Some(&postponed));

    store
        .outbox_abandoned(&id(1), 12, next, "gone")
        .await
        .unwrap();
    assert_eq!(due(LATER, 100).await, [id(2), id(0)]);
    assert_eq!(store.counts().await.unwrap().outbox_pending, 2);
}

/// The clock of the last try was ahead by a year.
async fn a_message_put_off_by_a_clock_that_was_put_back_is_due(store: Store) {
    taken_over(&store).await;
    store.commit(&full(0, 2)).await.unwrap();
    let [first, second] = [message(0), message(1)];
    let now = second.due_at;
    let due = async || -> Vec<String> {
        let rows = store.outbox_due(now, 100).await.unwrap();
        rows.into_iter().map(|row| row.outbox_id).collect()
    };
    let hours = |hours: i64| now.plus_micros(hours * 3_600_000_000);
    let failed = async |until| {
        let failed = store.outbox_failed(&first.outbox_id, 1, until, "timed out");
        failed.await.unwrap();
    };
    failed(hours(1)).await;
    assert_eq!(due().await.len(), 1, "no wait is over");
    failed(hours(365 * 24)).await;
    assert_eq!(due().await, [second.outbox_id, first.outbox_id.clone()]);
}

async fn a_settled_message_is_never_due_again(store: Store) {
    taken_over(&store).await;
    store.commit(&full(0, 2)).await.unwrap();
    let ids = [message(0).outbox_id, message(1).outbox_id];
    store.outbox_delivered(&ids[..1], LATER).await.unwrap();
    store
        .outbox_abandoned(&ids[1], 12, LATER, "gone")
        .await
        .unwrap();

    let mut replay = full(0, 2);
    (replay.from, replay.to) = (Offset(2), Offset(3));
    store.commit(&replay).await.unwrap();
    for id in &ids {
        store
            .outbox_failed(id, 1, LATER, "late news")
            .await
            .unwrap();
    }
    store.outbox_delivered(&ids, LATER).await.unwrap();
    store.outbox_delivered(&[], LATER).await.unwrap();
    store
        .outbox_delivered(&["unknown".to_owned()], LATER)
        .await
        .unwrap();
    assert_eq!(store.outbox_due(LATER, 10).await.unwrap(), []);
    assert_eq!(store.counts().await.unwrap().outbox_pending, 0);
}

async fn clones_share_the_same_rows(store: Store) {
    let clone = store.clone();
    taken_over(&store).await;
    clone.commit(&full(0, 2)).await.unwrap();
    assert_eq!(store.counts().await.unwrap().alerts, 2);
    assert!(
        store
            .followed_by(DecisionId::at(position(1)))
            .await
            .unwrap()
            .alert_id
            .is_some()
    );
    clone.close().await;
    let refused = store.counts().await.unwrap_err();
    assert!(matches!(refused, StoreError::Backend { .. }), "{refused}");
}

/// Runs every check of the contract on every backend.
macro_rules! on_every_backend {
    ($($check:ident,)+) => {
        mod memory {
            $(#[tokio::test]
            async fn $check() {
                super::$check(sentinel_store::Store::memory().await.unwrap()).await;
            })+
        }
        mod file {
            $(#[tokio::test]
            async fn $check() {
                let folder = tempfile::tempdir().unwrap();
                let path = folder.path().join("store.db");
                super::$check(sentinel_store::Store::open(&path).await.unwrap()).await;
            })+
        }
    };
}

on_every_backend! {
    a_new_store_is_empty,
    rows_come_out_as_they_went_in,
    a_decision_knows_what_followed_from_it,
    overrides_come_out_as_they_went_in_and_the_newest_is_told,
    taking_over_raises_the_epoch_and_keeps_the_offset,
    a_commit_of_many_rows_keeps_every_row,
    repeating_a_commit_changes_nothing,
    the_first_write_of_a_row_stays,
    a_fenced_owner_writes_nothing,
    a_commit_from_another_offset_leaves_nothing_behind,
    nobody_commits_without_taking_over,
    a_commit_that_fails_midway_leaves_nothing_behind,
    a_commit_that_is_given_up_is_whole_or_absent,
    rows_of_another_log_or_partition_are_refused,
    another_log_is_refused_with_both_names,
    pages_are_stable_with_equal_times_and_new_rows,
    the_last_page_has_no_cursor,
    filters_hold_together,
    limits_and_cursors_are_checked,
    messages_are_due_until_they_are_settled,
    a_message_put_off_by_a_clock_that_was_put_back_is_due,
    a_settled_message_is_never_due_again,
    clones_share_the_same_rows,
}
