"""The Merkle tree of the log as tiles: appends, roots and proofs, without ever holding more than its right edge.

Layout of C2SP tlog-tiles: a tile of level L holds 256 neighbouring hashes, each the root of 256^L leaves. Full tiles
never change and are stored; the hashes right of them, at most 255 per level, live in `Tree` and are rebuilt from the
newest entries. Pure: tiles come through a function given by the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..errors import StoreBroken
from ..proofs import EMPTY_ROOT, node_hash

WIDTH = 256
_HEIGHT = 8

Nodes = tuple[tuple[bytes, ...], ...]
"""The inner hashes of one full tile by height: 256, 128, ... 2."""

Tiles = Callable[[int, int], Nodes]
"""Gives a full tile by level and index; raises `StoreBroken` if there is none."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile that has just become full."""

    level: int
    index: int
    nodes: Nodes

    @property
    def hashes(self) -> bytes:
        """The 8,192 bytes that are stored."""
        return b"".join(self.nodes[0])


def tile_nodes(hashes: bytes) -> Nodes:
    """All inner hashes of a stored tile."""
    if len(hashes) != WIDTH * 32:
        raise StoreBroken("a tile of the audit log is damaged")
    rows = [tuple(hashes[i : i + 32] for i in range(0, len(hashes), 32))]
    while len(rows[-1]) > 2:
        below = rows[-1]
        rows.append(tuple(node_hash(below[i], below[i + 1]) for i in range(0, len(below), 2)))
    return tuple(rows)


class Tree:
    """The right edge of a log of `size` entries. Grown by `append` on a copy; a tree others can see never changes."""

    def __init__(self) -> None:
        self.size = 0
        # _edge[h]: complete nodes of height h (each over 2^h leaves) in the tile that is not yet full.
        self._edge: list[list[bytes]] = []

    @classmethod
    def of_full_tiles(cls, size: int, tiles: Tiles) -> Tree:
        """The tree of the first `size` entries, a multiple of 256, from the stored tiles."""
        tree = cls()
        tree.size = size
        level = 1
        while size >> (_HEIGHT * level):
            count = size >> (_HEIGHT * level)
            row = [node_hash(*tiles(level - 1, index)[-1]) for index in range(count & ~(WIDTH - 1), count)]
            tree._edge += [[] for _ in range(_HEIGHT * level - len(tree._edge))]
            for _ in range(_HEIGHT):
                tree._edge.append(row)
                row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)]
            level += 1
        return tree

    def copy(self) -> Tree:
        """An independent tree of the same entries."""
        other = Tree()
        other.size = self.size
        other._edge = [list(row) for row in self._edge]
        return other

    def append(self, leaf: bytes) -> list[Tile]:
        """Add the next leaf hash; the tiles it filled, lowest first."""
        full: list[Tile] = []
        node, index, height = leaf, self.size, 0
        self.size += 1
        while True:
            if height == len(self._edge):
                self._edge.append([])
            row = self._edge[height]
            row.append(node)
            if not index & 1:
                return full
            node = node_hash(row[-2], node)
            index >>= 1
            height += 1
            if height % _HEIGHT == 0:
                nodes = tuple(map(tuple, self._edge[height - _HEIGHT : height]))
                full.append(Tile(height // _HEIGHT - 1, index, nodes))
                self._edge[height - _HEIGHT : height] = [[] for _ in range(_HEIGHT)]

    def root(self) -> bytes:
        """Root hash of all entries."""
        root = b""
        for height in range(self.size.bit_length()):
            if self.size >> height & 1:
                peak = self._edge[height][-1]
                root = node_hash(peak, root) if root else peak
        return root or EMPTY_ROOT

    def inclusion(self, index: int, tiles: Tiles) -> tuple[bytes, ...]:
        """The path from entry `index` to the root (RFC 6962, 2.1.1)."""
        start, stop, path = 0, self.size, []
        while stop - start > 1:
            middle = start + _split(stop - start)
            if index < middle:
                path.append(self._subtree(middle, stop, tiles))
                stop = middle
            else:
                path.append(self._subtree(start, middle, tiles))
                start = middle
        return tuple(reversed(path))

    def consistency(self, old: int, tiles: Tiles) -> tuple[bytes, ...]:
        """The proof that this tree continues its first `old` entries, `0 < old <= size` (RFC 6962, 2.1.2)."""
        start, stop, path = 0, self.size, []
        while stop != old:
            middle = start + _split(stop - start)
            if old <= middle:
                path.append(self._subtree(middle, stop, tiles))
                stop = middle
            else:
                path.append(self._subtree(start, middle, tiles))
                start = middle
        if start:
            path.append(self._subtree(start, stop, tiles))
        return tuple(reversed(path))

    def _subtree(self, start: int, stop: int, tiles: Tiles) -> bytes:
        """Root over the entries from `start` to before `stop`; only cuts that the RFC makes are asked for."""
        count = stop - start
        root = b""
        while count:
            height = (count & -count).bit_length() - 1
            count &= count - 1
            node = self._node(height, (start + count) >> height, tiles)
            root = node_hash(node, root) if root else node
        return root

    def _node(self, height: int, index: int, tiles: Tiles) -> bytes:
        inside = height % _HEIGHT
        tile, offset = index >> (_HEIGHT - inside), index & ((WIDTH >> inside) - 1)
        if tile == self.size >> (height - inside + _HEIGHT):
            return self._edge[height][offset]
        return tiles(height // _HEIGHT, tile)[inside][offset]


def _split(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << (count - 1).bit_length() - 1
