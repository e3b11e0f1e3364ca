"""What training costs beside LightGBM, and whether it learns as much.

Each set is learned by both, one thread each, by turns: 200 trees of 31 leaves, rate 0.1, at least 20 rows a
leaf. Processor time counts from the rows in memory to the last tree, binning included. Areas under the curve
and average precisions are of the same test rows, which neither has seen. LightGBM learns with its 255 bins
and with 4,095; ours with its own law of 255 bins and with 4,095.

Sets: `synthetic`, 300,000 rows by 150 features, 2 % positive, 7 % missing (some of it telling), 100,000 test
rows; `handbook`, the features that the product exports for the Handbook table, protocol A (trained on 7 days
from 2018-07-25, tested on 7 days from 2018-08-08 without the cards known to be compromised by then); and
`handbook-long`, the same test after the last 300,000 rows before it whose labels are known.

At the end, a model of ours with categorical features, written as LightGBM text, is loaded by LightGBM and has
to predict what we do on the 100,000 test rows, among them missing, unseen and infinite values. Our log-odds
are a straight line of the margin (Platt's map), so that line is fitted first; exit code 3 where a row is
further from it than a millionth.
"""

import argparse
import json
import pathlib
import platform
import subprocess
import sys
import time

import lightgbm
import numpy
import pyarrow.parquet as parquet

TREES, LEAVES, RATE, ROWS_PER_LEAF = 200, 31, 0.1, 20
BINS_MANY = 4095
DIFFERENCE_MAX = 1e-6
# The exit code where the export is not what we predict.
FAILED = 3
DAY_US = 86_400_000_000
# Midnight of 2018-07-25, UTC, in days.
START = 17_737


def synthetic(seed):
    """Rows whose chance follows from forty features, alone and in pairs, and from steps."""
    random = numpy.random.default_rng(seed)
    rows, columns = 400_000, 150
    latent = random.standard_normal((rows, 12), dtype=numpy.float32)
    raw = random.standard_normal((rows, columns), dtype=numpy.float32)
    mixed = random.standard_normal((12, 60)).astype(numpy.float32) / numpy.sqrt(12)
    raw[:, :60] = 0.6 * raw[:, :60] + 0.8 * (latent @ mixed)
    chance = raw[:, :40] @ (random.standard_normal(40) * 0.28)
    for one, other in random.integers(0, 60, (20, 2)):
        chance += 0.35 * raw[:, one] * raw[:, other]
    for one in random.integers(0, 60, 12):
        chance += 1.6 * (raw[:, one] > 1.5 + random.random())
    chance += 1.2 * ((raw[:, 3] > 1) & (raw[:, 11] < -0.5))
    chance += 2.0 * ((raw[:, 20] > 0.8) & (raw[:, 31] > 0.8) & (raw[:, 5] > 0))
    low, high = -40.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        common = (1 / (1 + numpy.exp(-(chance + middle)))).mean() > 0.02
        low, high = (low, middle) if common else (middle, high)
    truth = random.random(rows) < 1 / (1 + numpy.exp(-(chance + low)))
    values = raw.copy()
    for column in range(columns):
        kind = column % 5
        if kind == 1:
            values[:, column] = numpy.exp(1.5 * raw[:, column])
        elif kind == 2:
            values[:, column] = numpy.round(raw[:, column] * 3)
        elif kind == 3:
            values[:, column] = numpy.floor(numpy.exp(numpy.abs(raw[:, column]) * 1.5))
    for column in range(columns):
        gone = random.random(rows) < random.random() * 0.12
        if column % 6 == 0:
            told = random.random(rows) < numpy.where(truth, 0.25, 0.08)
            gone |= told & (raw[:, column] > 0)
        values[gone, column] = numpy.nan
    cut = 300_000
    return (values[:cut], truth[:cut]), (values[cut:], truth[cut:])


def handbook(table, matrix):
    """Handbook features: (train, test), and (longer train, test)."""
    import pyarrow.csv

    cells = parquet.read_table(matrix)
    names = cells.schema.names[3:]
    day = cells["event_time"].cast("int64").to_numpy() // DAY_US
    fraud = cells["label"].to_numpy() == 1
    with pyarrow.input_stream(table, compression="zstd") as text:
        cards = pyarrow.csv.read_csv(text).select(["tx_id", "customer_id"])
    of_event = dict(zip(map(str, cards["tx_id"].to_pylist()), cards["customer_id"].to_pylist()))
    card = numpy.array([of_event[event] for event in cells["event_id"].to_pylist()])
    rows = numpy.column_stack([cells[name].to_numpy().astype("f4") for name in names])
    train = (day >= START) & (day < START + 7)
    known = set(card[train & fraud])
    test = []
    for later in range(7):
        known.update(card[(day == START + 6 + later) & fraud])
        of_day = numpy.flatnonzero(day == START + 14 + later)
        test.append(of_day[~numpy.isin(card[of_day], list(known))])
    test = numpy.concatenate(test)
    longer = numpy.flatnonzero(day < START + 7)[-300_000:]
    tested = rows[test], fraud[test]
    return ((rows[train], fraud[train]), tested), ((rows[longer], fraud[longer]), tested)


def average_precision(fraud, score):
    """Precision times the recall gained, over distinct scores from the highest down."""
    order = numpy.argsort(-score, kind="stable")
    found = numpy.cumsum(fraud[order])
    last_of_score = numpy.append(numpy.diff(score[order]) != 0, True)
    taken = numpy.flatnonzero(last_of_score) + 1
    found = found[last_of_score]
    return float(numpy.sum(numpy.diff(found, prepend=0) * found / taken) / max(fraud.sum(), 1))


def area_under_curve(fraud, score):
    """The chance that a fraud scores above an honest payment; equal scores count half."""
    _, place, count = numpy.unique(score, return_inverse=True, return_counts=True)
    rank = (numpy.cumsum(count) - (count - 1) / 2)[place]
    frauds, honest = fraud.sum(), (~fraud).sum()
    return float((rank[fraud].sum() - frauds * (frauds + 1) / 2) / (frauds * honest))


def theirs(train, test, bins, seed):
    """Processor seconds of LightGBM, and its margins of the test rows."""
    parameters = {
        "objective": "binary",
        "num_leaves": LEAVES,
        "learning_rate": RATE,
        "min_data_in_leaf": ROWS_PER_LEAF,
        "max_bin": bins,
        "num_threads": 1,
        "seed": seed,
        "verbosity": -1,
    }
    before = time.process_time()
    data = lightgbm.Dataset(train[0], train[1].astype("f4"), params=parameters).construct()
    model = lightgbm.train(parameters, data, TREES)
    seconds = time.process_time() - before
    return seconds, model.predict(test[0], raw_score=True, num_threads=1)


def ours(bench, folder, bins):
    """Processor seconds of the product, and its log-odds of the test rows."""
    options = [f"trees={TREES}", f"leaves={LEAVES}", f"rate={RATE}", f"rows_per_leaf={ROWS_PER_LEAF}"]
    told = subprocess.run(
        [bench, folder, *options, f"bins={bins}"], check=True, capture_output=True, text=True
    )
    return json.loads(told.stdout)["cpu_s"], numpy.fromfile(folder / "test.margin", "<f8")


def lay_out(folder, train, test):
    """The files that the bench reads."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, part in (("train", train), ("test", test)):
        numpy.ascontiguousarray(part[0], dtype="<f4").tofile(folder / f"{name}.x")
        part[1].astype("<f4").tofile(folder / f"{name}.y")


def measure(name, train, test, arguments):
    """All contenders on one set, by turns."""
    folder = arguments.folder / name
    lay_out(folder, train, test)
    contenders = {
        "LightGBM, 255 bins": lambda turn: theirs(train, test, 255, turn),
        "ours, 255 bins": lambda _: ours(arguments.bench, folder, 255),
        "LightGBM, 4095 bins": lambda turn: theirs(train, test, BINS_MANY, turn),
        "ours, 4095 bins": lambda _: ours(arguments.bench, folder, BINS_MANY),
    }
    if arguments.few_bins:
        contenders = {name: learn for name, learn in contenders.items() if "255" in name}
    seconds = {contender: [] for contender in contenders}
    figures = {}
    for turn in range(arguments.rounds):
        for contender, learn in contenders.items():
            cpu, margins = learn(turn)
            if len(margins) != len(test[1]) or numpy.isnan(margins).any():
                sys.exit(f"{contender} on {name}: a test row has no score")
            seconds[contender].append(cpu)
            figures[contender] = (
                area_under_curve(test[1], margins),
                average_precision(test[1], margins),
            )
    base = numpy.median(seconds["LightGBM, 255 bins"])
    shape = f"{len(train[1])} x {train[0].shape[1]}, {train[1].mean():.2%} fraud, {len(test[1])} test rows"
    print(f"\n{name}: {shape}")
    print(f"{'':22} {'CPU s':>8} {'ratio':>6} {'AUC':>7} {'AP':>7}")
    for contender in contenders:
        cpu = numpy.median(seconds[contender])
        auc, precision = figures[contender]
        print(f"{contender:22} {cpu:8.2f} {cpu / base:6.2f} {auc:7.4f} {precision:7.4f}")


def export_agrees(train, test, arguments):
    """Whether LightGBM predicts what we do, from the text that we write."""
    random = numpy.random.default_rng(arguments.seed)
    folder = arguments.folder / "export"
    chance = {}
    parts = []
    for values, truth in (train, test):
        values = values[:, :40].copy()
        for column, categories in ((0, 12), (1, 300), (2, 3000)):
            codes = random.integers(0, categories, len(values))
            tells = chance.setdefault(column, random.random(categories) < 0.3)
            swap = truth & (random.random(len(values)) < 0.5)
            codes[swap] = random.choice(numpy.flatnonzero(tells), swap.sum())
            values[:, column] = codes * 7
        values[random.random(values.shape) < 0.03] = numpy.nan
        parts.append((values, truth))
    odd = parts[1][0]
    for value in (numpy.inf, -numpy.inf, -1.0, 1e30, 0.0, 5.0, 1e-40):
        odd[random.random(odd.shape) < 0.002] = value
    lay_out(folder, *parts)
    words = ["trees=300", "leaves=31", "lambda=1", "categorical=0,1,2"]
    subprocess.run([arguments.bench, folder, *words], check=True, capture_output=True)
    margins = numpy.fromfile(folder / "test.margin", "<f8")
    model = lightgbm.Booster(model_file=str(folder / "model.txt"))
    raw = model.predict(odd, raw_score=True, num_threads=1)
    slope, intercept = numpy.polyfit(raw, margins, 1)
    furthest = float(numpy.abs((margins - intercept) / slope - raw).max())
    sets = (folder / "model.txt").read_text().count("cat_boundaries")
    print(f"\nexport: {len(raw)} rows, {sets} trees with categories: furthest {furthest:.1e} of raw predictions")
    # What is not a number is not near.
    return furthest <= DIFFERENCE_MAX and sets > 0


def main():
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--bench", required=True)
    reader.add_argument("--folder", required=True, type=pathlib.Path)
    reader.add_argument("--handbook")
    reader.add_argument("--matrix")
    reader.add_argument("--rounds", type=int, default=3)
    reader.add_argument("--seed", type=int, default=7)
    reader.add_argument("--few-bins", action="store_true", help="leave 4,095 bins out")
    reader.add_argument("--only", help="one set by its name")
    arguments = reader.parse_args()
    print(f"LightGBM {lightgbm.__version__}, Python {platform.python_version()}, {platform.machine()}")
    sets = {}
    if arguments.only in (None, "synthetic"):
        sets["synthetic"] = synthetic(arguments.seed)
    if arguments.matrix and arguments.only in (None, "handbook", "handbook-long"):
        both = handbook(arguments.handbook, arguments.matrix)
        sets |= dict(zip(("handbook", "handbook-long"), both))
    for name, (train, test) in sets.items():
        if arguments.only in (None, name):
            measure(name, train, test, arguments)
    if "synthetic" in sets and not export_agrees(*sets["synthetic"], arguments):
        print("the exported model does not predict what ours does")
        sys.exit(FAILED)


if __name__ == "__main__":
    main()
