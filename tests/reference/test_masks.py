"""The random columns hide sumcheck D at every size: docs/protocol.md, "Zero knowledge".

Once the mask of sumcheck A is fixed, and H, what is still shown of G1 and G2 are C_G1, mu
and two values of each round of sumcheck D, which satisfy one relation. They are functionals of the
other random cells of G1. Nothing of a model is in them but c and n, so one point at which 2c + 1 of
them are independent is enough for all models of that size.
"""

import pytest

from tests.reference.plumb.descriptor import index_bits
from tests.reference.plumb.field import P, inverse
from tests.reference.plumb.layout import MASK_GAPS, degrees_a, mask_rows, sparse_rows
from tests.reference.plumb.multilinear import mask_at, mask_length, mask_sum
from tests.reference.plumb.transcript import Seeded

LARGEST_DOMAIN = 31  # log2 of the weight index domain, at most


def rank(rows):
    rows, found = [list(row) for row in rows], 0
    for column in range(len(rows[0])):
        pivot = next((i for i in range(found, len(rows)) if rows[i][column]), None)
        if pivot is None:
            continue
        rows[found], rows[pivot] = rows[pivot], rows[found]
        scale = inverse(rows[found][column])
        for i in range(found + 1, len(rows)):
            factor = rows[i][column] * scale % P
            rows[i] = [(v - factor * t) % P for v, t in zip(rows[i], rows[found], strict=True)]
        found += 1
    return found


def eq1(x, y):
    return (1 - x - y + 2 * x * y) % P


def bits(row, c):
    return [row >> (c - 1 - k) & 1 for k in range(c)]


def geom(base, z):
    """Return sum_i base^i eq(i, z)."""
    total = 1
    for x in reversed(z):
        total, base = total * (1 - x + x * base) % P, base * base % P
    return total


class Shown:
    """What is shown of G1 and G2, for random challenges."""

    def __init__(self, c, chunk_variables, seed):
        self.c, self.rows = c, 1 << c
        random = Seeded(seed)
        k, self.d = random.fields(chunk_variables + c), random.fields(c)
        self.z1, self.z2, self.rho_d, self.tau, rho_a, *eta = random.fields(7)
        # the claims about the mask, as functionals of its coefficients
        degrees = degrees_a(chunk_variables, c)
        both = zip(mask_at(k, degrees), mask_sum(degrees), strict=True)
        self.mask = [rho_a * (eta[0] * value + eta[1] * total) % P for value, total in both]
        self.mask_rows = mask_rows(chunk_variables, c)
        self.free = sparse_rows(chunk_variables, c)[len(self.mask) :]
        self.ratio = self.q1(self.d) * inverse(self.q2(self.d)) % P

    def q1(self, z):
        """Return the functional of G1 at a point."""
        total = self.rho_d * geom(self.z1, z)
        for row, value in zip(self.mask_rows, self.mask, strict=True):
            for x, bit in zip(z, bits(row, self.c), strict=True):
                value = value * (x if bit else 1 - x) % P
                if not value:
                    break
            total += value
        return total % P

    def q2(self, z):
        return self.rho_d * geom(self.z2, z) % P

    def of(self, row):
        """Return what a cell of G1 counts in C_G1, mu and the rounds, while G2 keeps H."""
        at = bits(row, self.c)
        mu = (pow(self.z1, row, P) - self.ratio * pow(self.z2, row, P)) % P
        out, before = [pow(self.tau, row, P), mu], 1
        for i, bit in enumerate(at):
            # the functional and the cell's eq(., bit) have degree 1: coefficients of their product
            functional = [
                self.q1(z) - self.ratio * self.q2(z)
                for z in ([*self.d[:i], x, *at[i + 1 :]] for x in (0, 1))
            ]
            sign = 1 if bit else -1
            out.append(before * (1 - bit) * functional[0] % P)
            out.append(before * sign * (functional[1] - functional[0]) % P)
            before = before * eq1(self.d[i], bit) % P
        return out


def independent(c, chunk_variables):
    shown = Shown(c, chunk_variables, seed=c)
    return rank([shown.of(row) for row in shown.free])


def check(c):
    registration, one_chunk = 0, index_bits(2)
    for chunk_variables in (registration, one_chunk, LARGEST_DOMAIN - c):
        assert independent(c, chunk_variables) == 2 * c + 1, chunk_variables


@pytest.mark.parametrize("c", [8, 14])
def test_nothing_is_left_unhidden(c):
    check(c)


@pytest.mark.deep
@pytest.mark.parametrize("c", [10, 12, 16, 18, 20, 22, 24])
def test_nothing_is_left_unhidden_in_other_sizes(c):
    check(c)


@pytest.mark.parametrize("chunk_variables", [2, 4, 6])
def test_columns_of_64_rows_are_too_small_for_many_chunks(chunk_variables):
    """Too few cells that are left are in the upper half: the first round is not hidden."""
    shown = Shown(6, chunk_variables, seed=1)
    assert max(shown.free) < 32
    assert independent(6, chunk_variables) < 2 * 6 + 1


def test_a_mask_takes_its_coefficients():
    assert len(Shown(8, 3, seed=1).mask) == mask_length([2, 2, 2] + [4] * 8)


@pytest.mark.parametrize("c", range(6, 26, 2))
def test_the_coefficients_of_a_variable_are_aligned(c):
    """Counted from the last row, no group crosses a multiple of its size; other cells are none."""
    for chunk_variables in (0, 1, 6):
        length = mask_length(degrees_a(chunk_variables, c))
        positions = [(1 << c) - 1 - row for row in sparse_rows(chunk_variables, c)]
        of_mask, others = positions[:length], positions[length:]
        # g_0, two of each variable of chunks, four of each of rows
        first = 4 + 4 * c
        of_chunks = [*range(first, first + 2 * chunk_variables)]
        assert of_mask == [MASK_GAPS, *of_chunks, *range(4, first)]
        assert first % 2 == 0
        assert min(others) > max(of_mask)
        assert (len(others), len(set(positions))) == (4 * c, length + 4 * c)
