"""Proofs, notes and receipts against the published texts, with a counterexample for every rule."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_securecollab.errors import InvalidName, LogBroken
from jupyter_securecollab.model import Receipt
from jupyter_securecollab.proofs import (
    EMPTY_ROOT,
    Frontier,
    LogSigner,
    leaf_hash,
    node_hash,
    open_checkpoint,
    parse_entry,
    read_tlog_proof,
    verify_consistency,
    verify_inclusion,
    verify_receipt,
    write_tlog_proof,
)

# The eight leaves and nine roots that implementations of RFC 6962 have in common.
KNOWN_LEAVES = [
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
]  # fmt: skip
KNOWN_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
MOST = 130


# RFC 6962, 2.1, written down again as the recursion of the text.
def rfc_root(leaves: Sequence[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = rfc_split(len(leaves))
    return hashlib.sha256(b"\x01" + rfc_root(leaves[:split]) + rfc_root(leaves[split:])).digest()


def rfc_split(count: int) -> int:
    split = 1
    while split * 2 < count:
        split *= 2
    return split


def rfc_path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    split = rfc_split(len(leaves))
    if index < split:
        return [*rfc_path(index, leaves[:split]), rfc_root(leaves[split:])]
    return [*rfc_path(index - split, leaves[split:]), rfc_root(leaves[:split])]


def rfc_proof(old: int, leaves: Sequence[bytes], whole: bool = True) -> list[bytes]:
    if old == len(leaves):
        return [] if whole else [rfc_root(leaves)]
    split = rfc_split(len(leaves))
    if old <= split:
        return [*rfc_proof(old, leaves[:split], whole), rfc_root(leaves[split:])]
    return [*rfc_proof(old - split, leaves[split:], False), rfc_root(leaves[:split])]


LEAVES = [leaf_hash(b"entry %d" % i) for i in range(MOST)]
ROOTS = [rfc_root(LEAVES[:size]) for size in range(MOST + 1)]


@pytest.fixture(scope="module")
def signer() -> LogSigner:
    return LogSigner(Ed25519PrivateKey.from_private_bytes(bytes(range(32))), "vault.example/log")


@pytest.fixture
def receipt(signer: LogSigner) -> Receipt:
    body = b'{"act":"open","at":"2026-01-02T03:04:05Z","v":1,"via":"cli","who":"bob"}'
    leaves = [*LEAVES[:5], leaf_hash(body), *LEAVES[6:11]]
    note = signer.sign_checkpoint(11, rfc_root(leaves))
    return Receipt(index=5, entry=body, path=tuple(rfc_path(5, leaves)), checkpoint=note)


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_rfc_6962(size: int) -> None:
    tree = Frontier()
    for leaf in KNOWN_LEAVES[:size]:
        tree.append(leaf_hash(bytes.fromhex(leaf)))
    assert tree.root().hex() == KNOWN_ROOTS[size]


def test_leaves_and_nodes_hash_apart() -> None:
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    assert node_hash(left, right) != leaf_hash(left + right)


def test_the_streaming_root_equals_the_recursion_at_every_size() -> None:
    tree = Frontier()
    for size, leaf in enumerate(LEAVES):
        assert tree.root() == ROOTS[size]
        tree.append(leaf)
    assert tree.root() == ROOTS[MOST]


def test_every_inclusion_proof_up_to_130_entries_verifies() -> None:
    for size in range(1, MOST + 1):
        for index in range(size):
            verify_inclusion(LEAVES[index], index, size, rfc_path(index, LEAVES[:size]), ROOTS[size])


def test_every_consistency_proof_up_to_130_entries_verifies() -> None:
    for size in range(1, MOST + 1):
        for old in range(1, size + 1):
            verify_consistency(old, ROOTS[old], size, ROOTS[size], rfc_proof(old, LEAVES[:size]))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 64, 100])
def test_an_inclusion_proof_fits_only_its_entry_place_tree_and_path(size: int) -> None:
    for index in {0, size // 2, size - 1}:
        path = rfc_path(index, LEAVES[:size])
        forged = [
            (leaf_hash(b"x"), index, size, path, ROOTS[size]),
            (LEAVES[index], index, size, path, ROOTS[size + 1]),
            (LEAVES[index], index, size, [*path, LEAVES[0]], ROOTS[size]),
            (LEAVES[index], -1, size, path, ROOTS[size]),
            (LEAVES[index], size, size, path, ROOTS[size]),
            (LEAVES[index], 0, 0, [], EMPTY_ROOT),
            *((LEAVES[index], other, size, path, ROOTS[size]) for other in range(size) if other != index),
            *(
                (LEAVES[index], index, size, [*path[:i], b"\0" * 32, *path[i + 1 :]], ROOTS[size])
                for i in range(len(path))
            ),
            *((LEAVES[index], index, size, path[:i], ROOTS[size]) for i in range(len(path))),
        ]
        for leaf, place, count, nodes, root in forged:
            with pytest.raises(LogBroken):
                verify_inclusion(leaf, place, count, nodes, root)


@pytest.mark.parametrize(("old", "size"), [(1, 2), (2, 3), (3, 7), (4, 8), (6, 8), (64, 100), (65, 100), (99, 100)])
def test_a_consistency_proof_fits_only_its_sizes_roots_and_path(old: int, size: int) -> None:
    proof = rfc_proof(old, LEAVES[:size])
    forged = [
        (0, EMPTY_ROOT, size, ROOTS[size], proof),
        (0, EMPTY_ROOT, size, ROOTS[size], []),
        (old, ROOTS[old + 1], size, ROOTS[size], proof),
        (old, ROOTS[old], size, ROOTS[size + 1], proof),
        (old, ROOTS[old], size, ROOTS[size], []),
        (old, ROOTS[old], size, ROOTS[size], [*proof, LEAVES[0]]),
        (old, ROOTS[old], size, ROOTS[size], [*proof, b"short"]),
        (old, ROOTS[old], size, ROOTS[size], [LEAVES[0]] * 65),
        (size, ROOTS[size], old, ROOTS[old], proof),
        (size + 1, ROOTS[size + 1], size, ROOTS[size], proof),
        (-1, ROOTS[old], size, ROOTS[size], proof),
        *((old, ROOTS[old], size, ROOTS[size], [*proof[:i], b"\0" * 32, *proof[i + 1 :]]) for i in range(len(proof))),
        *((old, ROOTS[old], size, ROOTS[size], proof[:i]) for i in range(len(proof))),
    ]
    for arguments in forged:
        with pytest.raises(LogBroken):
            verify_consistency(*arguments)


def test_two_logs_of_one_size_are_a_fork() -> None:
    verify_consistency(5, ROOTS[5], 5, ROOTS[5], [])
    with pytest.raises(LogBroken, match="forked"):
        verify_consistency(5, ROOTS[5], 5, ROOTS[6], [])
    with pytest.raises(LogBroken):
        verify_consistency(5, ROOTS[5], 5, ROOTS[5], [LEAVES[0]])


def foreign_open(note: str, verifier_key: str) -> tuple[str, int, bytes]:
    """A checkpoint opened from the texts of signed-note and tlog-checkpoint alone."""
    name, key_id, encoded = verifier_key.split("+", 2)
    kind_and_key = base64.b64decode(encoded)
    assert kind_and_key[0] == 1, "Ed25519"
    assert hashlib.sha256(name.encode() + b"\n" + kind_and_key).hexdigest()[:8] == key_id
    text, signatures = note[: note.rindex("\n\n") + 1], note[note.rindex("\n\n") + 2 :]
    verified = 0
    for line in signatures.splitlines():
        dash, signer, signature = line.split(" ")
        assert dash == "\u2014"
        raw = base64.b64decode(signature)
        if signer == name and raw[:4].hex() == key_id:
            Ed25519PublicKey.from_public_bytes(kind_and_key[1:]).verify(raw[4:], text.encode())
            verified += 1
    assert verified == 1
    origin, size, root, *extensions = text.splitlines()
    assert not extensions
    return origin, int(size), base64.b64decode(root)


def test_a_foreign_verifier_opens_our_checkpoint(signer: LogSigner) -> None:
    note = signer.sign_checkpoint(77, ROOTS[77])
    assert foreign_open(note, signer.log_key) == ("vault.example/log", 77, ROOTS[77])
    ours = open_checkpoint(note, signer.log_key)
    assert (ours.origin, ours.size, ours.root) == foreign_open(note, signer.log_key)


def test_the_published_example_of_a_signed_note_verifies() -> None:
    # Name and key of the example in golang.org/x/mod/sumdb/note, the origin of the format.
    verifier = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    note = (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n"
        "\n"
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    )
    with pytest.raises(LogBroken, match="not a checkpoint"):  # its signature is good, its text is no tree head
        open_checkpoint(note, verifier)
    with pytest.raises(LogBroken, match="not signed by this log"):
        open_checkpoint(note.replace("answer", "anwser"), verifier)


def test_signatures_of_others_are_ignored_but_never_suffice(signer: LogSigner) -> None:
    note = signer.sign_checkpoint(8, ROOTS[8])
    witness = LogSigner(Ed25519PrivateKey.from_private_bytes(b"w" * 32), "witness.example")
    namesake = LogSigner(Ed25519PrivateKey.from_private_bytes(b"n" * 32), signer.name)
    theirs = witness.sign_checkpoint(8, ROOTS[8]).partition("\n\n")[2]
    other = namesake.sign_checkpoint(8, ROOTS[8]).partition("\n\n")[2]
    assert open_checkpoint(note + theirs + other, signer.log_key).size == 8
    text, blank, ours = note.partition("\n\n")
    assert open_checkpoint(text + blank + theirs + ours, signer.log_key).size == 8
    for signatures in (theirs, other):
        with pytest.raises(LogBroken):
            open_checkpoint(text + blank + signatures, signer.log_key)


def test_extension_lines_are_signed_and_ignored(signer: LogSigner) -> None:
    def signed(text: str) -> str:
        key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
        key_id = bytes.fromhex(signer.log_key.split("+")[1])
        return f"{text}\n— {signer.name} {base64.b64encode(key_id + key.sign(text.encode())).decode()}\n"

    root = base64.b64encode(ROOTS[3]).decode()
    assert open_checkpoint(signed(f"{signer.name}\n3\n{root}\nextension\n"), signer.log_key).size == 3
    for text in (
        f"{signer.name}\n3\n",
        f"{signer.name}\n03\n{root}\n",
        f"{signer.name}\n-3\n{root}\n",
        f"{signer.name}\n٣\n{root}\n",
        f"{signer.name}\n{10**18}\n{root}\n",
        f"other.example\n3\n{root}\n",
        f"{signer.name}\n3\n{root[:-4]}\n",
        f"{signer.name}\n3\n{root}x\n",
        f"{signer.name}\n3\n{root}\n\nextension\n",
    ):
        with pytest.raises(LogBroken):
            open_checkpoint(signed(text), signer.log_key)


@pytest.mark.parametrize(
    "damage",
    [
        lambda note: note.replace("\n8\n", "\n9\n"),
        lambda note: note[:-1],
        lambda note: note + "x",
        lambda note: note.replace("\n\n", "\n"),
        lambda note: note.replace("— ", "- "),
        lambda note: note.replace("\n", "\r\n"),
        lambda note: note.replace("—", "—\x00"),
        lambda note: "\ud800" + note,
        lambda note: note + "—  \n",
        lambda note: note[:-20] + "!!!" + note[-17:],
        lambda note: note[:-3] + chr(ord(note[-3]) ^ 1) + note[-2:],
        lambda note: note * 400,
        lambda note: "",
    ],
)  # fmt: skip
def test_a_changed_checkpoint_does_not_open(signer: LogSigner, damage) -> None:  # type: ignore[no-untyped-def]  # a table of lambdas
    with pytest.raises(LogBroken):
        open_checkpoint(damage(signer.sign_checkpoint(8, ROOTS[8])), signer.log_key)


def test_a_damaged_log_key_opens_nothing(signer: LogSigner) -> None:
    note = signer.sign_checkpoint(8, ROOTS[8])
    name, key_id, key = signer.log_key.split("+", 2)
    strange = base64.b64encode(b"\x06" + bytes(32)).decode()
    strange_id = hashlib.sha256(name.encode() + b"\n\x06" + bytes(32)).hexdigest()[:8]
    assert open_checkpoint(note, f" {signer.log_key}\n").size == 8
    for wrong in ("", name, f"{name}+{key_id}", f"{name}+00000000+{key}", f"x{signer.log_key}", f"{name}+{key_id}+AQ==",
                  f"{name}+{strange_id}+{strange}"):  # fmt: skip
        with pytest.raises(LogBroken):
            open_checkpoint(note, wrong)


@pytest.mark.parametrize("name", ["", "two words", "a+b", "tab\there", "line\nbreak", "thin\u2009space"])
def test_a_log_cannot_have_a_name_that_notes_cannot_hold(name: str) -> None:
    with pytest.raises(InvalidName):
        LogSigner(Ed25519PrivateKey.generate(), name)


def test_a_receipt_proves_its_entry(signer: LogSigner, receipt: Receipt) -> None:
    proven = verify_receipt(receipt, signer.log_key)
    assert (proven.index, proven.entry.act, proven.entry.who, proven.checkpoint.size) == (5, "open", "bob", 11)


def test_a_receipt_for_something_else_proves_nothing(signer: LogSigner, receipt: Receipt) -> None:
    stranger = LogSigner(Ed25519PrivateKey.from_private_bytes(b"s" * 32), signer.name)
    for changes in (
        {"entry": receipt.entry.replace(b"bob", b"eve")},
        {"index": 4},
        {"index": 11},
        {"path": receipt.path[:-1]},
        {"path": (*receipt.path[:-1], LEAVES[0])},
        {"checkpoint": signer.sign_checkpoint(11, ROOTS[11])},
        {"checkpoint": stranger.sign_checkpoint(11, open_checkpoint(receipt.checkpoint, signer.log_key).root)},
    ):
        with pytest.raises(LogBroken):
            verify_receipt(msgspec.structs.replace(receipt, **changes), signer.log_key)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[1]", b"not json", b"\xff", b'{"v":1,"at":"yesterday","act":"a","who":"b"}']
)
def test_what_is_no_entry_is_not_read_as_one(body: bytes) -> None:
    with pytest.raises(LogBroken):
        parse_entry(body)


def test_a_later_version_may_say_more() -> None:
    assert parse_entry(b'{"v":1,"at":"2026-01-02T03:04:05Z","act":"a","who":"b","via":"cli","new":1}').act == "a"


def test_a_receipt_travels_as_a_tlog_proof(signer: LogSigner, receipt: Receipt) -> None:
    text = write_tlog_proof(receipt)
    lines = text.split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    assert lines[1] == "extra " + base64.b64encode(receipt.entry).decode()
    assert lines[2] == "index 5"
    assert [base64.b64decode(line) for line in lines[3 : lines.index("")]] == list(receipt.path)
    assert text.endswith("\n\n" + receipt.checkpoint)
    assert read_tlog_proof(text) == receipt


def test_a_tlog_proof_of_a_log_of_one_entry_has_no_path(signer: LogSigner) -> None:
    only = Receipt(index=0, entry=b"x", path=(), checkpoint=signer.sign_checkpoint(1, leaf_hash(b"x")))
    assert read_tlog_proof(write_tlog_proof(only)) == only


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text.replace("@v1", "@v2"),
        lambda text: text.replace("extra ", "extras "),
        lambda text: "\n".join(line for line in text.split("\n") if not line.startswith("extra ")),
        lambda text: text.replace("index 5", "index 05"),
        lambda text: text.replace("index 5", "index -5"),
        lambda text: text.replace("index 5\n", ""),
        lambda text: text.replace("\n\n", "\n"),
        lambda text: text.replace("=\n", "!\n", 1),
        lambda text: text + "x" * 300_000,
    ],
)
def test_a_damaged_tlog_proof_is_refused(receipt: Receipt, damage) -> None:  # type: ignore[no-untyped-def]  # a table of lambdas
    with pytest.raises(LogBroken):
        read_tlog_proof(damage(write_tlog_proof(receipt)))


def test_base64_has_one_spelling(receipt: Receipt) -> None:
    text = write_tlog_proof(msgspec.structs.replace(receipt, entry=b"a"))
    assert "extra YQ==" in text
    with pytest.raises(LogBroken):
        read_tlog_proof(text.replace("extra YQ==", "extra YR=="))


@settings(max_examples=50, deadline=None)
@given(st.text())
def test_no_text_breaks_the_readers(text: str) -> None:
    signer = LogSigner(Ed25519PrivateKey.from_private_bytes(bytes(range(32))), "vault.example/log")
    for read in (
        lambda: open_checkpoint(text, signer.log_key),
        lambda: read_tlog_proof(text),
        lambda: open_checkpoint("", text),
    ):
        with pytest.raises(LogBroken):
            read()
