"""Where the elements of a tensor are: sums of cells of blocks, and constants.

Moves only rearrange references and cost nothing. What a functional can read is more regular: a
*view* takes from each of its blocks all channels, and of heights and widths every 2^s-th.
`channels_of` and `dense_of` find the views that a tensor of references is made of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ._descriptor import Select, Term, View

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from ._plan import Size

    Array = NDArray[Any]

NONE = -1


@dataclass(frozen=True, eq=False, slots=True)
class Refs:
    """Elements, flat: each a constant plus factors times cells.

    Attributes
    ----------
    block, cell, factor
        [elements, terms]: a block, or -1 where a term is not used; the cell in row-major order of
        the block's real indices; what it is multiplied with.
    constant
        [elements].
    owed
        [elements]: the function that the references have already gone through and the element has
        not, or -1. An element x with f owed stands here as f(x); only look-ups of f read it.
    """

    block: Array
    cell: Array
    factor: Array
    constant: Array
    owed: Array

    def __len__(self) -> int:
        """Return the number of elements."""
        return len(self.constant)

    def take(self, index: Array) -> Refs:
        """Return chosen elements, flat; index -1 is the constant 0."""
        i = np.asarray(index).reshape(-1)
        used = i != NONE
        block, cell, factor, constant, owed = (part[i] for part in self._parts())
        taken = Refs(block, cell, factor, constant, owed)
        if used.all():
            return taken
        return Refs(
            np.where(used[:, None], taken.block, NONE),
            np.where(used[:, None], taken.cell, 0),
            np.where(used[:, None], taken.factor, 0),
            np.where(used, taken.constant, 0),
            np.where(used, taken.owed, NONE),
        )

    def _parts(self) -> tuple[Array, ...]:
        return self.block, self.cell, self.factor, self.constant, self.owed

    @property
    def width(self) -> int:
        """Terms of the element with the most."""
        return int(self.block.shape[1])

    @property
    def plain(self) -> bool:
        """Whether each element is exactly one cell."""
        return (
            self.width == 1
            and bool((self.factor == 1).all() and (self.block != NONE).all())
            and not self.constant.any()
        )

    def with_owed(self, owed: int) -> Refs:
        """Return the same with one function owed by every element."""
        all_owe = np.full(len(self), owed, dtype=np.int64)
        return Refs(self.block, self.cell, self.factor, self.constant, all_owe)

    def plus(self, offset: int) -> Refs:
        """Return the same with a constant added."""
        return Refs(self.block, self.cell, self.factor, self.constant + offset, self.owed)

    def without_constants(self) -> Refs:
        """Return the sums of cells alone."""
        return Refs(self.block, self.cell, self.factor, np.zeros_like(self.constant), self.owed)

    def scaled(self, factor: int) -> Refs:
        """Return a multiple."""
        return Refs(self.block, self.cell, self.factor * factor, self.constant * factor, self.owed)


def cells(block: int, cell: Array, owed: int = NONE) -> Refs:
    """Return references to cells of one block."""
    flat = np.asarray(cell, dtype=np.int64).reshape(-1)
    n = len(flat)
    return Refs(
        np.full((n, 1), block, dtype=np.int64),
        flat[:, None],
        np.ones((n, 1), dtype=np.int64),
        np.zeros(n, dtype=np.int64),
        np.full(n, owed, dtype=np.int64),
    )


def constants(values: Array) -> Refs:
    """Return elements that are constants."""
    flat = np.asarray(values, dtype=np.int64).reshape(-1)
    none = np.zeros((len(flat), 0), dtype=np.int64)
    return Refs(none, none, none, flat, np.full(len(flat), NONE, dtype=np.int64))


def _widened(parts: Sequence[Refs]) -> list[Refs]:
    width = max(p.width for p in parts)
    made = []
    for p in parts:
        more = ((0, 0), (0, width - p.width))
        made.append(
            Refs(
                np.pad(p.block, more, constant_values=NONE),
                np.pad(p.cell, more),
                np.pad(p.factor, more),
                p.constant,
                p.owed,
            )
        )
    return made


def joined(parts: Sequence[Refs]) -> Refs:
    """Return the elements of several tensors, one after the other."""
    wide = _widened(parts)
    return Refs(*(np.concatenate(each) for each in zip(*(p._parts() for p in wide), strict=True)))


def summed(parts: Sequence[Refs]) -> Refs:
    """Return sums, element by element, of tensors without owed functions."""
    return Refs(
        np.concatenate([p.block for p in parts], axis=1),
        np.concatenate([p.cell for p in parts], axis=1),
        np.concatenate([p.factor for p in parts], axis=1),
        np.sum([p.constant for p in parts], axis=0),
        parts[0].owed,
    )


@dataclass(frozen=True, eq=False, slots=True)
class Group:
    """Elements that one view has.

    Attributes
    ----------
    view, size
        The view and its real lengths.
    elements
        Of `channels_of`, channels of the frame; of `dense_of`, elements.
    places
        For each of them the channel of the view, or the place among its flat values.
    factor
        For each of them, what the view's value is multiplied with.
    """

    view: View
    size: Size
    elements: Array
    places: Array
    factor: Array


def _bits(n: int) -> int:
    return (n - 1).bit_length()


def _selects(at: Array, length: Array) -> tuple[Array, Array, bool]:
    """Return (shift, low, whether it is right) of coordinates [channel, i, term] along one axis."""
    first = at[:, 0]
    if at.shape[1] == 1:
        bits = np.frompyfunc(lambda n: _bits(int(n)), 1, 1)(length).astype(np.int64)
        return np.where(first == 0, 0, bits), first, True
    step = at[:, 1] - first
    i = np.arange(at.shape[1], dtype=np.int64)[None, :, None]
    right = bool(
        (step > 0).all()
        and (step & step - 1 == 0).all()
        and (at == first[:, None] + i * step[:, None]).all()
        and (first < step).all()
    )
    shift = np.log2(np.maximum(step, 1)).astype(np.int64)
    return shift, first, right


def channels_of(refs: Refs, frame: Array, sizes: Sequence[Size]) -> list[Group] | None:
    """Return the views that a tensor of (channel, height, width) consists of, channel by channel.

    Parameters
    ----------
    frame
        [channel, height, width]: which element is where.
    sizes
        The real lengths of every block.

    Returns
    -------
    list or None
        None where some channel is no view. Channels that are zero everywhere are in no group.
    """
    part = refs.take(frame)
    shape = (*frame.shape, refs.width)
    if part.constant.any() or (part.owed != NONE).any():
        return None
    block, cell, factor = (a.reshape(shape) for a in (part.block, part.cell, part.factor))
    first = block[:, 0, 0]
    if (block != first[:, None, None]).any() or (factor != factor[:, :1, :1]).any():
        return None
    table = np.array(sizes, dtype=np.int64)
    used = first != NONE
    height, width = (np.where(used, table[first, a], 1) for a in (1, 2))
    h, w = height[:, None, None], width[:, None, None]
    channel, rest = np.divmod(cell, h * w)
    at_h, at_w = np.divmod(rest, w)
    if (channel != channel[:, :1, :1]).any():
        return None
    if (at_h != at_h[:, :, :1]).any() or (at_w != at_w[:, :1]).any():
        return None
    unused = ~used[:, None]
    h_shift, h_low, right_h = _selects(_pretend(at_h[:, :, 0], unused), height)
    w_shift, w_low, right_w = _selects(_pretend(at_w[:, 0], unused), width)
    if not (right_h and right_w):
        return None
    return _grouped(
        frame.shape,
        table,
        used,
        first,
        factor[:, 0, 0],
        channel[:, 0, 0],
        np.stack([h_shift, h_low, w_shift, w_low], axis=-1),
    )


def _pretend(at: Array, unused: Array) -> Array:
    """Return coordinates in which unused terms count up, as any rule wants."""
    count = np.arange(at.shape[1], dtype=np.int64)[None, :, None]
    return np.where(unused, count, at)


def _grouped(
    shape: tuple[int, ...],
    table: Array,
    used: Array,
    block: Array,
    factor: Array,
    channel: Array,
    selects: Array,
) -> list[Group] | None:
    found: dict[View, list[tuple[int, int]]] = {}
    for c in range(shape[0]):
        terms = [
            Term(int(factor[c, t]), int(block[c, t]), Select(*s[:2]), Select(*s[2:]))
            for t in np.flatnonzero(used[c]).tolist()
            for s in [[int(v) for v in selects[c, t]]]
        ]
        if not terms:
            continue
        places = {int(channel[c, t]) for t in np.flatnonzero(used[c])}
        if len(places) != 1:
            return None
        found.setdefault(tuple(terms), []).append((c, places.pop()))
    groups = []
    for view, pairs in found.items():
        counts = {int(table[t.block, 0]) for t in view}
        if len(counts) != 1:
            return None
        size = (counts.pop(), int(shape[1]), int(shape[2]))
        elements, places_of = np.array(pairs, dtype=np.int64).T
        one = np.ones(len(pairs), dtype=np.int64)
        groups.append(Group(view, size, elements, places_of, one))
    return groups


def dense_of(refs: Refs, sizes: Sequence[Size]) -> Iterator[Group]:
    """Yield views that together have every element once, whatever the order of the elements.

    An element that is a sum of cells is, if need be, in several groups, one for each cell.
    Constants are left out.
    """
    kinds, which = np.unique(refs.block, axis=0, return_inverse=True)
    for k, row in enumerate(kinds.tolist()):
        signature = tuple(int(block) for block in row)
        elements = np.flatnonzero(which.reshape(-1) == k)
        terms = [t for t, block in enumerate(signature) if block != NONE]
        group = _one_view(refs, elements, terms, sizes) if len(terms) > 1 else None
        if group is not None:
            yield group
            continue
        for t in terms:
            yield _part_of(signature[t], sizes[signature[t]], refs, elements, t)


def _part_of(block: int, size: Size, refs: Refs, elements: Array, t: int) -> Group:
    """Return the smallest view of one block that has one term of some elements."""
    channels, height, width = size
    channel, rest = np.divmod(refs.cell[elements, t], height * width)
    at = np.divmod(rest, width)
    # All coordinates are steps of a power of two from the first.
    selects = [_step(axis, length) for axis, length in zip(at, (height, width), strict=True)]
    h, w = (axis >> s.shift for axis, s in zip(at, selects, strict=True))
    rows, columns = int(h.max()) + 1, int(w.max()) + 1
    if all(s.shift == 0 for s in selects):
        rows, columns = height, width
    return Group(
        (Term(1, block, *selects),),
        (channels, rows, columns),
        elements,
        (channel * rows + h) * columns + w,
        refs.factor[elements, t],
    )


def _step(at: Array, length: int) -> Select:
    """Return the low bits that coordinates below a length have in common."""
    differ = int(np.bitwise_or.reduce(at ^ at[0]))
    shift = (differ & -differ).bit_length() - 1 if differ else _bits(length)
    return Select(shift, int(at[0]) & (1 << shift) - 1)


def _one_view(
    refs: Refs, elements: Array, terms: Sequence[int], sizes: Sequence[Size]
) -> Group | None:
    """Return one view that has all the elements, in the shape of a block that they cover."""
    for t in terms:
        size = sizes[int(refs.block[elements[0], t])]
        places = refs.cell[elements, t]
        n = size[0] * size[1] * size[2]
        if len(elements) != n or len(np.unique(places)) != n:
            continue
        frame = np.empty(n, dtype=np.int64)
        frame[places] = elements
        groups = channels_of(refs.without_constants(), frame.reshape(size), sizes)
        if groups is None or len(groups) != 1:
            continue
        (group,) = groups
        if group.size == size and (group.places == np.arange(size[0])).all():
            return Group(group.view, size, elements, places, np.ones(n, dtype=np.int64))
    return None
