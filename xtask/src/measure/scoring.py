"""What a score and an explanation cost, in one run beside LightGBM and lleaves, and whether they agree.

A model of LightGBM (200 trees, 31 leaves, 150 features by default) is learnt from made-up rows. Then the
product's bench (`crates/sentinel-scoring/benches/score.rs`, started once, told what to do line by line),
LightGBM's fastest call for one row, lleaves' compiled function and LightGBM's contributions take turns. Time is
processor time of one thread; figures are medians over the rounds, and their ratios.

LightGBM and lleaves are called from a loop in C, compiled here, so that no Python stands between two rows.
The product's time holds all of a score: log-odds, probability, risk and confidence.

An isolation forest of the product is held against scikit-learn's: how well each finds planted outliers, and how
far their scores go together, beside how far those of several seeds of scikit-learn do.

Exit code 3 where a bound does not hold.
"""

import argparse
import ctypes
import json
import os
import statistics
import subprocess
import sys

import lightgbm
import lleaves
import numpy
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score

FAILED = 3
# What has to hold: times as shares of the other's, and the largest difference.
SCORE_TO_LIGHTGBM_MAX = 0.12
SCORE_TO_LLEAVES_MAX = 0.4
EXPLAIN_TO_LIGHTGBM_MAX = 0.1
DIFFERENCE_MAX = 1e-6
# Rows are scored over and over the first so many, which lie in the caches: the cost of a score, not of memory.
WARM = 512
# Rows explained for the comparison of every share; the bench writes so many.
EXPLAINED = 300

DRIVER = r"""
#include <stdint.h>
#include <time.h>

typedef int (*fast_call)(void *config, const void *row, int64_t *count, double *out);
typedef void (*lleaves_call)(const double *rows, double *out, int from, int to);

static int64_t now(void) {
    struct timespec at;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
    return (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
}

int64_t time_fast(fast_call call, void *config, const double *rows, int width, int have, int count) {
    int64_t started = now(), length = 0;
    double out = 0;
    for (int row = 0; row < count; row++)
        call(config, rows + (int64_t)(row % have) * width, &length, &out);
    return now() - started;
}

int64_t time_lleaves(lleaves_call call, const double *rows, int width, int have, int count) {
    int64_t started = now();
    double out = 0;
    for (int row = 0; row < count; row++)
        call(rows + (int64_t)(row % have) * width, &out, 0, 1);
    return now() - started;
}
"""


def made_up(rows, features, seed):
    """Rows with missing values, and labels that need several of them at once."""
    random = numpy.random.default_rng(seed)
    x = random.normal(size=(rows, features)).astype(numpy.float32)
    x[:, ::3] = numpy.exp(x[:, ::3])
    x[:, 1::7] = numpy.floor(x[:, 1::7] * 4)
    weights = numpy.random.default_rng(7).normal(size=features) * 0.4
    z = numpy.tanh(x[:, :40]) @ weights[:40] + 2 * (x[:, 0] > 2) * (x[:, 1] > 0) - 4
    z += numpy.where(x[:, 6] > 1.5, x[:, 4], x[:, 5]) * 0.8
    y = random.random(rows) < 1 / (1 + numpy.exp(-z))
    x[random.random(x.shape) < 0.08] = numpy.nan
    return x, y


def learn(arguments, folder):
    x, y = made_up(arguments.train_rows, arguments.features, 1)
    parameters = {
        "objective": "binary",
        "num_leaves": arguments.leaves,
        "learning_rate": 0.1,
        "max_bin": 255,
        "num_threads": 1,
        "seed": 1,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
    model = lightgbm.train(parameters, lightgbm.Dataset(x, y), arguments.trees)
    file = os.path.join(folder, "model.txt")
    model.save_model(file)
    return lightgbm.Booster(model_file=file), file


class Peers:
    """LightGBM and lleaves behind calls from C."""

    def __init__(self, folder, model, file, rows):
        source, library = os.path.join(folder, "driver.c"), os.path.join(folder, "driver.so")
        with open(source, "w", encoding="utf-8") as out:
            out.write(DRIVER)
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, source], check=True)
        self.driver = ctypes.CDLL(library)
        self.driver.time_fast.restype = ctypes.c_int64
        self.driver.time_lleaves.restype = ctypes.c_int64
        self.rows = numpy.ascontiguousarray(rows, dtype=numpy.float64)
        self.width = self.rows.shape[1]
        self.lightgbm = lightgbm.basic._LIB
        self.model = model
        self.config = ctypes.c_void_p()
        code = self.lightgbm.LGBM_BoosterPredictForMatSingleRowFastInit(
            model._handle, 0, 0, -1, 1, self.width, b"num_threads=1", ctypes.byref(self.config)
        )
        assert code == 0, "LightGBM takes the configuration"
        compiled = lleaves.Model(model_file=file)
        # One block: what its manual says of single rows.
        compiled.compile(fblocksize=compiled.num_trees())
        self.compiled = compiled
        self.function = compiled._c_entry_func

    def fast(self, count):
        call = ctypes.cast(self.lightgbm.LGBM_BoosterPredictForMatSingleRowFast, ctypes.c_void_p)
        return self.driver.time_fast(
            call, self.config, ctypes.c_void_p(self.rows.ctypes.data), self.width, WARM, count
        )

    def lleaves(self, count):
        call = ctypes.cast(self.function, ctypes.c_void_p)
        return self.driver.time_lleaves(
            call, ctypes.c_void_p(self.rows.ctypes.data), self.width, WARM, count
        )

    def contributions(self, count):
        """The batch call, which is the faster one for LightGBM."""
        rows, out = self.rows[:count], numpy.empty(count * (self.width + 1))
        length = ctypes.c_int64()
        started = os.times()
        code = self.lightgbm.LGBM_BoosterPredictForMat(
            self.model._handle, ctypes.c_void_p(rows.ctypes.data), 1, count, self.width, 1, 3, 0, -1,
            b"num_threads=1", ctypes.byref(length), ctypes.c_void_p(out.ctypes.data),
        )
        ended = os.times()
        assert code == 0, "LightGBM gives contributions"
        return int((ended.user + ended.system - started.user - started.system) * 1e9), out


class Ours:
    """The product's bench."""

    def __init__(self, program, folder):
        self.process = subprocess.Popen(
            [program, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if not answer:
            sys.exit("scoring: the product's bench ended early")
        return answer


def times(arguments, peers, ours):
    """Nanoseconds a row, each in its turn."""
    rounds = {"lightgbm": [], "lleaves": [], "ours": [], "contributions": [], "explained": []}
    explained = arguments.explained
    for _ in range(arguments.rounds):
        rounds["lightgbm"].append(peers.fast(arguments.rows) / arguments.rows)
        rounds["ours"].append(int(ours.ask(f"score {arguments.rows} {WARM}")) / arguments.rows)
        rounds["lleaves"].append(peers.lleaves(arguments.rows) / arguments.rows)
        rounds["contributions"].append(peers.contributions(explained)[0] / explained)
        rounds["explained"].append(int(ours.ask(f"explain {explained} {WARM}")) / explained)
    return {name: statistics.median(each) for name, each in rounds.items()}


def largest(differences):
    """The largest difference; one that is not a number counts as infinite."""
    differences = numpy.abs(differences)
    return float("inf") if numpy.isnan(differences).any() else float(differences.max())


def agreement(folder, model, peers, ours):
    ours.ask("write")
    log_odds = numpy.fromfile(os.path.join(folder, "test.log_odds"))
    margins = model.predict(peers.rows, raw_score=True, num_threads=1)
    shares = numpy.fromfile(os.path.join(folder, "test.contributions")).reshape(-1, peers.width + 1)
    _, expected = peers.contributions(EXPLAINED)
    expected = expected.reshape(-1, peers.width + 1)
    return {
        "rows": len(log_odds),
        "margin_difference": largest(log_odds - margins),
        "share_difference": largest(shares - expected),
        "shares_add_up_difference": largest(shares.sum(axis=1) - log_odds[: len(shares)]),
    }


def forest(arguments, folder, ours):
    """Planted outliers: one row in a hundred comes from a cloud half as wide again."""
    random = numpy.random.default_rng(5)
    rows, width = 20_000, 20
    x = random.normal(size=(rows, width))
    strange = numpy.arange(rows) < rows // 100
    x[strange] *= 1.5
    order = random.permutation(rows)
    x, strange = x[order], strange[order]
    other = os.path.join(folder, "forest")
    os.makedirs(other, exist_ok=True)
    x.astype(numpy.float32).tofile(os.path.join(other, "test.x"))
    seeds = range(5)
    found, own_auc = [], []
    with_bench = Ours(arguments.bench, other)
    for seed in seeds:
        with_bench.ask(f"forest {width} 100 256 {seed}")
        scores = numpy.fromfile(os.path.join(other, "forest.log_odds"))
        found.append(scores)
        own_auc.append(roc_auc_score(strange, scores))
    theirs = [
        -IsolationForest(n_estimators=100, max_samples=256, random_state=seed).fit(x).score_samples(x)
        for seed in seeds
    ]
    their_auc = [roc_auc_score(strange, scores) for scores in theirs]
    pairs = [(a, b) for a in seeds for b in seeds if a < b]
    correlation = lambda a, b: float(numpy.corrcoef(a, b)[0, 1])
    return {
        "outlier_auc": own_auc,
        "outlier_auc_sklearn": their_auc,
        "correlation": statistics.median(correlation(a, b) for a in found for b in theirs),
        "correlation_sklearn": statistics.median(correlation(theirs[a], theirs[b]) for a, b in pairs),
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bench", required=True, help="the product's bench program")
    parser.add_argument("--folder", required=True, help="where files go")
    parser.add_argument("--trees", type=int, default=200)
    parser.add_argument("--leaves", type=int, default=31)
    parser.add_argument("--features", type=int, default=150)
    parser.add_argument("--train-rows", type=int, default=60_000)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--explained", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("-o", "--output", choices=["table", "json"], default="table")
    arguments = parser.parse_args()
    os.makedirs(arguments.folder, exist_ok=True)
    model, file = learn(arguments, arguments.folder)
    x, _ = made_up(20_000, arguments.features, 2)
    x.tofile(os.path.join(arguments.folder, "test.x"))
    ours = Ours(arguments.bench, arguments.folder)
    peers = Peers(arguments.folder, model, file, x)
    report = {"agreement": agreement(arguments.folder, model, peers, ours)}
    ns = times(arguments, peers, ours)
    report["ns_a_row"] = ns
    report["ratios"] = {
        "score_to_lightgbm": ns["ours"] / ns["lightgbm"],
        "score_to_lleaves": ns["ours"] / ns["lleaves"],
        "explain_to_lightgbm": ns["explained"] / ns["contributions"],
    }
    report["forest"] = forest(arguments, arguments.folder, ours)
    ratios, agreed, grown = report["ratios"], report["agreement"], report["forest"]
    holds = {
        f"a score is at most {SCORE_TO_LIGHTGBM_MAX} of LightGBM's single-row-fast call":
            ratios["score_to_lightgbm"] <= SCORE_TO_LIGHTGBM_MAX,
        f"a score is at most {SCORE_TO_LLEAVES_MAX} of lleaves": ratios["score_to_lleaves"] <= SCORE_TO_LLEAVES_MAX,
        f"an explanation is at most {EXPLAIN_TO_LIGHTGBM_MAX} of LightGBM's":
            ratios["explain_to_lightgbm"] <= EXPLAIN_TO_LIGHTGBM_MAX,
        f"margins agree within {DIFFERENCE_MAX}": agreed["margin_difference"] <= DIFFERENCE_MAX,
        f"shares agree within {DIFFERENCE_MAX}": agreed["share_difference"] <= DIFFERENCE_MAX,
        "the forest finds outliers as scikit-learn's does":
            min(grown["outlier_auc"]) >= min(grown["outlier_auc_sklearn"]) - 0.01,
        "the forest's scores go with scikit-learn's as those of two seeds do":
            grown["correlation"] >= grown["correlation_sklearn"] - 0.03,
    }
    report["holds"] = holds
    if arguments.output == "json":
        print(json.dumps(report, indent=2))
    else:
        for name, value in ns.items():
            print(f"{name:>16} {value:12.0f} ns a row")
        for name, value in {**ratios, **agreed}.items():
            print(f"{name:>26} {value:.3g}")
        for name, value in grown.items():
            each = value if isinstance(value, list) else [value]
            print(f"{name:>26} " + " ".join(f"{one:.3f}" for one in each))
        for name, held in holds.items():
            print("holds:  " if held else "BROKEN: ", name)
    return 0 if all(holds.values()) else FAILED


if __name__ == "__main__":
    sys.exit(main())
