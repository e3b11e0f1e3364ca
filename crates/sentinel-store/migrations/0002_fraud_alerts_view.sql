-- The table name that existing dashboards and scripts already query. Dialect: SQLite (PostgreSQL writes
-- the time differently). Amounts are major units here, for reading only: arithmetic belongs on
-- alerts.amount_minor.
CREATE VIEW fraud_alerts AS
SELECT
    alert_id,
    decision_id,
    event_id AS transaction_id,
    account_id AS user_id,
    amount_minor * 1.0
        / CASE currency_exponent WHEN 0 THEN 1 WHEN 3 THEN 1000 WHEN 4 THEN 10000 ELSE 100 END
        AS amount,
    currency,
    -- RFC 3339 with all six digits; the remainder is made positive first, so that it holds before 1970.
    strftime(
        '%Y-%m-%dT%H:%M:%S',
        (event_time - (event_time % 1000000 + 1000000) % 1000000) / 1000000,
        'unixepoch'
    ) || printf('.%06dZ', (event_time % 1000000 + 1000000) % 1000000) AS "timestamp",
    score_points AS score,
    CASE tier
        WHEN 0 THEN 'minimal' WHEN 1 THEN 'low' WHEN 2 THEN 'medium' WHEN 3 THEN 'high' WHEN 4 THEN 'critical'
    END AS severity,
    CASE verdict
        WHEN 0 THEN 'approve' WHEN 1 THEN 'challenge' WHEN 2 THEN 'review' WHEN 3 THEN 'decline'
    END AS decision,
    CASE status WHEN 1 THEN 'open' WHEN 2 THEN 'confirmed' WHEN 3 THEN 'dismissed' END AS status,
    merchant_id,
    card_token
FROM alerts;
