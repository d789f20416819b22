"""Sums of points and roots of unity, which the checks of universal parameters are made of."""

from tests.unit.prover.srs.files import TAU, R, lagrange, multiples, powers
from zkinfer import _curve
from zkinfer._parameters import _g1, _lagrange


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
