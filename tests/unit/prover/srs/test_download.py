"""Downloads of universal parameters, from a server on this machine."""

import contextlib
import dataclasses
import hashlib
import http.server
import io
import json
import threading
from typing import ClassVar

import pytest

import zkinfer as zk
from tests.unit.prover.srs.files import SMALL, cache_of, cached, halo2, plain, swapped
from zkinfer import _srs
from zkinfer._cli import main
from zkinfer._parameters import _download
from zkinfer._parameters._ceremonies import Ceremony, Published
from zkinfer_contracts import CEREMONIES


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
