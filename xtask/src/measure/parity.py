"""Imported models against the programs that made them, format by format.

Trains a small zoo with LightGBM, XGBoost and scikit-learn on made-up rows with gaps, categories and zeros, writes
each model in every format it has, lets its own program predict (ONNX Runtime for ONNX), and has the product import
the file and compare row by row. A share of the rows stands exactly on thresholds of the model, one step of f32 below
or above them, or holds categories that nobody has seen, since that is where readings differ.

With --models networks the same is done for neural networks (networks.py), by a binary that was built with them.

With --fixtures DIR it writes the models and a few rows with their predictions instead: what the product's own tests
compare with.

Exit code 3 where a format differs by more than the bound.
"""

import argparse
import json
import os
import subprocess
import sys

import lightgbm
import numpy
import onnx
import onnxruntime
import pandas
import pyarrow
import pyarrow.parquet as parquet
import xgboost
from onnx import TensorProto, helper
from onnxmltools.convert import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType as SklearnFloat
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier

import networks

FAILED = 3
NUMBERS = 8
NAMES = [f"n{number}" for number in range(NUMBERS)] + ["country", "shop"]
CATEGORIES = [8, 9]
LEVELS = [30, 200]


def rows_of(generator, count, gaps=True, categories=True):
    """Rows of f32: numbers with gaps, zeros and repeated values, then two columns of codes."""
    table = generator.normal(size=(count, NUMBERS)).astype(numpy.float32)
    table[:, 1] = numpy.round(table[:, 1] * 3)
    table[:, 2] = numpy.exp(table[:, 2] * 3)
    table[generator.random(table.shape) < 0.15] = 0
    if gaps:
        table[generator.random(table.shape) < 0.1] = numpy.nan
        # The gap itself tells something here, so that trees part what is there from what is missing.
        table[generator.random(count) < 0.5, 3] = numpy.nan
    codes = [generator.integers(0, levels, count).astype(numpy.float32) for levels in LEVELS]
    table = numpy.column_stack([table] + codes)
    if gaps and categories:
        for column in CATEGORIES:
            table[generator.random(count) < 0.05, column] = numpy.nan
    return table


def labels_of(generator, table):
    filled = numpy.nan_to_num(table)
    score = filled[:, 0] + 0.5 * filled[:, 1] + 1.5 * numpy.isnan(table[:, 3])
    score += (filled[:, 8] % 5 == 0) * 1.2 + (filled[:, 9] % 7 == 3) * 1.5 + (filled[:, 4] == 0) * 0.8
    return (score + generator.normal(size=len(table)) > 2.6).astype(int)


def put_on_thresholds(generator, table, thresholds, unseen=(), plain=False):
    """Half of the rows get values on, just below and just above thresholds; some get codes never seen."""
    for row in range(0, len(table), 2):
        for feature, values in thresholds.items():
            if len(values) == 0 or generator.random() < 0.5:
                continue
            value = numpy.float32(values[generator.integers(len(values))])
            step = generator.integers(3)
            if step == 1:
                value = numpy.nextafter(value, numpy.float32(-numpy.inf))
            elif step == 2:
                value = numpy.nextafter(value, numpy.float32(numpy.inf))
            if numpy.isfinite(value):
                table[row, feature] = value
        if not plain and generator.random() < 0.3:
            odd = [-0.0, 1e-36, -1e-35, 1e-40, 1e-30][generator.integers(5)]
            table[row, generator.integers(NUMBERS)] = odd
        for column in CATEGORIES:
            if len(unseen) > 0 and generator.random() < 0.1:
                table[row, column] = unseen[generator.integers(len(unseen))]
    return table


def thresholds_of_lightgbm(booster):
    found = {}
    frame = booster.trees_to_dataframe()
    names = booster.feature_name()
    for _, node in frame[frame["decision_type"] == "<="].iterrows():
        found.setdefault(names.index(node["split_feature"]), []).append(float(node["threshold"]))
    return found


def thresholds_of_xgboost(booster):
    found = {}
    document = json.loads(bytes(booster.save_raw("json")))
    inner = document["learner"]["gradient_booster"]
    model = inner.get("model") or inner["gbtree"]["model"]
    for tree in model["trees"]:
        nodes = zip(tree["left_children"], tree["split_indices"], tree["split_conditions"], tree["split_type"])
        for left, feature, condition, kind in nodes:
            if left >= 0 and kind == 0:
                found.setdefault(feature, []).append(condition)
    return found


def sum_of_leaves(booster, matrix):
    """The margin by XGBoost's own way through its trees, added in f64."""
    learner = json.loads(bytes(booster.save_raw("json")))["learner"]
    inner = learner["gradient_booster"]
    model = inner.get("model") or inner["gbtree"]["model"]
    weights = inner.get("weight_drop") or [1.0] * len(model["trees"])
    reached = booster.predict(matrix, pred_leaf=True).astype(int)
    score = numpy.float32(json.loads(learner["learner_model_param"]["base_score"])[0])
    if learner["objective"]["name"] == "binary:logistic":
        score = -numpy.log(numpy.float32(1) / score - numpy.float32(1))
    total = numpy.full(len(reached), float(score))
    for place, (tree, weight) in enumerate(zip(model["trees"], weights)):
        values = numpy.asarray(tree["split_conditions"], dtype=numpy.float32).astype(numpy.float64)
        total += values[reached[:, place]] * float(numpy.float32(weight))
    return total


def thresholds_of_onnx(model):
    found = {}
    for node in model.graph.node:
        if node.op_type.startswith("TreeEnsemble"):
            values = {item.name: helper.get_attribute_value(item) for item in node.attribute}
            if node.op_type == "TreeEnsemble":
                found = {0: [0.5], 1: [-1.0], 2: [1.25]}
                continue
            nodes = zip(values["nodes_featureids"], values["nodes_values"], values["nodes_modes"])
            for feature, value, mode in nodes:
                if mode not in (b"LEAF", b"BRANCH_EQ", b"BRANCH_NEQ"):
                    found.setdefault(feature, []).append(value)
    return found


class Zoo:
    """Makes cases: a name, the bytes of a model file, rows, and what its own program says of them."""

    def __init__(self, seed, rows, trees, leaves, exact):
        self.generator = numpy.random.default_rng(seed)
        self.seed = seed
        # Whether margins of XGBoost are the sums of its own leaves in f64: its own sums in f32 pass through large
        # values on the way and are off by up to 1e-5.
        self.exact = exact
        self.rows, self.trees, self.leaves = rows, trees, leaves
        self.train = rows_of(self.generator, 20_000)
        self.labels = labels_of(self.generator, self.train)

    def fresh(self, thresholds, unseen=(), gaps=True, plain=False):
        return put_on_thresholds(self.generator, rows_of(self.generator, self.rows, gaps), thresholds, unseen, plain)

    def lightgbm(self):
        base = {
            "objective": "binary", "num_leaves": self.leaves, "verbose": -1, "min_data_per_group": 10,
            "cat_smooth": 1, "num_threads": 1, "deterministic": True, "seed": 7, "max_cat_threshold": 64,
        }
        kinds = {
            "nan": {},
            "zero": {"zero_as_missing": True},
            "none": {"use_missing": False},
            "dart": {"boosting": "dart", "drop_rate": 0.5, "skip_drop": 0.0},
            "forest": {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6, "feature_fraction": 0.8},
            "sigmoid": {"sigmoid": 0.7, "scale_pos_weight": 3.0},
        }
        for kind, more in kinds.items():
            data = lightgbm.Dataset(self.train, self.labels, feature_name=NAMES, categorical_feature=CATEGORIES)
            booster = lightgbm.train({**base, **more}, data, self.trees)
            table = self.fresh(thresholds_of_lightgbm(booster), unseen=[999, 70000, -1, -3])
            raw = booster.predict(table, raw_score=True)
            prediction = booster.predict(table)
            yield f"lightgbm-{kind}.txt", booster.model_to_string().encode(), table, raw, prediction
            if kind in ("nan", "zero", "forest"):
                dumped = json.dumps(booster.dump_model()).encode()
                yield f"lightgbm-{kind}.json", dumped, table, raw, prediction

    def xgboost(self):
        base = {
            "objective": "binary:logistic", "max_leaves": self.leaves, "max_depth": 0, "grow_policy": "lossguide",
            "tree_method": "hist", "nthread": 1, "seed": 7, "eta": 0.3, "max_cat_to_onehot": 4,
        }
        kinds = {
            "nan": {},
            "dart": {"booster": "dart", "rate_drop": 0.5, "skip_drop": 0.0},
            "logitraw": {"objective": "binary:logitraw", "base_score": 0.2},
            "regression": {"objective": "reg:squarederror"},
        }
        types = ["q"] * NUMBERS + ["c"] * 2

        def matrix(table, labels=None):
            return xgboost.DMatrix(
                table, labels, feature_names=NAMES, feature_types=types, enable_categorical=True, nthread=1
            )

        for kind, more in kinds.items():
            booster = xgboost.train({**base, **more}, matrix(self.train, self.labels), self.trees)
            table = self.fresh(thresholds_of_xgboost(booster), unseen=[999, 70000])
            raw = booster.predict(matrix(table), output_margin=True).astype(numpy.float64)
            if self.exact:
                exact = sum_of_leaves(booster, matrix(table))
                noise = numpy.abs(raw - exact).max()
                print(f"xgboost-{kind}: its own margin is off the sum of its leaves by {noise:.2e}", file=sys.stderr)
                raw = exact
            prediction = None
            if more.get("objective") is None:
                prediction = booster.predict(matrix(table)).astype(numpy.float64)
            yield f"xgboost-{kind}.json", bytes(booster.save_raw("json")), table, raw, prediction
            if kind in ("nan", "dart"):
                yield f"xgboost-{kind}.ubj", bytes(booster.save_raw("ubj")), table, raw, prediction

    def onnx(self):
        shape = [None, len(NAMES)]
        model = lightgbm.LGBMClassifier(
            n_estimators=self.trees, num_leaves=self.leaves, verbose=-1, min_data_per_group=10, cat_smooth=1, n_jobs=1
        ).fit(self.train, self.labels, categorical_feature=CATEGORIES)
        yield self.converted(
            "onnx-lightgbm.onnx", convert_lightgbm(model, initial_types=[("input", FloatTensorType(shape))], zipmap=False)
        )
        model = xgboost.XGBClassifier(n_estimators=self.trees, max_leaves=self.leaves, max_depth=6, n_jobs=1)
        model.fit(self.train, self.labels)
        yield self.converted(
            "onnx-xgboost.onnx", convert_xgboost(model, initial_types=[("input", FloatTensorType(shape))])
        )
        dense = numpy.nan_to_num(self.train)
        for name, model in {
            "onnx-forest.onnx": RandomForestClassifier(n_estimators=self.trees, max_leaf_nodes=self.leaves, random_state=7),
            "onnx-boosted.onnx": GradientBoostingClassifier(
                n_estimators=self.trees, max_leaf_nodes=self.leaves, random_state=7
            ),
        }.items():
            model.fit(dense, self.labels)
            made = convert_sklearn(model, initial_types=[("input", SklearnFloat(shape))], options={"zipmap": False})
            yield self.converted(name, made)
        yield self.converted("onnx-modes.onnx", modes(), unseen=[999])
        yield self.converted("onnx-five.onnx", tree_ensemble(), unseen=[999])

    def networks(self):
        return networks.cases(self.rows, self.seed)

    def converted(self, name, model, unseen=()):
        contents = model.SerializeToString()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(contents, options, providers=["CPUExecutionProvider"])
        table = self.fresh(thresholds_of_onnx(model), unseen=unseen, plain=True)
        out = session.run(None, {"input": table})[-1]
        prediction = numpy.asarray(out, dtype=numpy.float64)
        prediction = prediction[:, 1] if prediction.shape[1] == 2 else prediction[:, 0]
        return name, contents, table, None, prediction


def modes():
    """Every mode of a branch, with and without the rule for missing values, in one regressor."""
    nodes = []
    leaves = []
    modes = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]
    tree = 0
    for mode in modes:
        for tracks in (0, 1):
            of_codes = mode in ("BRANCH_EQ", "BRANCH_NEQ")
            feature = 8 if of_codes else tree % NUMBERS
            value = float(tree % 5) if of_codes else (-0.25 if tree % 2 else 0.5)
            nodes.append((tree, 0, feature, mode, value, 1, 2, tracks))
            nodes.append((tree, 1, 0, "LEAF", 0.0, 0, 0, 0))
            nodes.append((tree, 2, (tree + 3) % NUMBERS, "BRANCH_LEQ", 1.25, 3, 4, 1 - tracks))
            nodes.append((tree, 3, 0, "LEAF", 0.0, 0, 0, 0))
            nodes.append((tree, 4, 0, "LEAF", 0.0, 0, 0, 0))
            leaves += [(tree, 1, 0.25 * (tree + 1)), (tree, 3, -0.5), (tree, 4, 0.125 * tree - 0.75)]
            tree += 1
    columns = list(zip(*nodes))
    of_leaves = list(zip(*leaves))
    node = helper.make_node(
        "TreeEnsembleRegressor", ["input"], ["margin"], domain="ai.onnx.ml", n_targets=1, post_transform="NONE",
        base_values=[-1.5], nodes_treeids=columns[0], nodes_nodeids=columns[1], nodes_featureids=columns[2],
        nodes_modes=columns[3], nodes_values=columns[4], nodes_truenodeids=columns[5], nodes_falsenodeids=columns[6],
        nodes_missing_value_tracks_true=columns[7], target_treeids=of_leaves[0], target_nodeids=of_leaves[1],
        target_ids=[0] * len(leaves), target_weights=of_leaves[2],
    )
    # ONNX Runtime leaves out the LOGISTIC of a regressor with one target, so it stands behind the trees here.
    sigmoid = helper.make_node("Sigmoid", ["margin"], ["score"])
    graph = helper.make_graph(
        [node, sigmoid], "modes",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [None, len(NAMES)])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, [None, 1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("ai.onnx.ml", 3), helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model


def tree_ensemble():
    """The operator of ai.onnx.ml 5: sets, and leaves that stand apart."""
    def tensor(name, kind, values):
        return helper.make_tensor(name, kind, [len(values)], values)

    nodes = [
        # feature, mode, split, true, true is a leaf, false, false is a leaf, missing goes with true
        (8, 6, 0.0, 1, 0, 0, 1, 1),
        (0, 0, 0.5, 1, 1, 2, 1, 0),
        (9, 6, 0.0, 3, 0, 3, 1, 0),
        (1, 3, -1.0, 4, 1, 4, 0, 1),
        (2, 1, 1.25, 5, 1, 3, 1, 0),
    ]
    columns = list(zip(*nodes))
    nan = float("nan")
    node = helper.make_node(
        "TreeEnsemble", ["input"], ["margin"], domain="ai.onnx.ml", n_targets=1, aggregate_function=1, post_transform=0,
        nodes_featureids=columns[0], nodes_modes=tensor("modes", TensorProto.UINT8, columns[1]),
        nodes_splits=tensor("splits", TensorProto.FLOAT, columns[2]), nodes_truenodeids=columns[3],
        nodes_trueleafs=columns[4], nodes_falsenodeids=columns[5], nodes_falseleafs=columns[6],
        nodes_missing_value_tracks_true=columns[7], tree_roots=[0, 2], leaf_targetids=[0] * 6,
        leaf_weights=tensor("weights", TensorProto.FLOAT, [-1.5, 0.25, 0.75, -0.5, 1.0, 2.0]),
        membership_values=tensor("sets", TensorProto.FLOAT, [1.0, 5.0, 12.0, nan, 3.0, 100.0, 150.0]),
    )
    sigmoid = helper.make_node("Sigmoid", ["margin"], ["score"])
    graph = helper.make_graph(
        [node, sigmoid], "five",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [None, len(NAMES)])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, [None, 1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("ai.onnx.ml", 5), helper.make_opsetid("", 17)])
    model.ir_version = 9
    return model


def frame_of(table, raw, prediction, names):
    columns = {name: table[:, place] for place, name in enumerate(names)}
    if raw is not None:
        columns["raw"] = raw
    if prediction is not None:
        columns["prediction"] = prediction
    return columns


def write_fixtures(zoo, folder):
    os.makedirs(folder, exist_ok=True)
    for cases in (zoo.lightgbm, zoo.xgboost, zoo.onnx, zoo.networks):
        for name, contents, table, raw, prediction in cases():
            names = names_of(name)
            with open(os.path.join(folder, name), "wb") as file:
                file.write(contents)
            frame = pandas.DataFrame(frame_of(table, raw, prediction, names))
            # The forms of one model share their rows.
            rows = os.path.join(folder, os.path.splitext(name)[0] + ".csv")
            frame.to_csv(rows, index=False, float_format="%.17g")


def names_of(name):
    if name.startswith("network"):
        return networks.names_of(name)
    return [f"f{number}" for number in range(len(NAMES))] if name.startswith("onnx") else NAMES


def measure(zoo, kinds, binary, folder, bound, output):
    os.makedirs(folder, exist_ok=True)
    results = []
    failed = False
    for cases in (zoo.networks,) if kinds == "networks" else (zoo.lightgbm, zoo.xgboost, zoo.onnx):
        for name, contents, table, raw, prediction in cases():
            path = os.path.join(folder, name)
            with open(path, "wb") as file:
                file.write(contents)
            names = names_of(name)
            sample = path + ".parquet"
            columns = frame_of(table, raw, prediction, names)
            parquet.write_table(pyarrow.table(columns), sample, compression="zstd")
            command = [binary, "models", "import", path, "--out", path + ".model", "--check", sample]
            command += ["--tolerance", str(bound), "-o", "json"]
            done = subprocess.run(command, capture_output=True, text=True)
            try:
                parity = json.loads(done.stdout)["parity"]
            except (ValueError, KeyError):
                sys.exit(f"{' '.join(command)}\n{done.stderr}")
            holds = done.returncode == 0
            failed |= not holds
            result = {"case": name, "holds": holds, **parity}
            results.append(result)
            if output == "table":
                differences = " ".join(
                    f"{kind} deviation {result[kind]['deviation_max']:.2e} difference {result[kind]['difference_max']:.2e}"
                    for kind in ("raw", "probability") if result.get(kind)
                )
                verdict = "" if holds else "  FAILED"
                print(f"{name:24} {result['rows']} rows  {differences}{verdict}", flush=True)
    if output == "json":
        print(json.dumps(results, indent=2))
    return FAILED if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary")
    parser.add_argument("--folder")
    parser.add_argument("--fixtures")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bound", type=float, default=1e-6)
    parser.add_argument("--output", default="table")
    parser.add_argument("--models", default="trees")
    words = parser.parse_args()
    if words.fixtures:
        write_fixtures(Zoo(words.seed, 60, 4, 6, exact=False), words.fixtures)
        return 0
    zoo = Zoo(words.seed, words.rows, 100, 31, exact=True)
    return measure(zoo, words.models, words.binary, words.folder, words.bound, words.output)


if __name__ == "__main__":
    sys.exit(main())
