-- What people decided in the place of a decision: one row for each override in the log, named by its place there.

CREATE TABLE overrides (
    log_id          TEXT   NOT NULL,
    log_partition   BIGINT NOT NULL,
    log_offset      BIGINT NOT NULL,
    override_id     TEXT   NOT NULL,
    decision_id     TEXT   NOT NULL,
    decision_offset BIGINT NOT NULL,
    event_id        TEXT   NOT NULL,
    verdict         BIGINT NOT NULL,
    given_by        TEXT   NOT NULL,
    reason          TEXT   NOT NULL,
    given_at        BIGINT NOT NULL,
    row_hash        TEXT   NOT NULL,
    PRIMARY KEY (log_id, log_partition, log_offset)
);
CREATE INDEX overrides_by_decision ON overrides (decision_id, log_offset);
