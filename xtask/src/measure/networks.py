"""Neural networks in ONNX, with what ONNX Runtime says of made-up rows.

Two are trained by scikit-learn and written by its converter. Three are put together operator by operator in the forms
that the exporters of PyTorch and Keras write, since those libraries are too large to fetch for five small files: Gemm
with turned weights behind a normalisation and plain log-odds; MatMul, bounded activations and a softmax of two columns;
inputs of one column each, gates, a branch and a sigmoid.
"""

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import to_onnx
from sklearn.neural_network import MLPClassifier

COLUMNS = 10


def cases(count, seed):
    """Name, file, rows, margins or none, probabilities or none."""
    generator = numpy.random.default_rng(seed)
    train = rows_of(generator, 2000)
    labels = (train[:, 0] + train[:, 1] * train[:, 2] + 0.5 * generator.normal(size=len(train)) > 0.5).astype(int)
    for name, kind, zipmap in (("network-sklearn", "relu", True), ("network-tanh", "tanh", False)):
        model = MLPClassifier((8, 4), activation=kind, max_iter=60, random_state=7).fit(train, labels)
        made = to_onnx(model, train[:1], options={"zipmap": zipmap})
        yield predicted(f"{name}.onnx", made, rows_of(generator, count))
    for name, made in (("network-gemm", gemm(generator)), ("network-softmax", softmax(generator)),
                       ("network-gates", gates(generator))):
        onnx.checker.check_model(made)
        yield predicted(f"{name}.onnx", made, rows_of(generator, count))


def names_of(name):
    """The columns of a case: its inputs where each is one, else numbers."""
    stem = "column_" if name.startswith("network-gates") else "f"
    return [f"{stem}{place}" for place in range(COLUMNS)]


def rows_of(generator, count):
    table = generator.normal(size=(count, COLUMNS)).astype(numpy.float32)
    table[:, 1] = numpy.round(table[:, 1] * 3)
    table[generator.random(table.shape) < 0.1] = 0
    return table


def predicted(name, model, table):
    contents = model.SerializeToString()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(contents, options, providers=["CPUExecutionProvider"])
    inputs = [one.name for one in session.get_inputs()]
    feed = {inputs[0]: table}
    if len(inputs) > 1:
        feed = {name: table[:, place : place + 1] for place, name in enumerate(inputs)}
    out = session.run(None, feed)[-1]
    if isinstance(out, list):
        out = [[row[0], row[1]] for row in out]
    out = numpy.asarray(out, dtype=numpy.float64).reshape(len(table), -1)[:, -1]
    if name == "network-gemm.onnx":
        return name, contents, table, out, 1 / (1 + numpy.exp(-out))
    return name, contents, table, None, out


class Builder:
    """A graph being put together."""

    def __init__(self, generator):
        self.generator = generator
        self.nodes = []
        self.constants = []

    def constant(self, values, kind=numpy.float32):
        name = f"w{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(numpy.asarray(values, dtype=kind), name))
        return name

    def weights(self, *shape):
        return self.constant(self.generator.normal(size=shape) / numpy.sqrt(shape[-1]))

    def node(self, kind, *inputs, **attributes):
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=f"/{kind}_{len(self.nodes)}", **attributes))
        return name

    def model(self, inputs, output, shape, opset):
        graph = helper.make_graph(
            self.nodes, "network",
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", width]) for name, width in inputs],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)], self.constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], producer_name="networks.py")
        model.ir_version = 8
        return model


def gemm(generator):
    """As PyTorch exports Linear, BatchNorm1d, ReLU, Dropout, LeakyReLU."""
    b = Builder(generator)
    value = b.node("Gemm", "input", b.weights(8, COLUMNS), b.weights(8), alpha=1.0, beta=1.0, transB=1)
    variance = b.constant(generator.random(8) + 0.5)
    value = b.node("BatchNormalization", value, b.weights(8), b.weights(8), b.weights(8), variance, epsilon=1e-3)
    value = b.node("Dropout", b.node("Relu", value))
    value = b.node("LeakyRelu", b.node("Gemm", value, b.weights(4, 8), b.weights(4), transB=1), alpha=0.2)
    value = b.node("Gemm", value, b.weights(1, 4), b.weights(1), transB=1)
    return b.model([("input", COLUMNS)], value, ["batch", 1], 17)


def softmax(generator):
    """As Keras is exported: MatMul and Add, a bounded activation, a softmax of two columns."""
    b = Builder(generator)
    value = b.node("Add", b.node("MatMul", "dense_input", b.weights(COLUMNS, 6)), b.weights(6))
    value = b.node("Clip", value, b.constant(0.0), b.constant(6.0))
    value = b.node("Add", b.node("MatMul", value, b.weights(6, 2)), b.weights(2))
    return b.model([("dense_input", COLUMNS)], b.node("Softmax", value, axis=-1), ["batch", 2], 13)


def gates(generator):
    """One input a column, scaled; a gated branch beside a plain one, joined, and a skip."""
    b = Builder(generator)
    inputs = [(f"column_{place}", 1) for place in range(COLUMNS)]
    row = b.node("Concat", *[name for name, _ in inputs], axis=1)
    row = b.node("Div", b.node("Sub", row, b.weights(1, COLUMNS)), b.constant(generator.random(COLUMNS) + 0.5))
    gate = b.node("Sigmoid", b.node("MatMul", row, b.weights(COLUMNS, 5)))
    gated = b.node("Mul", gate, b.node("Tanh", b.node("MatMul", row, b.weights(COLUMNS, 5))))
    plain = b.node("Relu", b.node("MatMul", row, b.weights(COLUMNS, 3)))
    joined = b.node("Concat", gated, plain, axis=-1)
    joined = b.node("Reshape", joined, b.constant([-1, 8], numpy.int64))
    back = b.node("Add", row, b.node("MatMul", joined, b.weights(8, COLUMNS)))
    turned = b.node("Transpose", b.weights(1, COLUMNS), perm=[1, 0])
    value = b.node("Sigmoid", b.node("Mul", b.node("MatMul", back, turned), b.constant(0.5)))
    value = b.node("Squeeze", value, b.constant([1], numpy.int64))
    return b.model(inputs, value, ["batch"], 13)
