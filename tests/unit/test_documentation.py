"""The documentation is true: blocks run, names exist, a stranger can read the formats."""

import argparse
import contextlib
import doctest
import hashlib
import io
import json
import os
import re
import socket
import struct
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest
from Crypto.Hash import keccak

import zkinfer as zk
import zkinfer_core as core
from zkinfer._cli._parser import build_parser
from zkinfer._errors import error_classes
from zkinfer._ezkl._backend import EzklBackend
from zkinfer._srs import unsafe_test_points
from zkinfer_contracts import CEREMONIES, Node, NodeUnreachable, context_limbs, proof_length
from zkinfer_models import model

ROOT = Path(__file__).parents[2]
ANVILS = ROOT / "verifier_contracts" / "node_modules" / "@foundry-rs"
SOLC = ROOT / "verifier_contracts" / "solc"
FORMATS = ROOT / "docs" / "formats.md"
PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
_FENCE = re.compile(r"^(<!-- output -->\n)?```(\w*)\n(.*?)^```$", re.M | re.S)
_OUTPUT = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def name(page):
    return str(page.relative_to(ROOT))


class Block(NamedTuple):
    """A fenced block: its language, its text, its first line, and whether it shows output."""

    language: str
    text: str
    line: int
    is_output: bool


def blocks(page):
    text = page.read_text()
    return [
        Block(match[2], match[3], text.count("\n", 0, match.start(3)) + 1, bool(match[1]))
        for match in _FENCE.finditer(text)
    ]


def without_blocks(page):
    return _FENCE.sub("", page.read_text())


@contextlib.contextmanager
def anvil():
    """Run a node; yield its URL."""
    found = sorted(ANVILS.glob("anvil-*/bin/anvil*"))
    if not found:
        pytest.fail("no anvil below verifier_contracts/node_modules: run make setup")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    node = subprocess.Popen(
        [str(found[0]), "--silent", "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                Node(url)
                break
            except NodeUnreachable:
                if node.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        yield url
    finally:
        node.kill()
        node.wait()


def run_python(block, page, namespace):
    # Empty lines in front, so that a traceback names the page's own line.
    code = compile("\n" * (block.line - 1) + block.text, str(page), "exec")
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        exec(code, namespace)
    return shown.getvalue()


def run_shell(block, page):
    environment = {**os.environ, "COLUMNS": "500", "FOUNDRY_SOLC": str(SOLC)}
    folders = [Path(sys.executable).parent, *ANVILS.glob("forge-*/bin")]
    environment["PATH"] = os.pathsep.join([*map(str, folders), environment["PATH"]])
    done = subprocess.run(
        ["bash", "-c", "set -euo pipefail\n" + block.text],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{name(page)}:{block.line}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize(
    "page", [p for p in PAGES if {b.language for b in blocks(p)} & {"python", "sh"}], ids=name
)
def test_blocks_run_and_print_what_is_shown(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "__main__"}
    printed = None
    with contextlib.ExitStack() as stack:
        if "$RPC" in page.read_text():
            monkeypatch.setenv("RPC", stack.enter_context(anvil()))
        for block in blocks(page):
            where = f"{name(page)}:{block.line}"
            if block.is_output:
                assert printed is not None, f"{where} shows the output of no block"
                same = doctest.OutputChecker().check_output(block.text, printed, _OUTPUT)
                assert same, f"{where} shows\n{block.text}\nbut it prints\n{printed}"
                printed = None
            elif block.language == "python":
                printed = run_python(block, page, namespace)
            elif block.language == "sh":
                printed = run_shell(block, page)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_fence_is_of_a_known_kind(page):
    """A block that nobody runs is one that says it is text."""
    for block in blocks(page):
        assert block.language in ("python", "sh", "text"), f"{name(page)}:{block.line}"
        assert not block.is_output or block.language == "text"
    assert "```" not in without_blocks(page), f"{name(page)} has an unclosed fence"


def anchors(page):
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", without_blocks(page), re.M)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", without_blocks(page)):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.is_file(), f"{name(page)}: {target}"
        if anchor:
            assert anchor in anchors(there), f"{name(page)}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_codes_and_names_of_errors_exist(page):
    text = page.read_text()
    assert set(re.findall(r"\bZK\d+\b", text)) <= set(error_classes())
    rows = re.findall(r"^\| (ZK\d+) \| .* \|$", text, re.M)
    assert rows == sorted(rows)


def subparsers(parser):
    found = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found.update(action.choices)
    return found


def mentioned_commands(page):
    """Yield the words of each zkinfer command on a page, in blocks and in the text."""
    for block in blocks(page):
        if block.language != "python" and not block.is_output:
            for line in block.text.replace("\\\n", " ").splitlines():
                yield from re.findall(r"(?:^|\()zkinfer (.+)", line.split("#")[0])
    yield from re.findall(r"`zkinfer ([a-z][^`]*)`", without_blocks(page))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_and_their_options_exist(page):
    for command in mentioned_commands(page):
        parser = build_parser()
        for word in command.split():
            if word in subparsers(parser):
                parser = subparsers(parser)[word]
            elif word.startswith("-"):
                assert word in parser._option_string_actions, f"{name(page)}: zkinfer {command}"
            assert parser.prog != "zkinfer", f"{name(page)}: zkinfer {command}"


def test_make_targets_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    for page in PAGES:
        lines = [line for b in blocks(page) for line in b.text.splitlines()]
        named = {m[1] for line in lines if (m := re.match(r"make ([a-z-]+)", line))}
        named |= set(re.findall(r"`make ([a-z-]+)`", page.read_text()))
        assert named <= targets, name(page)
    assert {"demo", "test"} <= targets


def test_the_readme_names_the_wheel_that_is_built():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    text = (ROOT / "README.md").read_text()
    assert f"dist/{project['name']}-{project['version']}-py3-none-any.whl[ezkl,chain]" in text
    assert {"ezkl", "chain", "torch"} <= project["optional-dependencies"].keys()


def test_every_page_is_reached_from_the_readme():
    linked = set(re.findall(r"\]\(([^)#\s]+)", (ROOT / "README.md").read_text()))
    assert {name(page) for page in PAGES[1:]} <= linked


def test_the_quickstart_names_the_rejections_of_a_proof():
    """Each code with exit status 1 is in the table, the base class aside."""
    text = (ROOT / "docs" / "quickstart.md").read_text()
    rejections = {code for code, cls in error_classes().items() if cls.exit_status == 1}
    assert rejections - {"ZK410"} == set(re.findall(r"^\| (ZK41\d) \|", text, re.M))


# A reader of the files, written from docs/formats.md alone: nothing of zkinfer is used here.

R = 21888242871839275222246405745257275088548364400416034343698204186575808495617
SECTIONS = {
    b"CIRC": [(b"STAT", 64 << 10), (b"ONNX", 1 << 30), (b"BSET", 1 << 20), (b"CALI", 1 << 20)],
    b"VKEY": [
        (b"STAT", 64 << 10),
        (b"BSET", 1 << 20),
        (b"BKEY", 16 << 20),
        (b"BEVM", 1 << 20),
        (b"SRSP", 192),
    ],
    b"PKEY": [(b"VKEY", 32 << 20), (b"ONNX", 1 << 30), (b"BPRV", 64 << 30)],
    b"PROO": [(b"CIRC", 32), (b"CTXT", 32), (b"PUBL", 1 << 20), (b"PROF", 1 << 20)],
}


def keccak256(data):
    return keccak.new(digest_bits=256, data=data).digest()


def read_container(data):
    magic, kind, version, count = struct.unpack_from("<8s4sHH", data)
    assert magic == bytes.fromhex("5a4b494e46455200")
    assert version == 1
    assert count == len(SECTIONS[kind])
    offset, found = 16 + 12 * count, {}
    for index, (expected, limit) in enumerate(SECTIONS[kind]):
        tag, length = struct.unpack_from("<4sQ", data, 16 + 12 * index)
        assert tag == expected
        assert length <= limit
        found[tag] = data[offset : offset + length]
        offset += length
    assert len(data) == offset + 32
    assert hashlib.sha256(data[:offset]).digest() == data[offset:]
    return kind, found


def read_statement(data):
    fields = json.loads(data)
    again = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    assert again.encode() == data
    count = 1
    for n in fields["output_shape"]:
        count *= n
    assert fields["inputs"] == "hidden"
    return fields, count


def words_of(bevm):
    count = int.from_bytes(bevm[:8], "little")
    assert len(bevm) == 8 + 32 * count
    return [int.from_bytes(bevm[i : i + 32], "big") for i in range(8, len(bevm), 32)]


def length_of_proofs(words):
    n = words[33] & 0xFF
    length = 32 * words[3] + 128
    for entries in (words[33] >> 8, *words[34 : 33 + n]):
        rest = entries
        while rest:
            length += rest & 0xFFFF
            rest >>= 24
    return length


def documented_ceremonies():
    page = FORMATS.read_text()
    return {
        m[1]: bytes.fromhex(m[2]) for m in re.finditer(r"\| `(.+)` \| `([0-9a-f]{64})` \|", page)
    }


def example_statement(backend):
    examples = re.findall(r"^\{\"backend\".*?\}$", FORMATS.read_text(), re.M | re.S)
    read = [read_statement(example.replace("\n", "").encode())[0] for example in examples]
    assert [fields["backend"] for fields in read] == ["ezkl", "plumb"]
    (fields,) = (fields for fields in read if fields["backend"] == backend)
    assert re.fullmatch("[0-9a-f]{64}", fields["settings"])
    return fields


def test_the_ceremonies_are_those_of_the_code():
    assert documented_ceremonies() == dict(CEREMONIES)
    assert f"`{unsafe_test_points().id.hex()}`" in FORMATS.read_text()


def test_a_stranger_reads_a_key_and_a_bundle(breast_cancer):
    kind, key = read_container(breast_cancer.vk.to_bytes())
    assert kind == b"VKEY"
    fields, count = read_statement(key[b"STAT"])
    assert fields["settings"] == keccak256(key[b"BSET"]).hex()
    example = example_statement("ezkl")
    assert example == {**fields, "settings": example["settings"]}

    key_digest = keccak256(
        keccak256(b"zkinfer.ezkl.key.v1")
        + keccak256(key[b"STAT"])
        + keccak256(key[b"BSET"])
        + keccak256(key[b"BKEY"])
    )
    assert len(key[b"SRSP"]) == 192
    srs_id = keccak256(key[b"SRSP"])
    digest = keccak256(
        keccak256(b"zkinfer.ezkl.circuit.v1")
        + key_digest
        + keccak256(key[b"BEVM"][8:])
        + srs_id
        + count.to_bytes(32, "big")
    )
    known = srs_id in documented_ceremonies().values()
    circuit_id = digest if known else b"unsafe" + digest[:26]
    assert circuit_id == bytes(breast_cancer.vk.circuit_id)

    kind, bundle = read_container(breast_cancer.bundle.to_bytes())
    assert kind == b"PROO"
    assert bundle[b"CIRC"] == circuit_id
    assert bundle[b"CTXT"] == breast_cancer.bundle.context
    raw = [bundle[b"PUBL"][i : i + 32] for i in range(0, len(bundle[b"PUBL"]), 32)]
    elements = [int.from_bytes(value, "big") for value in raw]
    assert len(elements) == count
    assert all(e < R for e in elements)
    integers = [e if e <= (R - 1) // 2 else e - R for e in elements]
    reals = [n / 2 ** fields["output_scale_bits"] for n in integers]
    assert reals == breast_cancer.bundle.outputs.reshape(-1).tolist()

    words = words_of(key[b"BEVM"])
    assert words[2] == count + 11
    assert words[10] == 0
    assert len(bundle[b"PROF"]) == length_of_proofs(words) == proof_length(key[b"BEVM"])

    bound = int.from_bytes(keccak256(circuit_id + bundle[b"CTXT"]), "big")
    limbs = tuple(bound // 2 ** (24 * i) % 2**24 for i in range(11))
    assert limbs == context_limbs(circuit_id, bundle[b"CTXT"])


class Reader:
    """Takes fields off the front of Plumb's keys."""

    def __init__(self, data):
        self.data = data

    def take(self, n):
        assert len(self.data) >= n
        found, self.data = self.data[:n], self.data[n:]
        return found

    def integer(self, n):
        return int.from_bytes(self.take(n), "big")


def read_plumb_key(data, chunks):
    key = Reader(data)
    assert key.take(4) == b"PLVK"
    assert key.integer(2) == 1
    points = key.take(192)
    descriptor = key.take(key.integer(4))
    return points, descriptor, key.take(64 * chunks), key.data


def words_of_plumb_proof(layout):
    c, ranges, pairs = layout["log_rows"], layout["range_columns"], layout["pairs"]
    h = layout["chunks"].bit_length()  # indices 0 to chunks
    columns = ranges + 2 * pairs + 1 + -(-(ranges + pairs) // 2) + 1
    return 2 * (columns + 2) + 2 * h + 4 * c + 2 * c + columns + 4 + 21


@pytest.mark.parametrize("weights", ["hidden", "public"])
def test_a_stranger_reads_a_key_and_a_bundle_of_plumb(weights, tmp_path):
    card = model("breast-cancer")
    samples = card.samples()
    circuit = zk.compile(
        card.onnx_path,
        calibration=samples.calibration,
        inputs="hidden",
        weights=weights,
        outputs="public",
        backend="plumb",
    )
    pk, vk = zk.setup(circuit, srs=zk.unsafe_test_srs())
    made = zk.prove(pk, samples.x[0], context=bytes(range(32)))

    _, key = read_container(vk.to_bytes())
    fields, count = read_statement(key[b"STAT"])
    if weights == "hidden":
        example = example_statement("plumb")
        assert example == {**fields, "settings": example["settings"]}
    settings = json.loads(key[b"BSET"])
    assert fields["settings"] == keccak256(key[b"BSET"]).hex()
    assert settings.keys() == {"descriptor", "weights", "input_order", "output_order"}
    assert (settings["weights"] is None) == (fields["model"] == "0" * 64) == (weights == "hidden")
    assert key[b"BEVM"] == b""

    layout = head_of_descriptor(read_plumb_key(key[b"BKEY"], 0)[1])
    points, descriptor, commitments, registration = read_plumb_key(key[b"BKEY"], layout["chunks"])
    assert points == key[b"SRSP"]
    assert settings["descriptor"] == keccak256(descriptor).hex()
    assert bool(registration) == (weights == "hidden")
    label = b"plumb-circuit-v1".ljust(32, b"\0")
    core_id = keccak256(label + keccak256(points) + keccak256(descriptor) + commitments)
    digest = keccak256(
        keccak256(b"zkinfer.plumb.circuit.v1")
        + keccak256(key[b"STAT"])
        + keccak256(key[b"BSET"])
        + keccak256(core_id)
    )
    assert b"unsafe" + digest[:26] == bytes(vk.circuit_id)

    _, bundle = read_container(made.to_bytes())
    raw = [bundle[b"PUBL"][i : i + 32] for i in range(0, len(bundle[b"PUBL"]), 32)]
    elements = [int.from_bytes(value, "big") for value in raw]
    assert len(elements) == count
    integers = [e if e <= (R - 1) // 2 else e - R for e in elements]
    assert [n * fields["output_scales"][0] for n in integers] == made.outputs.reshape(-1).tolist()
    assert len(bundle[b"PROF"]) == 32 * words_of_plumb_proof(layout)
    bound = keccak256(bytes(vk.circuit_id) + bundle[b"CTXT"])
    core.verify(core.VerifyingKey.from_bytes(key[b"BKEY"]), bundle[b"PROF"], elements, bound)

    pk.save(tmp_path / "proving.key")
    _, sections = read_container((tmp_path / "proving.key").read_bytes())
    proving = sections[b"BPRV"]
    assert keccak256(proving[:-32]) == proving[-32:]
    reader = Reader(proving)
    assert reader.take(6) == b"PLPK\0\1"
    assert reader.take(reader.integer(4)) == key[b"BKEY"]


def head_of_descriptor(data):
    """Read what the length of a proof follows from."""
    d = Reader(data)
    assert d.take(6) == b"PLMB\0\3"
    log_rows = d.integer(1)
    d.take(3 + 4 + 2 + 16)
    ranges, chunks = d.integer(1), d.integer(2)
    d.take(5)
    for _ in range(d.integer(1)):
        d.take(5)
        table = d.integer(1)
        d.take(4 * d.integer(4) if table else 8)
    return {
        "log_rows": log_rows,
        "range_columns": ranges,
        "chunks": chunks,
        "pairs": d.integer(1),
    }


def test_a_stranger_reads_a_circuit_and_a_proving_key(breast_cancer, tmp_path):
    kind, circuit = read_container(breast_cancer.circuit.to_bytes())
    assert kind == b"CIRC"
    fields, _ = read_statement(circuit[b"STAT"])
    assert fields["model"] == keccak256(circuit[b"ONNX"]).hex()
    assert fields["settings"] == keccak256(circuit[b"BSET"]).hex()
    assert keccak256(circuit[b"STAT"]) == breast_cancer.circuit.digest

    breast_cancer.pk.save(tmp_path / "proving.key")
    kind, key = read_container((tmp_path / "proving.key").read_bytes())
    assert kind == b"PKEY"
    assert key[b"VKEY"] == breast_cancer.vk.to_bytes()
    assert key[b"ONNX"] == circuit[b"ONNX"]


def test_the_stranger_notices_damage(breast_cancer):
    """The reader above would not be worth much if it read anything."""
    data = breast_cancer.bundle.to_bytes()
    for damaged in (data[:-1], data + b"\0", b"X" + data[1:], data[:-1] + bytes([data[-1] ^ 1])):
        with pytest.raises((AssertionError, struct.error)):
            read_container(damaged)


def test_architecture_names_the_verbs_of_a_backend():
    text = (ROOT / "docs" / "architecture.md").read_text()
    verbs = [verb for verb in vars(EzklBackend) if not verb.startswith("_") and verb != "name"]
    assert all(f"`{verb}`" in text for verb in verbs)


def test_architecture_names_files_that_exist():
    text = (ROOT / "docs" / "architecture.md").read_text()
    for path in re.findall(r"`(\w+\.py|_\w+/)`", text):
        assert (ROOT / "prover" / "zkinfer" / path).exists(), path
    for folder in re.findall(r"^\| `(\w+/)` \|", text, re.M):
        assert (ROOT / folder).is_dir(), folder
