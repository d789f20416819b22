"""Universal parameters: three formats, every check with its own code, and downloads.

Real ceremonies where ZKINFER_SRS_DIR names a folder with their files; the same paths on the
parameters whose secret everybody knows everywhere else.
"""

import contextlib
import dataclasses
import hashlib
import http.server
import io
import json
import threading
from typing import ClassVar

import numpy as np
import pytest

import zkinfer as zk
from zkinfer import _curve, _halo2_srs, _srs, _unsafe_srs
from zkinfer._cli import main
from zkinfer._parameters import _download, _formats, _g1, _lagrange
from zkinfer._parameters._ceremonies import PUBLISHED, Ceremony, Published
from zkinfer_contracts import CEREMONIES, keccak256
from zkinfer_models import model

K = 10
SMALL = 6
TAU = _unsafe_srs.TAU
P, R = _curve.P, _curve.R
OTHER_G2 = _curve.g2_multiply(5)
TABLE = _unsafe_srs._window_table()


# Files of a known secret.


def multiples(scalars):
    return list(_unsafe_srs._multiples(scalars, TABLE))


def powers(count):
    return multiples([pow(TAU, i, R) for i in range(count)])


def lagrange(k, root):
    n, w = 1 << k, root(k)
    factor = (pow(TAU, n, R) - 1) * pow(n, -1, R) % R
    roots = [pow(w, i, R) for i in range(n)]
    return multiples([factor * r * pow(TAU - r, -1, R) % R for r in roots])


def raw(points):
    return b"".join(_halo2_srs.encode_g1(point) for point in points)


def section(kind, data):
    return kind.to_bytes(4, "little") + len(data).to_bytes(8, "little") + data


def ptau_sections(k):
    """The sections that are read, as snarkjs writes them, and one of those that are not."""
    number = [v.to_bytes(4, "little") for v in (32, k, 28)]
    two = _halo2_srs.encode_g2(_curve.g2_multiply(1)) + _halo2_srs.encode_g2(
        _curve.g2_multiply(TAU)
    )
    return {
        1: number[0] + P.to_bytes(32, "little") + number[1] + number[2],
        2: raw(powers((2 << k) - 1)),
        3: two.ljust(128 << k, b"\0"),
        7: b"contributions",
        12: b"".join(raw(lagrange(j, _lagrange.snarkjs_root)) for j in range(k + 2)),
    }


def ptau(sections, version=1):
    head = b"ptau" + version.to_bytes(4, "little") + len(sections).to_bytes(4, "little")
    return head + b"".join(section(kind, data) for kind, data in sections.items())


def plain(k):
    second = _curve.g2_multiply(1) + _curve.g2_multiply(TAU)
    return b"".join(_curve.g1_to_bytes(*point) for point in powers(1 << k)) + second


def halo2(k):
    file = io.BytesIO()
    _unsafe_srs.write(file, k)
    return file.getvalue()


@pytest.fixture(scope="module")
def sections():
    return ptau_sections(K)


@pytest.fixture(scope="module")
def good(sections):
    return {"ptau": ptau(sections), "srs": halo2(K), "g1g2": plain(K)}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZKINFER_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path


def cached(here):
    return sorted(path.name for path in (here / "cache").rglob("*") if path.is_file())


def cache_of(here, identity):
    return {
        int(path.stem.split("-")[1]): path.read_bytes()
        for path in (here / "cache" / "srs").glob(f"{identity.hex()}-*.srs")
    }


# Arithmetic.


def test_a_scalar_is_split_in_two_short_ones():
    for scalar in (0, 1, 2, R - 1, _g1.LAMBDA, TAU, *(pow(3, i, R) for i in range(100))):
        u, v = _g1._split(scalar)
        assert (u + v * _g1.LAMBDA - scalar) % R == 0
        assert max(abs(u), abs(v)).bit_length() <= 128


def test_sums_with_every_special_case():
    g = _curve.G1
    two, three = _curve.g1_multiply(2), _curve.g1_multiply(3)
    assert _g1.add([(g, g), (g, _g1.negate(g)), (g, two)]) == [two, None, three]
    assert _g1.add_all([None, g, None], [g, None, None]) == [g, g, None]
    assert _g1.double_all([g, None]) == [two, None]
    points = powers(40)
    scalars = [0, 1, R - 1, *(pow(7, i, R) for i in range(37))]
    expected = sum(s * pow(TAU, i, R) for i, s in enumerate(scalars)) % R
    assert _g1.multiply_sum(points, scalars) == _curve.g1_multiply(expected)
    assert _g1.multiply_sum([g, _g1.negate(g)] * 20, [9] * 40) is None
    assert _g1.multiply_sum([g] * 64, [1] * 64) == _curve.g1_multiply(64)
    assert _g1.multiply_each(points[1:5], [0, 1, 2, R - 1]) == [
        None,
        points[2],
        multiples([2 * pow(TAU, 3, R) % R])[0],
        _g1.negate(points[4]),
    ]


def test_the_two_roots_of_unity_permute_the_lagrange_points():
    for k in (1, 2, 5):
        theirs = lagrange(k, _lagrange.snarkjs_root)
        places = list(_lagrange.snarkjs_places(k))
        assert sorted(places) == list(range(1 << k))
        assert [theirs[i] for i in places] == lagrange(k, _lagrange.halo2_root)


# Imports.


def test_every_size_of_a_prepared_ptau_is_imported_and_exact(here):
    (here / "pot.ptau").write_bytes(ptau(ptau_sections(8)))
    steps = []
    srs = zk.import_srs("pot.ptau", allow_unsafe_srs=True, on_progress=steps.append)
    assert srs == zk.unsafe_test_srs()
    assert cache_of(here, srs.id) == {k: halo2(k) for k in (6, 7, 8)}
    assert steps[-1].done == 1
    assert [s.done for s in steps] == sorted(s.done for s in steps)


def test_a_halo2_file_is_imported_byte_for_byte(here, good):
    (here / "kzg.srs").write_bytes(good["srs"])
    srs = zk.import_srs("kzg.srs", allow_unsafe_srs=True)
    assert cache_of(here, srs.id) == {K: good["srs"]}


def test_lagrange_points_are_made_where_a_file_has_none(here, good, sections):
    (here / "powers.g1g2").write_bytes(good["g1g2"])
    (here / "pot.ptau").write_bytes(ptau({k: v for k, v in sections.items() if k != 12}))
    (here / "kzg.srs").write_bytes(good["srs"])
    for k, name in ((6, "powers.g1g2"), (5, "pot.ptau"), (1, "kzg.srs")):
        srs = zk.import_srs(name, k=k, allow_unsafe_srs=True)
        assert cache_of(here, srs.id)[k] == halo2(k)


def test_plain_powers_without_a_size_are_imported_whole_if_small(here):
    (here / "powers.g1g2").write_bytes(plain(5))
    srs = zk.import_srs("powers.g1g2", allow_unsafe_srs=True)
    assert cache_of(here, srs.id) == {5: halo2(5)}


@pytest.mark.parametrize("kind", ["ptau", "srs", "g1g2"])
def test_a_good_file_is_checked_and_not_kept(here, good, kind, capsys):
    (here / "file").write_bytes(good[kind])
    assert main(["srs", "check", "file", "--allow-unsafe-srs", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["unsafe"] is True
    assert document["cached"] == []
    assert cached(here) == []


def test_powers_of_no_ceremony_are_refused_unless_asked_for(here, good, capsys):
    (here / "powers.g1g2").write_bytes(good["g1g2"])
    for command in ("import", "check"):
        assert main(["srs", command, "powers.g1g2", "--json"]) == 2
        assert json.loads(capsys.readouterr().out)["error"]["code"] == "ZK506"
    assert cached(here) == []


def test_more_powers_than_a_file_has(here, good):
    (here / "powers.g1g2").write_bytes(good["g1g2"])
    for k in (K + 1, 0, -1):
        with pytest.raises(zk.SrsTooSmall):
            zk.import_srs("powers.g1g2", k=k, allow_unsafe_srs=True)
    assert cached(here) == []


# Damage. Offsets of power i, of Lagrange point i of 2^K, and of [tau]_2.

PTAU_POWERS = 12 + 12 + 44 + 12
PTAU_SECOND = PTAU_POWERS + 64 * ((2 << K) - 1) + 12
PTAU_LAGRANGE = PTAU_SECOND + (128 << K) + 12 + 13 + 12 + 64 * ((1 << K) - 1)
AT = {
    "srs": (4, 4 + (64 << K), 4 + (128 << K) + 128),
    "ptau": (PTAU_POWERS, PTAU_LAGRANGE, PTAU_SECOND + 128),
    "g1g2": (0, None, (64 << K) + 128),
}
OFF = (1).to_bytes(32, "little") * 2


def put(data, at, new):
    return data[:at] + new + data[at + len(new) :]


def swapped(data, first, second):
    a, b = data[first : first + 64], data[second : second + 64]
    return put(put(data, first, b), second, a)


def truncated(kind, data):
    return data[:-1]


def extended(kind, data):
    return data + b"\0"


def off_the_curve(kind, data):
    return put(data, AT[kind][0] + 64 * 777, OFF)


def with_an_identity(kind, data):
    return put(data, AT[kind][0] + 64 * 777, bytes(64))


def with_a_second_encoding(kind, data):
    at = AT[kind][0] + 64 * 777
    order = "big" if kind == "g1g2" else "little"
    value = int.from_bytes(data[at : at + 32], order) + P
    return put(data, at, value.to_bytes(32, order))


def lagrange_off_the_curve(kind, data):
    return put(data, AT[kind][1] + 64 * 99, OFF)


def of_another_secret(kind, data):
    point = OTHER_G2 if kind == "g1g2" else _halo2_srs.encode_g2(OTHER_G2)
    return put(data, AT[kind][2], point)


def second_group_off_the_curve(kind, data):
    return put(data, AT[kind][2], OFF * 2)


def second_group_not_below_p(kind, data):
    return put(data, AT[kind][2], b"\xff" * 32)


def another_generator(kind, data):
    at = AT[kind][0]
    return put(data, at, data[at + 128 : at + 192])


def powers_swapped(kind, data):
    at = AT[kind][0]
    return swapped(data, at + 64 * 777, at + 64 * 778)


def last_power_wrong(kind, data):
    at = AT[kind][0]
    return put(data, at + 64 * ((1 << K) - 1), data[at : at + 64])


def powers_cancelled(kind, data):
    """Two errors that cancel in a plain sum: only random coefficients show them."""
    at = AT[kind][0] + 64 * 777
    order = "big" if kind == "g1g2" else "little"
    for place in (at + 32, at + 64 + 32):
        y = int.from_bytes(data[place : place + 32], order)
        data = put(data, place, (P - y).to_bytes(32, order))
    return data


def lagrange_permuted(kind, data):
    at = AT[kind][1]
    return put(data, at, data[at + 64 : at + (64 << K)] + data[at : at + 64])


def lagrange_swapped(kind, data):
    return swapped(data, AT[kind][1] + 64 * 5, AT[kind][1] + 64 * 900)


def lagrange_of_the_other_root(kind, data):
    at = AT[kind][1]
    own = [data[at + 64 * i : at + 64 * i + 64] for i in range(1 << K)]
    places = list(_lagrange.snarkjs_places(K))
    if kind == "ptau":
        moved = [own[i] for i in places]
    else:
        moved = [b""] * len(own)
        for i, place in enumerate(places):
            moved[place] = own[i]
    return put(data, at, b"".join(moved))


REFUSALS = [
    (truncated, zk.SrsMalformed, "bytes|ends"),
    (extended, zk.SrsMalformed, "bytes"),
    (another_generator, zk.SrsMalformed, "generator|begins like this"),
    (off_the_curve, zk.SrsPointInvalid, r"\[tau\^777\]_1: not on the curve"),
    (with_an_identity, zk.SrsPointInvalid, r"\[tau\^777\]_1: not on the curve"),
    (with_a_second_encoding, zk.SrsPointInvalid, r"\[tau\^777\]_1: .* not below"),
    (second_group_off_the_curve, zk.SrsPointInvalid, r"\[tau\]_2: .* not on the twisted curve"),
    (second_group_not_below_p, zk.SrsPointInvalid, r"\[tau\]_2: .* not below"),
    (of_another_secret, zk.SrsPairingMismatch, "is not e"),
    (powers_swapped, zk.SrsPowersInconsistent, "1024 powers"),
    (powers_cancelled, zk.SrsPowersInconsistent, "1024 powers"),
    (last_power_wrong, zk.SrsPowersInconsistent, "1024 powers"),
    (lagrange_off_the_curve, zk.SrsPointInvalid, r"Lagrange point \d+ of 2\^10: not on the curve"),
    (lagrange_permuted, zk.SrsPowersInconsistent, r"Lagrange points of 2\^10"),
    (lagrange_swapped, zk.SrsPowersInconsistent, r"Lagrange points of 2\^10"),
    (lagrange_of_the_other_root, zk.SrsPowersInconsistent, r"Lagrange points of 2\^10"),
]


# A check that knows nothing of the format needs one format.
ONCE = {"powers_cancelled": "srs", "last_power_wrong": "g1g2", "lagrange_swapped": "ptau"}
CASES = [
    pytest.param(kind, damage, error, reason, id=f"{kind}-{damage.__name__}")
    for damage, error, reason in REFUSALS
    for kind in AT
    if kind == ONCE.get(damage.__name__, kind)
    and (kind != "g1g2" or not damage.__name__.startswith("lagrange"))
]


@pytest.mark.parametrize(("kind", "damage", "error", "reason"), CASES)
def test_damage_is_refused_for_what_it_is(here, good, kind, damage, error, reason):
    (here / "file").write_bytes(damage(kind, good[kind]))
    arguments = {} if kind == "g1g2" else {"k": K}
    read = zk.check_srs if kind == "g1g2" else zk.import_srs
    with pytest.raises(error, match=reason) as caught:
        read("file", allow_unsafe_srs=True, **arguments)
    assert type(caught.value) is error
    assert "file 'file'" in str(caught.value)
    assert cached(here) == []


def test_swapped_powers_are_found_before_lagrange_points_are_made(here, good):
    (here / "file").write_bytes(powers_swapped("g1g2", good["g1g2"]))
    with pytest.raises(zk.SrsPowersInconsistent):
        zk.import_srs("file", k=K, allow_unsafe_srs=True)
    assert cached(here) == []


def test_what_a_refused_import_found_in_the_cache_stays(here, good):
    (here / "file").write_bytes(good["srs"])
    srs = zk.import_srs("file", allow_unsafe_srs=True)
    (here / "file").write_bytes(lagrange_swapped("srs", good["srs"]))
    with pytest.raises(zk.SrsPowersInconsistent):
        zk.import_srs("file", allow_unsafe_srs=True)
    assert cache_of(here, srs.id) == {K: good["srs"]}


def header(k=SMALL, modulus=P, length=32):
    return b"".join(
        v.to_bytes(n, "little") for v, n in ((length, 4), (modulus, 32), (k, 4), (28, 4))
    )


SMALL_SECTIONS = {1: header(), 2: bytes(64 * 127), 3: bytes(128 * 64)}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (ptau(SMALL_SECTIONS, version=2), "version 2"),
        (b"ptau" + (1).to_bytes(4, "little") + b"\xff" * 4, "sections is not known"),
        (b"ptau\1\0\0\0", "ends early"),
        (ptau(SMALL_SECTIONS | {1: header(modulus=R)}), "not BN254"),
        (ptau(SMALL_SECTIONS | {1: header(length=48)}), "not BN254"),
        (ptau(SMALL_SECTIONS | {1: header(k=29)}), r"2\^29 powers"),
        (ptau(SMALL_SECTIONS | {1: header()[:-1]}), "section 1 has 43 bytes"),
        (ptau({1: header(), 3: bytes(128 * 64)}), "section 2 has 0 bytes"),
        (ptau(SMALL_SECTIONS | {12: bytes(64)}), "section 12 has 64 bytes"),
        (ptau(SMALL_SECTIONS)[:-1], "section 3 ends after"),
        (ptau({**SMALL_SECTIONS, 4: b""}).replace(section(4, b""), section(3, b"")), "twice"),
        (bytes(64 * 3 + 256), "no 2\\^k powers"),
        (bytes(64 + 256), "no 2\\^k powers"),
        (bytes(4), "no 2\\^k powers"),
        (b"", "no halo2|2\\^0"),
        (b"something else", "begins like this"),
    ],
)  # fmt: skip
def test_files_of_no_format_are_malformed(here, data, reason):
    (here / "file").write_bytes(data)
    for read in (zk.import_srs, zk.check_srs):
        with pytest.raises(zk.SrsMalformed, match=reason) as caught:
            read("file", allow_unsafe_srs=True)
        assert type(caught.value) is zk.SrsMalformed
    assert cached(here) == []


def test_a_missing_file_and_a_folder(here):
    (here / "folder").mkdir()
    for name in ("none", "folder"):
        for read in (zk.import_srs, zk.check_srs):
            with pytest.raises(zk.SrsNotFound):
                read(name)


# Downloads, from a server on this machine.


class Mirror(http.server.BaseHTTPRequestHandler):
    """Serves `files`; what a path begins with says how it misbehaves."""

    files: ClassVar[dict[str, bytes]] = {}
    asked: ClassVar[list[tuple[str, str | None]]] = []

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        wanted = self.headers.get("Range")
        self.asked.append((self.path, wanted))
        kind, _, name = self.path.strip("/").partition("/")
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.answer(kind, self.files.get(name), wanted)

    def answer(self, kind, data, wanted):
        if kind in ("http", "file"):
            self.send_response(302)
            self.send_header(
                "Location", {"http": "http://example.invalid/x"}.get(kind, "file:///x")
            )
            self.end_headers()
            return
        if kind == "moved":
            self.send_response(302)
            self.send_header("Location", self.path.replace("moved", "good"))
            self.end_headers()
            return
        if data is None:
            self.send_error(404)
            return
        start, status = 0, 200
        if wanted and kind != "noranges":
            first, last = wanted.removeprefix("bytes=").split("-")
            start, status = int(first), 206
            total = len(data)
            data = data[start : int(last) + 1]
        self.send_response(status)
        if kind != "endless":
            self.send_header("Content-Length", str(len(data) + (7 if kind == "liar" else 0)))
        if status == 206:
            shown = start + (1 if kind == "shifted" else 0)
            self.send_header("Content-Range", f"bytes {shown}-{start + len(data) - 1}/{total}")
        self.end_headers()
        if kind == "endless":
            while True:
                self.wfile.write(bytes(1 << 16))
        if kind == "cut" and not wanted:
            data = data[: len(data) // 2]
        if kind == "silent":
            self.wfile.write(data[:100])
            self.wfile.flush()
            threading.Event().wait(2)
            return
        self.wfile.write(data)


@pytest.fixture(scope="module")
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as running:
        running.daemon_threads = True
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()
        thread.join()


@pytest.fixture
def published(server, monkeypatch):
    """Make a ceremony of the known secret, published at `server` in ways that a test chooses."""
    data = halo2(SMALL)
    points = _srs.unsafe_test_points()
    Mirror.files = {"kzg6.srs": data}
    Mirror.asked = []

    right = hashlib.sha256(data).hexdigest()

    def publish(*kinds, digest=right, name="kzg6.srs", **changes):
        urls = tuple(f"{server}/{kind}/{name}" for kind in kinds)
        file = Published(SMALL, urls, ((0, len(data)),), "sha256", digest, ())
        ceremony = Ceremony(
            points.id, points.tau_g2, (), {SMALL: dataclasses.replace(file, **changes)}
        )
        monkeypatch.setattr(_srs, "PUBLISHED", {"test": ceremony})
        return data

    return publish


def fetch():
    return zk.fetch_srs("test", SMALL, allow_unsafe_srs=True)


def parts(here):
    return {p.name: p.stat().st_size for p in (here / "cache").rglob("*.part")}


def test_fetch(here, published):
    data = published("good")
    assert fetch() == zk.unsafe_test_srs()
    assert cache_of(here, zk.unsafe_test_srs().id) == {SMALL: data}
    assert parts(here) == {}
    assert Mirror.asked == [("/good/kzg6.srs", None)]
    # And not again.
    assert fetch() == zk.unsafe_test_srs()
    assert len(Mirror.asked) == 1


def test_a_download_goes_on_where_it_was_cut(here, published):
    data = published("cut")
    half = len(data) // 2
    with pytest.raises(zk.SrsDownloadFailed, match=f"cut.*{half} of {len(data)} bytes"):
        fetch()
    assert list(parts(here).values()) == [half]
    assert list(cache_of(here, zk.unsafe_test_srs().id)) == []
    fetch()
    assert Mirror.asked[1:] == [("/cut/kzg6.srs", f"bytes={half}-{len(data) - 1}")]
    assert cache_of(here, zk.unsafe_test_srs().id) == {SMALL: data}
    assert parts(here) == {}


def test_a_mirror_without_ranges_starts_again(here, published):
    published("cut")
    with pytest.raises(zk.SrsDownloadFailed):
        fetch()
    data = published("noranges")
    fetch()
    assert cache_of(here, zk.unsafe_test_srs().id) == {SMALL: data}


def test_the_next_mirror_goes_on(here, published):
    data = published("cut", "good")
    fetch()
    assert cache_of(here, zk.unsafe_test_srs().id) == {SMALL: data}
    assert [path for path, _ in Mirror.asked] == ["/cut/kzg6.srs", "/good/kzg6.srs"]
    assert Mirror.asked[1][1] is not None


def test_a_wrong_hash_is_refused_and_the_file_removed(here, published):
    published("good", digest="00" * 32)
    with pytest.raises(zk.SrsHashMismatch) as caught:
        fetch()
    assert caught.value.expected == "00" * 32
    assert caught.value.got == hashlib.sha256(Mirror.files["kzg6.srs"]).hexdigest()
    assert cached(here) == []


def test_a_cut_file_that_was_tampered_with_is_refused(here, published):
    published("cut")
    with pytest.raises(zk.SrsDownloadFailed):
        fetch()
    (part,) = (here / "cache").rglob("*.part")
    part.write_bytes(bytes(part.stat().st_size))
    with pytest.raises(zk.SrsHashMismatch):
        fetch()
    assert cached(here) == []


def test_a_part_longer_than_the_file_starts_again(here, published):
    published("cut")
    with pytest.raises(zk.SrsDownloadFailed):
        fetch()
    (part,) = (here / "cache").rglob("*.part")
    part.write_bytes(bytes(1 << 16))
    published("good")
    fetch()
    assert parts(here) == {}


@pytest.mark.parametrize(
    ("kind", "reason", "kept"),
    [
        ("liar", "bytes where", 0),
        ("endless", "more bytes than are published", 0),
        ("missing", "HTTP status 404", 0),
        ("http", "http://example.invalid is not https", 0),
        ("file", "HTTP status 302", 0),
    ],
)
def test_a_mirror_is_not_believed(here, published, kind, reason, kept):
    published(kind, name="none" if kind == "missing" else "kzg6.srs")
    with pytest.raises(zk.SrsDownloadFailed, match=reason):
        fetch()
    assert list(parts(here).values()) == [kept]
    assert list(cache_of(here, zk.unsafe_test_srs().id)) == []


def test_another_part_than_was_asked_for(here, published):
    published("cut")
    with pytest.raises(zk.SrsDownloadFailed):
        fetch()
    published("shifted")
    with pytest.raises(zk.SrsDownloadFailed, match="another part"):
        fetch()


def test_a_redirect_on_the_same_machine_is_followed(here, published):
    published("moved")
    fetch()


def test_a_silent_mirror_times_out(here, published, monkeypatch):
    monkeypatch.setattr(_download, "TIMEOUT_S", 0.2)
    published("silent")
    with pytest.raises(zk.SrsDownloadFailed, match="timed out"):
        fetch()


@pytest.mark.parametrize(
    "url", ["http://example.invalid/x", "file:///etc/passwd", "ftp://127.0.0.1/x", "data:,x"]
)
def test_other_schemes_are_refused_without_a_connection(here, published, url):
    published(urls=(url,))
    with pytest.raises(zk.SrsDownloadFailed, match="is not https"):
        fetch()


def test_a_redirect_from_https_to_this_machine_is_refused():
    request = _download.urllib.request.Request("https://example.invalid/x")
    with pytest.raises(_download._Refused, match="away from https"):
        _download._Redirects().redirect_request(
            request, io.BytesIO(), 302, "", {}, "http://127.0.0.1/x"
        )


def test_nobody_listens(here, published):
    published(urls=("http://127.0.0.1:9/x",))
    with pytest.raises(zk.SrsDownloadFailed, match="refused"):
        fetch()


def test_two_downloads_at_once(here, published):
    published("cut")
    with pytest.raises(zk.SrsDownloadFailed):
        fetch()
    (part,) = (here / "cache").rglob("*.part")
    with part.open("rb") as file:
        _download.fcntl.flock(file, _download.fcntl.LOCK_EX)
        with pytest.raises(zk.SrsDownloadFailed, match="another process"):
            fetch()


def test_a_transcript_is_fetched_in_parts_and_proven(here, published):
    """Of the largest files only the ranges that are needed, without a hash of them."""
    whole = plain(SMALL)
    Mirror.files["transcript"] = b"h" * 64 + whole[:-256] + b"." * 1000 + whole[-256:] + b"." * 99
    ranges = ((64, 64 << SMALL), (64 + (64 << SMALL) + 1000, 256))
    changes = {"parts": ranges, "algorithm": None, "digest": None}
    published("noranges", name="transcript", **changes)
    with pytest.raises(zk.SrsDownloadFailed, match="no parts"):
        fetch()
    published("good", name="transcript", **changes)
    fetch()
    assert cache_of(here, zk.unsafe_test_srs().id) == {SMALL: halo2(SMALL)}
    assert len(Mirror.asked) == 3


def test_a_transcript_with_a_wrong_power_is_refused(here, published):
    whole = plain(SMALL)
    data = b"h" * 64 + swapped(whole[:-256], 64 * 30, 64 * 31) + whole[-256:]
    Mirror.files["transcript"] = data
    ranges = ((64, 64 << SMALL), (64 + (64 << SMALL), 256))
    published("good", name="transcript", parts=ranges, algorithm=None, digest=None)
    with pytest.raises(zk.SrsPowersInconsistent):
        fetch()
    assert cached(here) == []


def test_another_ceremonys_file_is_refused(here, published, monkeypatch):
    """Even when its hash was pinned by mistake."""
    published("good")
    wrong = dataclasses.replace(_srs.PUBLISHED["test"], id=CEREMONIES["ezkl"])
    monkeypatch.setattr(_srs, "PUBLISHED", {"test": wrong})
    with pytest.raises(zk.SrsMismatch) as caught:
        fetch()
    assert caught.value.expected == CEREMONIES["ezkl"].hex()
    assert cached(here) == []


def test_a_published_file_of_no_ceremony_is_refused(here, published):
    published("good")
    with pytest.raises(zk.UnsafeSrsRefused):
        zk.fetch_srs("test", SMALL)
    assert cached(here) == []


def test_what_nobody_published(here, capsys):
    with pytest.raises(zk.SrsNotFound, match="ezkl, ppot-0085, hermez"):
        zk.fetch_srs("nobody", 10)
    with pytest.raises(zk.SrsNotFound, match="up to k = 28"):
        zk.fetch_srs("hermez", 29)
    assert main(["srs", "fetch", "ezkl", "--k", "27", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "ZK501"


# The list of what is published.


def test_the_list_is_of_the_ceremonies_that_contracts_know():
    assert {name: ceremony.id for name, ceremony in PUBLISHED.items()} == dict(CEREMONIES)
    for ceremony in PUBLISHED.values():
        assert len(ceremony.tau_g2_sources) == 2
        _curve.g2_from_bytes(ceremony.tau_g2)
        for k, file in ceremony.files.items():
            assert file.k == k
            assert all(url.startswith("https://") for url in file.urls)
            if file.algorithm is None:
                assert not file.whole
                assert file.length == _formats.plain_bytes(k)
            else:
                assert len(file.digest) == 2 * hashlib.new(file.algorithm).digest_size
                assert file.sources
        digests = [file.digest for file in ceremony.files.values() if file.digest]
        assert len(set(digests)) == len(digests)


def test_sizes_that_were_never_published_come_of_the_next_larger_file():
    assert PUBLISHED["hermez"].file(6).k == 8
    assert PUBLISHED["ezkl"].file(6).k == 6
    assert PUBLISHED["ezkl"].file(27) is None


# Real ceremonies.

REAL = {
    "ezkl": ("kzg14.srs", 14, []),
    "hermez": ("powersOfTau28_hez_final_11.ptau", 11, []),
    "ppot-0085": ("ppot_0085_16.g1g2", 11, ["--k", "11"]),
}


@pytest.fixture(scope="module")
def model_files(tmp_path_factory, breast_cancer):
    folder = tmp_path_factory.mktemp("model")
    breast_cancer.circuit.save(folder / "model.zkc")
    np.save(folder / "input.npy", model("breast-cancer").samples().x[0])
    return folder


def run(capsys, *arguments):
    status = main([*map(str, arguments), "--json"])
    return status, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("ceremony", REAL)
def test_a_proof_on_each_ceremony(here, model_files, srs_folder, capsys, ceremony):
    """Imported, set up by the ceremony's name, proven and verified with no unsafe flag."""
    name, k, flags = REAL[ceremony]
    if srs_folder is None:
        if ceremony == "ppot-0085":
            return  # ten seconds for what smaller files show
        name = {"ezkl": "f.srs", "hermez": "f.ptau"}[ceremony]
        (here / name).write_bytes(halo2(11) if ceremony == "ezkl" else ptau(ptau_sections(11)))
        # Without the real files: a file straight to setup, and the secret known to all.
        source, choice, unsafe = here / name, here / name, ["--allow-unsafe-srs"]
    else:
        source, choice, unsafe = srs_folder / name, ceremony, []
        published = PUBLISHED[ceremony].files[14 if ceremony == "ezkl" else 11]
        if published.algorithm is not None:
            data = source.read_bytes()
            assert len(data) == published.length
            assert hashlib.new(published.algorithm, data).hexdigest() == published.digest
        status, document = run(capsys, "srs", "import", source, *flags)
        assert status == 0
        assert document["srs"] == ceremony
        assert max(document["cached"]) == k
        points = _srs.ceremony_srs(ceremony).points
        assert points.tau_g2 == PUBLISHED[ceremony].tau_g2
        assert keccak256(points.to_bytes()) == CEREMONIES[ceremony]
        if ceremony == "ezkl":
            assert cache_of(here, points.id) == {14: source.read_bytes()}
            return  # the command line's own tests prove on this one
    status, keys = run(
        capsys, "setup", model_files / "model.zkc", "--srs", choice, "-o", "keys", *unsafe
    )
    assert status == 0
    assert keys["unsafe"] is bool(unsafe)
    prove = ["prove", "keys/proving.key", model_files / "input.npy", "-o", "out.zkp", *unsafe]
    assert run(capsys, *prove)[0] == 0
    status, document = run(capsys, "verify", "keys/verifying.key", "out.zkp", *unsafe)
    assert status == 0
    assert document["unsafe"] is bool(unsafe)


def test_a_real_ptau_and_a_real_srs_hold_what_their_bytes_say(here, srs_folder):
    if srs_folder is None:
        return
    srs = zk.import_srs(srs_folder / "powersOfTau28_hez_final_11.ptau", k=11)
    assert cache_of(here, srs.id)[11][4:68] == raw([_curve.G1])
    # Made from the powers, they are the ones that the file holds in another order.
    with _formats.open_powers(srs_folder / "powersOfTau28_hez_final_11.ptau") as source:
        held = [point for batch in source.lagrange(7) for point in batch]
        assert _lagrange.from_powers(source.powers(0, 128)) == held
