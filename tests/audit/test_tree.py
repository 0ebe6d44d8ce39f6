"""The tiled tree gives the roots and proofs of RFC 6962 at every size, fresh or rebuilt from its tiles."""

from __future__ import annotations

import random

import pytest

from jupyter_securecollab.core.tree import WIDTH, Nodes, Tree, tile_nodes
from jupyter_securecollab.errors import StoreBroken
from jupyter_securecollab.proofs import EMPTY_ROOT, Frontier, leaf_hash, node_hash, verify_consistency, verify_inclusion


class Grown:
    """A tree grown leaf by leaf, its stored tiles, and every root it had."""

    def __init__(self, size: int) -> None:
        self.tree, self.stored = Tree(), {}
        self.leaves = [leaf_hash(b"%d" % i) for i in range(size)]
        frontier = Frontier()
        self.roots = [EMPTY_ROOT]
        for leaf in self.leaves:
            self.stored |= {(tile.level, tile.index): tile.hashes for tile in self.tree.append(leaf)}
            frontier.append(leaf)
            self.roots.append(frontier.root())

    def tiles(self, level: int, index: int) -> Nodes:
        return tile_nodes(self.stored[level, index])


@pytest.fixture(scope="module")
def large() -> Grown:
    return Grown(WIDTH * WIDTH + 3 * WIDTH + 5)


def test_every_proof_of_every_tree_up_to_130_entries_verifies() -> None:
    for size in range(1, 131):
        grown = Grown(size)
        assert grown.tree.root() == grown.roots[size]
        for index in range(size):
            path = grown.tree.inclusion(index, grown.tiles)
            verify_inclusion(grown.leaves[index], index, size, path, grown.roots[size])
            proof = grown.tree.consistency(index + 1, grown.tiles)
            verify_consistency(index + 1, grown.roots[index + 1], size, grown.roots[size], proof)


def test_the_empty_tree_has_the_root_of_nothing() -> None:
    assert Tree().root() == EMPTY_ROOT


def test_proofs_reach_through_stored_tiles_of_both_levels(large: Grown) -> None:
    assert set(large.stored) == {*((0, index) for index in range(WIDTH + 3)), (1, 0)}
    size, root = large.tree.size, large.tree.root()
    assert root == large.roots[size]
    picked = random.Random(1).sample(range(size), 150)
    for index in [0, WIDTH - 1, WIDTH, WIDTH**2 - 1, WIDTH**2, WIDTH**2 + 3 * WIDTH, size - 1, *picked]:
        path = large.tree.inclusion(index, large.tiles)
        verify_inclusion(large.leaves[index], index, size, path, root)
        proof = large.tree.consistency(index + 1, large.tiles)
        verify_consistency(index + 1, large.roots[index + 1], size, root, proof)


@pytest.mark.parametrize("tiles", [0, 1, 2, 3, 17, WIDTH - 1, WIDTH, WIDTH + 1, WIDTH + 3])
def test_a_tree_rebuilt_from_its_tiles_grows_and_proves_as_before(large: Grown, tiles: int) -> None:
    size = tiles * WIDTH
    tree = Tree.of_full_tiles(size, large.tiles)
    assert tree.root() == large.roots[size]
    for leaf in large.leaves[size : size + 300]:
        tree.append(leaf)
    assert tree.root() == large.roots[tree.size]
    for index in {0, tree.size // 2, tree.size - 1} if tree.size else set():
        path = tree.inclusion(index, large.tiles)
        verify_inclusion(large.leaves[index], index, tree.size, path, tree.root())


def test_a_copy_grows_alone() -> None:
    grown = Grown(10)
    copy = grown.tree.copy()
    copy.append(leaf_hash(b"more"))
    assert (copy.size, grown.tree.size, grown.tree.root()) == (11, 10, grown.roots[10])


def test_a_tile_holds_the_tree_above_its_hashes(large: Grown) -> None:
    nodes = tile_nodes(large.stored[0, 0])
    assert [len(row) for row in nodes] == [256, 128, 64, 32, 16, 8, 4, 2]
    assert node_hash(*nodes[-1]) == large.roots[WIDTH] == large.tiles(1, 0)[0][0]


@pytest.mark.parametrize("size", [0, 31, WIDTH * 32 - 1, WIDTH * 32 + 32])
def test_a_tile_of_another_size_is_damaged(size: int) -> None:
    with pytest.raises(StoreBroken):
        tile_nodes(bytes(size))
