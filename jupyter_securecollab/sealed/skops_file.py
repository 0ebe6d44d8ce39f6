"""scikit-learn objects through skops: only types skops trusts, types of numbers, and `Tree` once it has been checked.

The file is a zip from an untrusted sharer: members are named as skops names them, stored without compression (so it
cannot expand), and array headers must fit their data. Uses skops' node tree, which is what gets constructed, rather
than its JSON, which a repeated id could make say something else.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import numpy as np
import skops.io
from sklearn.base import BaseEstimator
from skops.io import _audit, _numpy, _sklearn, _utils

from ..errors import CannotHold, SealBroken
from . import shapes, trees

_TREE = "sklearn.tree._tree.Tree"
_DTYPE = "numpy.dtype"
_MEMBER = re.compile(r"schema\.json|[0-9]{1,20}\.npy|[0-9a-f-]{36}\.bin")


def dumps(model: Any) -> bytes:
    """The model as a skops file that `loads` accepts; raises `CannotHold` naming what it does not."""
    try:
        data: bytes = skops.io.dumps(model)
    except (TypeError, ValueError, AttributeError, skops.io.exceptions.UnsupportedTypeException) as problem:
        raise CannotHold(f"a {type(model).__name__} cannot be written by skops: {type(problem).__name__}") from None
    try:
        loads(data)
    except SealBroken as refusal:
        other = refusal.next_step != SealBroken.default_next_step
        step = (
            refusal.next_step if other else "Use an estimator made of plain arrays, or share its parameters as arrays."
        )
        raise CannotHold(str(refusal), next_step=step) from None
    return data


def loads(data: bytes) -> Any:
    """The model; raises `SealBroken`, naming the type where the reason is a type that is never loaded."""
    _check_zip(data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        schema, context = _utils.read_schema(archive)
        root = _audit.get_tree(schema, context, trusted=None)
        nodes = list(_walk([root, *context.memo.values()]))
        for node in nodes:
            # Asked once each: a file in which every node holds the one before twice would keep skops busy for ever.
            node.get_unsafe_set = cache(node.get_unsafe_set)
            if isinstance(node, _numpy.DTypeNode):  # made of an array that is looked at like all others
                node.trusted = [_DTYPE]
        unknown = root.get_unsafe_set() - {_TREE}
        if unknown:
            raise SealBroken(f"this model contains {', '.join(sorted(unknown))}, which is never loaded")
        constructors = {id(node.constructor) for node in nodes if isinstance(node, _sklearn.TreeNode)}
        for node in nodes:
            if isinstance(node, _sklearn.TreeNode):
                trees.check_state(node.args.construct(), node.attrs.construct())
            elif isinstance(node, _numpy.DTypeNode):
                _check_dtype(node.construct())
            elif f"{node.module_name}.{node.class_name}" == _TREE and id(node) not in constructors:
                raise SealBroken()
        model = root.construct()
        made = [node.construct() for node in nodes]
        _refuse_caches(made)
        trees.check_estimators(made)
        shapes.check_estimators(made)
    return model


def _refuse_caches(found: Iterable[Any]) -> None:
    """No estimator may name a folder to keep results in: fitting it again would load the pickles that lie there."""
    if any(isinstance(one, BaseEstimator) and vars(one).get("memory") is not None for one in found):
        raise SealBroken(
            "this model keeps results of fitting in a folder, from which fitting it again would load code",
            next_step="Its owner sets its memory to None, or shares what %mask makes of it.",
        )


def _check_zip(data: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        names = [member.filename for member in members]
        if len(set(names)) != len(names) or sum(member.file_size for member in members) > len(data):
            raise SealBroken()
        for member in members:
            if member.compress_type != zipfile.ZIP_STORED or not _MEMBER.fullmatch(member.filename):
                raise SealBroken()
            if member.filename.endswith(".npy"):
                _check_array(archive.read(member))


def _check_array(data: bytes) -> None:
    """An array may not declare more than its bytes hold: numpy allocates before it reads."""
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
    shape, _, dtype = read(stream)
    start = stream.tell()
    if dtype.hasobject or start + dtype.itemsize * int(np.prod(shape, dtype=object)) != len(data):
        raise SealBroken()
    # Truths are 0 or 1, as in `models`; among other fields they are not looked for.
    if _has_truths(dtype) and (dtype.kind != "b" or max(data[start:], default=0) > 1):
        raise SealBroken()


def _check_dtype(dtype: Any) -> None:
    """Of numbers, truths or objects: inputs are made into it, and texts or records could be of any size."""
    if not isinstance(dtype, np.dtype) or dtype.kind not in "biufcO":
        raise SealBroken()


def _has_truths(dtype: np.dtype[Any]) -> bool:
    inside = [found[0] for found in (dtype.fields or {}).values()]
    return dtype.base.kind == "b" or any(map(_has_truths, inside))


def _walk(pending: list[Any]) -> Iterator[Any]:
    """Every node below these, each once."""
    seen: set[int] = set()
    while pending:
        one = pending.pop()
        if isinstance(one, dict):
            pending += one.values()
        elif isinstance(one, list):
            pending += one
        elif isinstance(one, _audit.Node) and id(one) not in seen:
            seen.add(id(one))
            yield one
            pending += one.children.values()
            pending += [one.cached] if isinstance(one, _audit.CachedNode) else []
