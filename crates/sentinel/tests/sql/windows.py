"""Windowed features once more, by SQL: DuckDB against what `sentinel features export` wrote.

Says for each feature how many rows differ from the product's rule, written as a SQL frame, and how many
differ from SQL's plain RANGE frame, which takes in rows of the same instant that stand later in the log.
Each of the latter must lie on such a tie. Exit code 1 where anything is left unexplained.

The rule: window w of row e holds the rows of e's entity at a place of the log up to e's, with
T - w < t <= T, whole milliseconds. The table is in order of time, so T is e's own time. With a key
k = t * PLACES + place, which is unique and ordered by time and then by place, the rule is one RANGE frame:
from (T - w + 1) * PLACES, the first key of the first millisecond inside, to e's own key.
"""

import argparse
import json
import re
import sys

import duckdb

# More than any table here has rows; a key of milliseconds since the first row and a place fits 64 bits.
PLACES = 1 << 22

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000

# Length in milliseconds, and for windows of tiles the tile: the present one and those before it.
WINDOWS = {
    "1m": (MINUTE, None),
    "5m": (5 * MINUTE, None),
    "15m": (15 * MINUTE, None),
    "1h": (HOUR, None),
    "6h": (6 * HOUR, None),
    "24h": (DAY, None),
    "7d": (7 * DAY, HOUR),
    "30d": (30 * DAY, DAY),
}

# Features that ship and are compared; of those that a user defined, all are.
SHIPPED = [
    "account_count_1h",
    "account_count_6h",
    "account_count_15m",
    "account_count_7d",
    "account_count_30d",
    "account_sum_24h",
    "account_mean_24h",
    "account_max_1h",
    "account_distinct_merchants_24h",
    "account_sum_24h_to_30d",
    "account_amount_to_mean_24h",
    "account_amount_zscore_30d",
    "account_under_limit_sum_7d",
    "account_median_24h",
    "card_count_1m",
    "card_count_5m",
    "card_sum_1h",
    "card_distinct_merchants_1h",
    "card_count_24h_to_7d",
    "card_small_count_24h",
    "card_foreign_count_7d",
    "card_previous_amount_24h",
    "card_gap_mean_24h",
    "card_gap_deviation_24h",
    "merchant_count_5m",
    "merchant_count_24h",
    "merchant_distinct_accounts_1h",
    "device_distinct_accounts_7d",
    "ip_distinct_accounts_24h",
    "ip_network_distinct_accounts_24h",
]

# A definition as `sentinel features list` spells it: aggregate, field, entity, window, divisor, filter.
DEFINITION = re.compile(r"(\w+)(?:\((\w+)\))? of (\w+) over (\w+)(?: / (\w+))?(?: where (.+))?")

# Entities whose name is not that of a column.
ENTITIES = {
    "ip_network": "nullif(regexp_extract(ip, '^(\\d+[.]\\d+[.]\\d+)[.]\\d+$', 1), '')",
    "account_merchant": "account || chr(10) || merchant",
}

# The flags of filters, as conditions.
FLAGS = {
    "small_amount": "(amount < 500)",
    "foreign": "coalesce(merchant_country <> coalesce(card_country, billing_country), false)",
    "under_limit": "(amount BETWEEN 90000 AND 99999 OR amount BETWEEN 270000 AND 299999"
    " OR amount BETWEEN 900000 AND 999999)",
}

# Amounts in buckets: eight to a factor of four, the value in the middle of each.
EXPONENT = "(length(bin(amount)) - 1)"
BUCKET = f"CASE WHEN amount < 64 THEN 0 ELSE least(63, 1 + ({EXPONENT} - 6) * 4 + ((amount >> ({EXPONENT} - 2)) & 3)) END"
BUCKET_VALUE = (
    "CASE WHEN bucket = 0 THEN 32 ELSE ((4 + (bucket - 1) % 4) << (4 + (bucket - 1) // 4))"
    " + (1 << (4 + (bucket - 1) // 4)) // 2 END"
)

# How an aggregate is said in SQL over a frame, and how far two correct ways of rounding may lie apart.
# {x} is the amount where the row takes part, {value} the category, {n} {s} {q} count, sum and sum of squares.
AGGREGATES = {
    "count": ("count(*) {filter} OVER {frame}", 0.0),
    "sum": ("coalesce({s}, 0)::DOUBLE", 0.0),
    "mean": ("({s})::DOUBLE / nullif({n}, 0)", 0.0),
    "standard_deviation": ("sqrt(({n} * {q} - {s} * {s})::DOUBLE) / nullif({n}, 0)", 1e-12),
    "min": ("min({x}) OVER {frame}", 0.0),
    "max": ("max({x}) OVER {frame}", 0.0),
    "first": ("arg_min({x}, k) OVER {frame}", 0.0),
    "previous": ("arg_max({x}, k) OVER {others}", 0.0),
    "median": ("quantile_disc({bucket}, 0.5) OVER {frame}", 0.0),
    "quantile_90": ("quantile_disc({bucket}, 0.9) OVER {frame}", 0.0),
    "distinct": ("count(DISTINCT {value}) {filter} OVER {frame}", 0.0),
    "to_mean": (
        "CASE WHEN {n} > 1 AND {s} > {x} THEN {x} / (({s} - {x})::DOUBLE / ({n} - 1)) END",
        1e-12,
    ),
    "z_score": (
        "CASE WHEN {n} > 2 AND {root} > 0 THEN ({x} * ({n} - 1) - ({s} - {x}))::DOUBLE / sqrt(({root})::DOUBLE) END",
        1e-9,
    ),
    "gap_mean": ("(({span})::DOUBLE / nullif({rows} - 1, 0)) / 1000", 1e-12),
    "gap_standard_deviation": (
        "sqrt((({rows} - 1) * {gaps} - ({span}) * ({span}))::DOUBLE) / nullif({rows} - 1, 0) / 1000",
        1e-9,
    ),
}

# The tables, as rows in the order of the log. Amounts are minor units of the reference currency already.
TABLES = {
    "json": """
        SELECT event_id, event_time // 1000 AS t, account_id AS account, card_token AS card,
               merchant_id AS merchant, device_id AS device, ip, amount_minor AS amount, channel,
               merchant_country, card_country, billing_country
        FROM read_json('{path}', format = 'newline_delimited', columns = {{
            event_id: 'VARCHAR', event_time: 'BIGINT', account_id: 'VARCHAR', card_token: 'VARCHAR',
            merchant_id: 'VARCHAR', device_id: 'VARCHAR', ip: 'VARCHAR', amount_minor: 'BIGINT',
            channel: 'VARCHAR', merchant_country: 'VARCHAR', card_country: 'VARCHAR',
            billing_country: 'VARCHAR'}})""",
    "handbook": """
        SELECT tx_id AS event_id, epoch_ms(TIMESTAMP '2018-04-01') + time_s * 1000 AS t,
               customer_id AS account, customer_id AS card, terminal_id AS merchant,
               NULL::VARCHAR AS device, NULL::VARCHAR AS ip, amount_cents AS amount,
               NULL::VARCHAR AS channel, NULL::VARCHAR AS merchant_country,
               NULL::VARCHAR AS card_country, NULL::VARCHAR AS billing_country
        FROM read_csv('{path}', header = true, columns = {{
            tx_id: 'VARCHAR', time_s: 'BIGINT', customer_id: 'VARCHAR', terminal_id: 'VARCHAR',
            amount_cents: 'BIGINT', fraud: 'VARCHAR', scenario: 'VARCHAR'}})""",
}


def condition(words):
    """A filter as a condition; null, as false, takes no row in."""
    terms = [term(one) for one in words.split(" and ")]
    return " AND ".join(terms)


def term(words):
    if words in FLAGS:
        return FLAGS[words]
    if words.startswith("not ") and words[4:] in FLAGS:
        return f"NOT {FLAGS[words[4:]]}"
    listed = re.fullmatch(r"(\w+) in \[(.+)\]", words)
    if listed:
        literals = ", ".join(f"'{one.strip()}'" for one in listed[2].split(","))
        return f"{listed[1]} IN ({literals})"
    field, operator, literal = re.fullmatch(r"(\w+) (=|!=|<=|>=|<|>) ([\w.]+)", words).groups()
    literal = str(round(float(literal) * 100)) if field == "amount" else f"'{literal}'"
    return f"{field} {operator} {literal}"


def frames(window):
    """The product's rule as a frame, and the plain one."""
    length, tile = WINDOWS[window]
    if tile is None:
        reach = f"{length - 1}"
    else:
        reach = f"t - (t // {tile} - {length // tile - 1}) * {tile}"
    exact = (
        f"PARTITION BY entity ORDER BY k"
        f" RANGE BETWEEN place + ({reach})::BIGINT * {PLACES} PRECEDING AND CURRENT ROW"
    )
    plain = f"PARTITION BY entity ORDER BY t RANGE BETWEEN {reach} PRECEDING AND CURRENT ROW"
    return exact, plain


def over(feature, frame):
    """A feature's value over one frame."""
    where = condition(feature["filter"]) if feature["filter"] else "true"
    frame, others = f"({frame})", f"({frame} EXCLUDE CURRENT ROW)"
    x = f"(CASE WHEN {where} THEN amount END)"
    n, s = f"(count({x}) OVER {frame})", f"(sum({x}) OVER {frame})"
    q = f"(sum({x}::HUGEINT * {x}) OVER {frame})"
    root = f"(({n} - 1) * ({q} - {x}::HUGEINT * {x}) - ({s} - {x}) * ({s} - {x}))"
    # The first row's gap leads out of the frame.
    gaps = f"(sum(gap * gap) OVER {frame} - arg_min(gap * gap, k) OVER {frame})"
    return AGGREGATES[feature["aggregate"]][0].format(
        frame=frame,
        others=others,
        filter=f"FILTER (WHERE {where})",
        x=x,
        n=n,
        s=s,
        q=q,
        root=root,
        bucket=f"(CASE WHEN {where} THEN middle END)",
        value=feature["field"],
        rows=f"(count(*) OVER {frame})",
        span=f"(max(t) OVER {frame} - min(t) OVER {frame})::HUGEINT",
        gaps=gaps,
    )


def expected(feature):
    """A feature's value by the product's rule, and by plain frames."""
    values = [over(feature, frame) for frame in frames(feature["window"])]
    if feature["divisor"]:
        divisors = [over(feature, frame) for frame in frames(feature["divisor"])]
        values = [f"({a})::DOUBLE / nullif(({b})::DOUBLE, 0)" for a, b in zip(values, divisors)]
    return values


def compare(connection, entity, features):
    """For each feature: rows compared, rows that differ from the rule, from plain RANGE, and those without a tie."""
    columns, counts = [], ["count(*)"]
    for place, feature in enumerate(features):
        exact, plain = expected(feature)
        columns += [f"({exact})::DOUBLE AS exact_{place}", f"({plain})::DOUBLE AS plain_{place}"]
        tolerance = AGGREGATES[feature["aggregate"]][1]

        def differs(value, served=f'matrix."{feature["name"]}"', tolerance=tolerance):
            # A row without a value has not-a-number in the file, null in SQL.
            return (
                f"(isnan({served}) <> ({value} IS NULL) OR (NOT isnan({served}) AND"
                f" abs({served} - {value}) > {tolerance} * (1 + abs({value}))))"
            )

        counts += [
            f"count(*) FILTER (WHERE {differs(f'exact_{place}')})",
            f"count(*) FILTER (WHERE {differs(f'plain_{place}')})",
            f"count(*) FILTER (WHERE {differs(f'plain_{place}')} AND NOT coalesce(tied, false))",
        ]
    found = connection.execute(f"""
        WITH named AS (
            SELECT *, {ENTITIES.get(entity, entity)} AS entity FROM events
        ), ordered AS (
            SELECT *, coalesce(lead(t) OVER log = t, false) AS tied,
                   coalesce(t - lag(t) OVER log, 0)::HUGEINT AS gap
            FROM named WHERE entity IS NOT NULL WINDOW log AS (PARTITION BY entity ORDER BY k)
        ), expected AS (
            SELECT event_id, tied, {", ".join(columns)} FROM ordered
        )
        SELECT {", ".join(counts)} FROM matrix LEFT JOIN expected USING (event_id)""").fetchone()
    return [(feature, found[0], *found[1 + 3 * place : 4 + 3 * place]) for place, feature in enumerate(features)]


def chosen(path):
    """The features to compare, by entity."""
    with open(path) as file:
        catalogue = json.load(file)
    by_entity, missing = {}, set(SHIPPED)
    for feature in catalogue:
        if feature["name"] not in SHIPPED and not feature["user_defined"]:
            continue
        missing.discard(feature["name"])
        aggregate, field, entity, window, divisor, where = DEFINITION.fullmatch(feature["definition"]).groups()
        by_entity.setdefault(entity, []).append(
            {
                "name": feature["name"],
                "aggregate": aggregate,
                "field": field,
                "window": window,
                "divisor": divisor,
                "filter": where,
            }
        )
    if missing:
        sys.exit(f"no feature is called {', '.join(sorted(missing))}")
    return by_entity


def load(connection, arguments):
    """The table of events with their keys, and the matrix; says what does not fit."""
    connection.execute("SET preserve_insertion_order = true")
    rows = TABLES[arguments.table].format(path=arguments.input)
    # One thread while rows are numbered: their order in the file is the order of the log.
    connection.execute("SET threads = 1")
    connection.execute(f"CREATE TABLE numbered AS SELECT *, row_number() OVER () - 1 AS place FROM ({rows})")
    connection.execute("RESET threads")
    connection.execute(
        f"CREATE TABLE events AS SELECT *, {BUCKET_VALUE} AS middle FROM ("
        f"SELECT *, (t - (SELECT min(t) FROM numbered)) * {PLACES} + place AS k, {BUCKET} AS bucket FROM numbered)"
    )
    connection.execute(f"CREATE VIEW matrix AS SELECT * FROM read_parquet('{arguments.matrix}')")
    of_events, of_matrix, shared, backwards = connection.execute("""
        SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM matrix),
               (SELECT count(*) FROM events JOIN matrix USING (event_id)),
               (SELECT count(*) FROM (SELECT t < lag(t) OVER (ORDER BY place) AS b FROM events) WHERE b)
        """).fetchone()
    if not of_events == of_matrix == shared or of_events >= PLACES:
        sys.exit(f"{of_events} rows in the table, {of_matrix} in the matrix, {shared} in both")
    if backwards:
        sys.exit(f"{backwards} rows stand before an earlier one; the frames here need order of time")
    return of_events


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--table", choices=TABLES, required=True)
    parser.add_argument("--input", required=True)
    parser.add_argument("--matrix", required=True)
    parser.add_argument("--catalogue", required=True, help="what `sentinel features list -o json` says of the matrix")
    arguments = parser.parse_args()
    connection = duckdb.connect()
    rows = load(connection, arguments)
    totals = {"rows": rows, "features": 0, "aggregates": [], "windows": []}
    totals |= {"different": 0, "plain_range_different": 0, "unexplained": 0}
    for entity, features in chosen(arguments.catalogue).items():
        for feature, compared, different, plain, unexplained in compare(connection, entity, features):
            print(
                f"{feature['name']}: {compared} rows, {different} differ from the rule; {plain} differ from plain"
                f" RANGE, {unexplained} of them without a tie",
                flush=True,
            )
            totals["features"] += 1
            totals["aggregates"].append(feature["aggregate"])
            totals["windows"].append(feature["window"])
            totals["different"] += different
            totals["plain_range_different"] += plain
            totals["unexplained"] += unexplained
    for key in ["aggregates", "windows"]:
        totals[key] = sorted(set(totals[key]))
    print(json.dumps(totals))
    sys.exit(1 if totals["different"] or totals["unexplained"] else 0)


main()
