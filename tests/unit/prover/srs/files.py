"""Files of universal parameters of a known secret, in three formats, and what the cache holds."""

import io

from zkinfer import _curve, _halo2_srs, _unsafe_srs
from zkinfer._parameters import _lagrange

K = 10
SMALL = 6
TAU = _unsafe_srs.TAU
P, R = _curve.P, _curve.R
TABLE = _unsafe_srs._window_table()


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


def put(data, at, new):
    return data[:at] + new + data[at + len(new) :]


def swapped(data, first, second):
    a, b = data[first : first + 64], data[second : second + 64]
    return put(put(data, first, b), second, a)


def cached(here):
    return sorted(path.name for path in (here / "cache").rglob("*") if path.is_file())


def cache_of(here, identity):
    return {
        int(path.stem.split("-")[1]): path.read_bytes()
        for path in (here / "cache" / "srs").glob(f"{identity.hex()}-*.srs")
    }
