"""A bundle verifies offline, and any tampering with it is found and placed."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import stat

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jupyter_securecollab import bundles
from jupyter_securecollab.bundles import verify_bundle
from jupyter_securecollab.errors import LogBroken, NotFound, Unavailable
from jupyter_securecollab.proofs import LogSigner, leaf_hash, open_checkpoint
from jupyter_securecollab.runs import ACT, FORGET


@pytest.fixture(scope="module")
def lines(bench, tmp_path_factory) -> list[bytes]:
    """The lines of a bundle of 300 entries: head, checkpoint over nothing, then entry and checkpoint in turn, state."""
    path = tmp_path_factory.mktemp("bundle") / "audit.jsonl"
    bench.journal().bundle(path)
    return path.read_bytes().splitlines(keepends=True)


@pytest.fixture(scope="module")
def bench(grown, tmp_path_factory, lab_class):
    lab = lab_class(tmp_path_factory.mktemp("bench"))
    lab.path.write_bytes(grown.read_bytes())
    yield lab
    lab.close()


@pytest.fixture(scope="module")
def key(bench) -> str:
    return bench.signer.log_key


def entry_at(index: int) -> int:
    """The line of an entry."""
    return 2 + 2 * index


def verify(tmp_path, lines, key, **how):
    path = tmp_path / "tampered.jsonl"
    path.write_bytes(b"".join(lines))
    return verify_bundle(path, key, **how)


def broken(tmp_path, lines, key, **how) -> LogBroken:
    with pytest.raises(LogBroken) as caught:
        verify(tmp_path, lines, key, **how)
    return caught.value


def test_a_bundle_verifies_with_nothing_but_the_public_key(tmp_path, lines, key) -> None:
    report = verify(tmp_path, lines, key, state=True)
    assert (report.size, report.checkpoints, report.rows) == (300, 301, 300)
    assert verify(tmp_path, lines, key).rows is None
    assert open_checkpoint(report.note, key).root == report.root


def test_a_bundle_is_readable_by_its_owner_alone_and_replaces_an_older_one(bench, tmp_path, key) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_text("older")
    bench.journal().bundle(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert verify_bundle(path, key).size == 300
    assert list(tmp_path.iterdir()) == [path]


def test_a_bundle_that_cannot_be_written_leaves_nothing(bench, tmp_path) -> None:
    (tmp_path / "audit.jsonl").mkdir()
    with pytest.raises(Unavailable, match="directory"):
        bench.journal().bundle(tmp_path / "audit.jsonl")
    assert [path.name for path in tmp_path.iterdir()] == ["audit.jsonl"]


def test_a_missing_bundle_is_not_found(tmp_path, key) -> None:
    with pytest.raises(NotFound):
        verify_bundle(tmp_path / "none.jsonl", key)
    with pytest.raises(NotFound):
        verify_bundle(tmp_path, key)
    with pytest.raises(Unavailable):
        bundles.write_bundle(tmp_path / "nowhere" / "audit.jsonl", "", [], key)


def test_a_foreign_reader_needs_only_json_and_sha256(lines, key) -> None:
    entries = [line for line in lines if line.startswith(b'{"index"')]
    leaves = []
    for index, line in enumerate(entries):
        said = json.loads(line)
        body = json.dumps(said["entry"], sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        assert line.endswith(b',"entry":' + body + b"}\n")
        assert said["index"] == index
        leaves.append(hashlib.sha256(b"\0" + body).digest())
        assert base64.b64decode(said["leaf"]) == leaves[-1]
    while len(leaves) > 1:  # RFC 6962 by pairing up: an odd last one moves up alone
        pairs = [leaves[i : i + 2] for i in range(0, len(leaves), 2)]
        leaves = [hashlib.sha256(b"\1" + b"".join(pair)).digest() if len(pair) == 2 else pair[0] for pair in pairs]
    assert json.loads(lines[0])["checkpoint"].split("\n")[2] == base64.b64encode(leaves[0]).decode()


def test_another_key_verifies_nothing(tmp_path, lines) -> None:
    stranger = LogSigner(Ed25519PrivateKey.from_private_bytes(b"S" * 32), "vault.example/log")
    assert "this log's key" in str(broken(tmp_path, lines, stranger.log_key))


def test_the_key_inside_a_bundle_is_not_used(tmp_path, lines, key) -> None:
    stranger = LogSigner(Ed25519PrivateKey.from_private_bytes(b"S" * 32), "vault.example/log")
    assert verify(tmp_path, [lines[0].replace(key.encode(), stranger.log_key.encode()), *lines[1:]], key).size == 300


def changed(line: bytes) -> bytes:
    return line.replace(b'"who":"alice"', b'"who":"mallo"')


def consistent(line: bytes) -> bytes:
    """An entry changed together with the leaf hash beside it."""
    said = json.loads(line)
    body = line[line.index(b'"entry":') + 8 : -2].replace(b'"who":"alice"', b'"who":"mallo"')
    leaf = base64.b64encode(leaf_hash(body)).decode()
    return b'{"index":%d,"leaf":"%b","entry":%b}\n' % (said["index"], leaf.encode(), body)


def renumbered(lines: list[bytes], removed: int) -> list[bytes]:
    kept = [json.loads(line)["index"] if line.startswith(b'{"index"') else None for line in lines]
    return [
        line
        if index is None or index < removed
        else line.replace(b'"index":%d' % index, b'"index":%d' % (index - 1), 1)
        for line, index in zip(lines, kept, strict=True)
        if index != removed
    ]


@pytest.mark.parametrize("index", [0, 1, 42, 255, 256, 299])
@pytest.mark.parametrize(
    "tamper",
    {
        "changed": lambda lines, at: [*lines[:at], changed(lines[at]), *lines[at + 1 :]],
        "changed with its hash": lambda lines, at: [*lines[:at], consistent(lines[at]), *lines[at + 1 :]],
        "other hash": lambda lines, at: [
            *lines[:at], lines[at].replace(b'"leaf":"', b'"leaf":"A').replace(b'=","e', b'","e'), *lines[at + 1 :],
        ],
        "removed": lambda lines, at: [*lines[:at], *lines[at + 1 :]],
        "removed with its checkpoint": lambda lines, at: [*lines[:at], *lines[at + 2 :]],
        "removed, others moved up": lambda lines, at: renumbered(lines, (at - 2) // 2),
        "said twice": lambda lines, at: [*lines[: at + 1], *lines[at:]],
        "no JSON": lambda lines, at: [*lines[:at], b"garbage\n", *lines[at + 1 :]],
        "empty line": lambda lines, at: [*lines[:at], b"\n", *lines[at:]],
        "endless line": lambda lines, at: [*lines[:at], b'{"index":1,' + b" " * (1 << 21) + b"}\n", *lines[at + 1 :]],
        "checkpoint extended": lambda lines, at: [
            *lines[: at + 1], lines[at + 1].replace(b"\\n\\n", b"\\nx\\n\\n"), *lines[at + 2 :],
        ],
        "checkpoint damaged": lambda lines, at: [*lines[: at + 1], lines[at + 1][:-3] + b"\n", *lines[at + 2 :]],
        "cut before": lambda lines, at: lines[:at],
        "cut within": lambda lines, at: [*lines[:at], lines[at][:50]],
    }.items(),
    ids=lambda case: case[0] if isinstance(case, tuple) else str(case),
)  # fmt: skip
def test_tampering_is_placed_at_its_first_bad_entry(tmp_path, lines, key, tamper, index) -> None:
    name, how = tamper
    expected = index + 1 if name == "said twice" else index
    assert broken(tmp_path, how(lines, entry_at(index)), key).index == expected


@pytest.mark.parametrize("index", [0, 41, 255, 298])
def test_swapped_entries_are_placed(tmp_path, lines, key, index) -> None:
    one, other = entry_at(index), entry_at(index + 1)
    swapped = list(lines)
    swapped[one], swapped[other] = lines[other], lines[one]
    assert broken(tmp_path, swapped, key).index == index


def test_dropped_inner_checkpoints_only_widen_the_place(tmp_path, lines, key) -> None:
    thin = [line for at, line in enumerate(lines) if not line.startswith(b'{"checkpoint"') or at % 100 == 1]
    assert verify(tmp_path, thin, key).checkpoints == 7
    at = next(at for at, line in enumerate(thin) if line.startswith(b'{"index":120,'))
    caught = broken(tmp_path, [*thin[:at], consistent(thin[at]), *thin[at + 1 :]], key)
    assert caught.index == 100
    assert "100 to 149" in str(caught)


def test_the_newest_checkpoint_cannot_be_dropped(tmp_path, lines, key) -> None:
    last = entry_at(299) + 1
    assert broken(tmp_path, [*lines[:last], *lines[last + 1 :]], key).index == 299
    older = json.dumps({**json.loads(lines[0]), "checkpoint": json.loads(lines[entry_at(99) + 1])["checkpoint"]}) + "\n"
    assert broken(tmp_path, [older.encode(), *lines[1:]], key).index == 100


def test_an_older_bundle_is_whole_but_an_outside_checkpoint_sees_it_is_cut(tmp_path, lines, key) -> None:
    last = entry_at(99) + 1
    older = json.dumps({**json.loads(lines[0]), "checkpoint": json.loads(lines[last])["checkpoint"]}) + "\n"
    cut = [older.encode(), *lines[1 : last + 1]]
    assert verify(tmp_path, cut, key).size == 100
    outside = json.loads(lines[0])["checkpoint"]
    assert broken(tmp_path, cut, key, trusted=[outside]).index == 100


@pytest.mark.parametrize(
    "head",
    [b"", b"\n", b"{}\n", b"[]\n", b"\xff\n",
     b'{"format":"jupyter_securecollab audit bundle 2","log_key":"","checkpoint":""}\n',
     b'{"format":"jupyter_securecollab audit bundle 1","log_key":"","checkpoint":""}\n'],
)  # fmt: skip
def test_what_is_no_bundle_is_refused(tmp_path, lines, key, head) -> None:
    broken(tmp_path, [head, *lines[1:]], key)


@pytest.mark.parametrize(
    ("tamper", "words"),
    [
        (lambda state: [*state, state[0].replace(b'"id":"g0"', b'"id":"mine"')], "id=mine"),
        (lambda state: [*state, state[0]], "never recorded"),
        (lambda state: [state[0].replace(b"internal", b"secret"), *state[1:]], "not as entry 0"),
        (lambda state: state[1:], "id=g0"),
        (lambda state: [], "is gone"),
    ],
)
def test_a_tampered_state_is_found_by_the_replay(tmp_path, lines, key, tamper, words) -> None:
    at = entry_at(300)
    assert all(line.startswith(b'{"table":"grant"') for line in lines[at:])
    tampered = [*lines[:at], *tamper(lines[at:])]
    assert verify(tmp_path, tampered, key).size == 300
    assert words in str(broken(tmp_path, tampered, key, state=True))


def test_entries_after_the_state_are_not_overlooked(tmp_path, lines, key) -> None:
    broken(tmp_path, [*lines, lines[entry_at(3)]], key, state=True)


def test_a_damaged_row_of_the_state_is_named_by_its_line(tmp_path, lines, key) -> None:
    at = entry_at(300)
    damaged = [*lines[:at], b'{"table":1}\n', *lines[at + 1 :]]
    assert f"line {at + 1} " in str(broken(tmp_path, damaged, key, state=True))


def test_a_body_past_the_limit_of_entries_is_refused(tmp_path, key, bench) -> None:
    body = b'{"act":"' + b"x" * 65_530 + b'"}'
    note = bench.signer.sign_checkpoint(1, leaf_hash(body))
    path = tmp_path / "long.jsonl"
    bundles.write_bundle(path, note, [bundles.LoggedEntry(0, leaf_hash(body), body), note], key)
    with pytest.raises(LogBroken) as caught:
        verify_bundle(path, key)
    assert caught.value.index == 0


def test_no_flipped_byte_goes_unseen(tmp_path, lines, key) -> None:
    whole = b"".join(lines)
    hint = (whole.index(b'"log_key":"') + 11, whole.index(b'","checkpoint"'))
    chance = random.Random(3)
    path = tmp_path / "flipped.jsonl"
    for place in [*range(0, len(lines[0]), 17), *(chance.randrange(len(whole)) for _ in range(40))]:
        if hint[0] <= place < hint[1]:
            continue
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << chance.randrange(8)]) + whole[place + 1 :])
        with pytest.raises(LogBroken):
            verify_bundle(path, key, state=True)


NESTED = b'{"a":%b}' % (b"[" * 30_000 + b"]" * 30_000)
HOSTILE = {
    "records that do not count": (ACT.encode(), b'{"first":"a","count":1,"root":"x"}'),
    "records of no number": (ACT.encode(), b'{"first":1,"count":null,"root":"x"}'),
    "records forgotten up to a text": (FORGET.encode(), b'{"records":"a"}'),
    "nested without end": (b"open", NESTED),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_entries_of_absurd_detail_are_refused_as_others_are(tmp_path, lines, key, what) -> None:
    """What is in an entry is looked at before the signature over it."""
    act, detail = HOSTILE[what]
    body = b'{"v":1,"at":"2026-01-01T00:00:00Z","act":"%b","who":"a","via":"kernel","detail":%b}' % (act, detail)
    leaf = base64.b64encode(leaf_hash(body))
    hostile = b'{"index":0,"leaf":"%b","entry":%b}\n' % (leaf, body)
    error = broken(tmp_path, [*lines[: entry_at(0)], hostile, *lines[entry_at(0) + 1 :]], key, state=True)
    assert error.index == 0


def test_a_row_nested_without_end_is_a_damaged_line(tmp_path, lines, key) -> None:
    assert "line 3" in str(
        broken(tmp_path, [*lines[:2], b'{"table":"t","key":%b,"row":{}}\n' % NESTED], key, state=True)
    )
