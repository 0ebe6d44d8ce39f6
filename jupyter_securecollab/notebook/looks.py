"""What the columns of a frame look like: a digest of the values that classification would look at, to notice changes.

Frames are written to: a label given to a column says nothing of what is assigned to it afterwards. A change among the
rows that are not looked at is not noticed, and classification would not see it either.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from ..frames import axes
from ..frames.sampling import rows_to_see, sample

_SIZE = 16


def looks(frame: Any) -> dict[str, bytes]:
    """A digest for each name of a column or index level, whatever the name; all columns of one name together.

    A Dask frame is told by its recipe, so that nothing is computed: any change of it is one of all its columns.
    """
    if axes.is_dask(frame):
        return {name: f"{name}\0{frame._name}".encode() for name in axes.names(frame._meta)}
    columns = list(axes.columns(frame))
    rows = rows_to_see(axes.length(frame), len(columns))
    found = {name: blake2b(digest_size=_SIZE) for name, _ in columns}
    for name, values in columns:
        for one in sample(name, values, rows):
            texts = "\0".join(one.texts.to_pylist()).encode("utf-8", "surrogatepass")
            found[name].update(
                f"{one.name[len(name) :]}\0{one.kind}\0{one.rows}\0{len(texts)}\0".encode("utf-8", "surrogatepass")
            )
            found[name].update(texts)
            found[name].update(one.counts.tobytes())
    return {name: digest.digest() for name, digest in found.items()}
