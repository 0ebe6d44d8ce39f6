"""ONNX models come back as they were; whatever points outside, or at code that is not ONNX's, is refused."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from jupyter_securecollab.errors import CannotHold, SealBroken
from jupyter_securecollab.manifest import Held
from jupyter_securecollab.model import Label
from jupyter_securecollab.sealed import onnx_file
from jupyter_securecollab.sealed.blob import PreparedBlob
from jupyter_securecollab.sealed.models import open_model, prepare_model

INPUT = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 4])
OUTPUT = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 2])
OPSETS = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]


def weights(name="w"):
    return numpy_helper.from_array(np.arange(8, dtype=np.float32).reshape(4, 2), name)


def model_of(*nodes, initializers=(), functions=(), opsets=OPSETS):
    graph = helper.make_graph(list(nodes), "graph", [INPUT], [OUTPUT], [weights(), *initializers])
    made = helper.make_model(graph, opset_imports=opsets, functions=list(functions))
    made.ir_version = 9
    return made


MULTIPLY = helper.make_node("MatMul", ["x", "w"], ["y"])


def plain():
    return model_of(MULTIPLY)


def branch(node, name="then"):
    return helper.make_graph([node], name, [], [helper.make_tensor_value_info(node.output[0], 1, None)])


def nested(node):
    """A model that does `node` inside both branches of a condition."""
    yes = numpy_helper.from_array(np.array(True), "yes")
    inside = helper.make_node("If", ["yes"], ["y"], then_branch=branch(node), else_branch=branch(node, "else"))
    return model_of(inside, initializers=[yes])


FUNCTION = helper.make_function(
    "own", "Twice", ["a"], ["b"], [helper.make_node("Add", ["a", "a"], ["b"])], [helper.make_opsetid("", 18)]
)


def with_function(function=FUNCTION):
    twice = helper.make_node("Twice", ["x"], ["z"], domain="own")
    multiply = helper.make_node("MatMul", ["z", "w"], ["y"])
    return model_of(twice, multiply, functions=[function], opsets=[*OPSETS, helper.make_opsetid("own", 1)])


EVERY_TYPE = [
    numpy_helper.from_array(np.zeros(3, dtype), f"of {dtype}")
    for dtype in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", "c8", "c16")
] + [
    helper.make_tensor("texts", TensorProto.STRING, [2], [b"a", b"b"]),
    helper.make_tensor("halves", TensorProto.INT4, [3], [1, 2, 3]),
    helper.make_tensor("floats", TensorProto.FLOAT, [2], [1.0, 2.0]),
    helper.make_tensor("complex", TensorProto.COMPLEX64, [2], [1j, 2.0]),
    helper.make_tensor("raw halves", TensorProto.INT4, [3], b"\x21\x03", raw=True),
    numpy_helper.from_array(np.zeros((0, 3), "f4"), "nothing"),
]
SOUND = {
    "plain": plain,
    "nested": lambda: nested(helper.make_node("MatMul", ["x", "w"], ["z"])),
    "function": with_function,
    "every type": lambda: model_of(MULTIPLY, initializers=EVERY_TYPE),
}


@pytest.mark.parametrize("name", SOUND)
def test_sound_models_are_accepted(name):
    data = onnx_file.dumps(SOUND[name]())
    onnx_file.check(data)
    onnx_file.use(data)
    assert onnx_file.loads(data) == SOUND[name]()


def test_model_comes_back(seal):
    opened = seal(prepare_model(plain(), Label())).open(using=open_model)
    assert opened == plain()


def external(tensor, place):
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=place)
    return tensor


def constant(tensor):
    return helper.make_node("Constant", [], ["z"], value=tensor)


def changed(change, make=plain):
    made = make()
    change(made)
    return made


def _deep(levels):
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    for _ in range(levels):
        node = helper.make_node("If", ["yes"], ["y"], then_branch=branch(node), else_branch=branch(node))
    return model_of(node)


def _dims(*dims):
    def change(made):
        made.graph.initializer[0].ClearField("dims")
        made.graph.initializer[0].dims.extend(dims)

    return change


def _function(*nodes, name="Twice"):
    return helper.make_function(
        "own", name, ["a"], ["b"], list(nodes), [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
    )


def _ring():
    one = _function(helper.make_node("Other", ["a"], ["b"], domain="own"))
    other = _function(helper.make_node("Twice", ["a"], ["b"], domain="own"), name="Other")
    made = with_function(one)
    made.functions.append(other)
    return made


EVIL = helper.make_node("Evil", ["x"], ["y"], domain="com.evil")
FILES = ("/etc/passwd", "../../secret.bin", "weights.bin", "")
WRONG = {
    **{f"file {place!r}": lambda place=place: model_of(MULTIPLY, initializers=[external(weights("v"), place)])
       for place in FILES},
    "a file for a constant": lambda: nested(constant(external(weights("v"), "/etc/passwd"))),
    "a file in a function": lambda: with_function(_function(constant(external(weights("v"), "../x")))),
    "a place without saying external": lambda: changed(
        lambda made: made.graph.initializer[0].external_data.add(key="location", value="/etc/passwd")
    ),
    "an operator of somebody's": lambda: model_of(EVIL, opsets=[*OPSETS, helper.make_opsetid("com.evil", 1)]),
    "an operator of somebody's, nested": lambda: nested(EVIL),
    "an operator of somebody's, in a function": lambda: with_function(_function(EVIL)),
    "a domain of somebody's": lambda: model_of(MULTIPLY, opsets=[*OPSETS, helper.make_opsetid("com.evil", 1)]),
    "an operator nobody knows": lambda: model_of(helper.make_node("Nothing", ["x"], ["y"])),
    "a function in place of ONNX's": lambda: changed(
        lambda made: made.functions.append(helper.make_function(
            "", "MatMul", ["a"], ["b"], [helper.make_node("Add", ["a", "a"], ["b"])], OPSETS))
    ),
    "a function twice": lambda: changed(lambda made: made.functions.append(made.functions[0]), with_function),
    "a function that calls itself": lambda: with_function(
        _function(helper.make_node("Twice", ["a"], ["b"], domain="own"))
    ),
    "functions that call each other": _ring,
    "a ring of nodes": lambda: model_of(
        helper.make_node("Add", ["x", "b"], ["a"]), helper.make_node("Add", ["x", "a"], ["b"]), MULTIPLY
    ),
    "graphs in graphs in graphs": lambda: _deep(18),
    "a name that is not there": lambda: model_of(helper.make_node("MatMul", ["x", "nobody"], ["y"])),
    "absurd dimensions": lambda: changed(_dims(2**40, 2**20)),
    "negative dimensions": lambda: changed(_dims(-4, -2)),
    "fewer values than dimensions": lambda: changed(_dims(4, 3)),
    "values twice": lambda: changed(lambda made: made.graph.initializer[0].float_data.extend([1.0] * 8)),
    "a type nobody knows": lambda: changed(lambda made: setattr(made.graph.initializer[0], "data_type", 99)),
    "no type": lambda: changed(lambda made: setattr(made.graph.initializer[0], "data_type", 0)),
    "text as bytes": lambda: changed(lambda made: setattr(made.graph.initializer[0], "data_type", TensorProto.STRING)),
    "a segment": lambda: changed(lambda made: setattr(made.graph.initializer[0].segment, "begin", 1)),
    "sparse tensors": lambda: changed(lambda made: made.graph.sparse_initializer.add()),
    "training": lambda: changed(lambda made: made.training_info.add()),
    "no graph": lambda: changed(lambda made: made.ClearField("graph")),
    "no operator set": lambda: changed(lambda made: made.ClearField("opset_import")),
    "a later format": lambda: changed(lambda made: setattr(made, "ir_version", 9999)),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_models_are_refused(name):
    data = onnx_file.dumps(WRONG[name]())
    with pytest.raises((SealBroken, onnx.checker.ValidationError)):
        onnx_file.check(data)
        onnx_file.use(data)


BYTES = {
    "nothing": b"",
    "noise": b"\xff" * 64,
    "half a file": onnx_file.dumps(plain())[:-30],
    "a length past the end": b"\x3a\xff\xff\xff\xff\x0f",
    "fields nobody knows": onnx_file.dumps(plain()) + b"\xf8\x3f\x01",
    "no UTF-8": onnx_file.dumps(plain()).replace(b"graph", b"gr\xffph"),
}


@pytest.mark.parametrize("name", BYTES)
def test_wrong_bytes_are_refused(name):
    with pytest.raises(SealBroken):
        onnx_file.check(BYTES[name])


def _cut(data, start, stop):
    return data[start:stop]


def test_a_forged_model_is_not_opened(seal):
    for data in (onnx_file.dumps(_ring()), BYTES["noise"]):
        prepared = PreparedBlob(
            "model", Held("onnx"), Label(), len(data), lambda start, stop, data=data: data[start:stop]
        )
        with pytest.raises(SealBroken):
            seal(prepared).open(using=open_model)


def test_a_model_with_other_files_says_how_it_can_be_held():
    with pytest.raises(CannotHold, match=r"onnx\.load"):
        prepare_model(WRONG["file '/etc/passwd'"](), Label())
