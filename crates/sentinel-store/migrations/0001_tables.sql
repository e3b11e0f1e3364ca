-- What people work with, and how far each follower has come. The same text runs on PostgreSQL:
-- instants are microseconds since 1970 UTC, money is minor units, words are their stable codes,
-- hashes and identifiers are text. Every row carries a hash over the columns that never change.

CREATE TABLE alerts (
    alert_id          TEXT   NOT NULL PRIMARY KEY,
    log_id            TEXT   NOT NULL,
    log_partition     BIGINT NOT NULL,
    log_offset        BIGINT NOT NULL,
    decision_id       TEXT   NOT NULL,
    event_id          TEXT   NOT NULL,
    event_time        BIGINT NOT NULL,
    raised_at         BIGINT NOT NULL,
    tier              BIGINT NOT NULL,
    verdict           BIGINT NOT NULL,
    score_points      BIGINT NOT NULL,
    account_id        TEXT   NOT NULL,
    card_token        TEXT,
    merchant_id       TEXT,
    amount_minor      BIGINT NOT NULL,
    currency          TEXT   NOT NULL,
    -- Follows from the currency; kept so that SQL alone can show an amount in major units.
    currency_exponent BIGINT NOT NULL,
    -- JSON list of {code, text, contribution_units}; units are 2^-32 log-odds, so nothing is rounded.
    reasons           TEXT   NOT NULL,
    -- The hash that the domain defines over an alert.
    content_hash      TEXT   NOT NULL,
    -- That hash and every other column that never changes.
    row_hash          TEXT   NOT NULL,
    status            BIGINT NOT NULL,
    UNIQUE (log_id, log_partition, log_offset)
);
CREATE UNIQUE INDEX alerts_by_decision ON alerts (decision_id);
CREATE INDEX alerts_by_time ON alerts (raised_at, alert_id);
CREATE INDEX alerts_by_account ON alerts (account_id, raised_at, alert_id);
CREATE INDEX alerts_by_status ON alerts (status, raised_at, alert_id);

CREATE TABLE cases (
    case_id       TEXT   NOT NULL PRIMARY KEY,
    log_id        TEXT   NOT NULL,
    log_partition BIGINT NOT NULL,
    log_offset    BIGINT NOT NULL,
    alert_id      TEXT   NOT NULL REFERENCES alerts (alert_id),
    account_id    TEXT   NOT NULL,
    opened_at     BIGINT NOT NULL,
    tier          BIGINT NOT NULL,
    row_hash      TEXT   NOT NULL,
    status        BIGINT NOT NULL,
    UNIQUE (log_id, log_partition, log_offset)
);
CREATE INDEX cases_by_alert ON cases (alert_id);
CREATE INDEX cases_by_time ON cases (opened_at, case_id);
CREATE INDEX cases_by_account ON cases (account_id, opened_at, case_id);
CREATE INDEX cases_by_status ON cases (status, opened_at, case_id);

-- A settled row stays: it is what keeps a repeated commit from sending the message again.
CREATE TABLE outbox (
    outbox_id  TEXT   NOT NULL PRIMARY KEY,
    channel    TEXT   NOT NULL,
    kind       TEXT   NOT NULL,
    payload    TEXT   NOT NULL,
    row_hash   TEXT   NOT NULL,
    -- 1 pending, 2 delivered, 3 abandoned.
    state      BIGINT NOT NULL,
    attempts   BIGINT NOT NULL,
    due_at     BIGINT NOT NULL,
    settled_at BIGINT,
    last_error TEXT
);
CREATE INDEX outbox_pending ON outbox (due_at, outbox_id) WHERE state = 1;

CREATE TABLE progress (
    follower      TEXT   NOT NULL,
    log_partition BIGINT NOT NULL,
    log_id        TEXT   NOT NULL,
    next_offset   BIGINT NOT NULL,
    epoch         BIGINT NOT NULL,
    -- Over everything but the epoch: a wrong offset would lose entries, a wrong epoch only fences.
    row_hash      TEXT   NOT NULL,
    PRIMARY KEY (follower, log_partition)
);
