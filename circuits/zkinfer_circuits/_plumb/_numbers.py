"""The numbers of blocks: those with the same rows follow each other.

A verifier on chain computes where rows are once for all blocks that stand there one after the
other, in whatever columns.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._descriptor import Descriptor

# Fields of layers, and of what is in them, that are numbers of blocks.
_BLOCKS = {"block", "link", "cell", "output", "remainders", "arguments", "values"}


def by_rows(descriptor: Descriptor) -> Descriptor:
    """Return the same descriptor with its blocks in the order of their rows."""
    blocks = descriptor.blocks
    order = sorted(range(len(blocks)), key=lambda i: (blocks[i].offset, blocks[i].dims, i))
    number = [0] * len(blocks)
    for new, old in enumerate(order):
        number[old] = new
    return replace(
        descriptor,
        blocks=tuple(blocks[i] for i in order),
        layers=tuple(_renumbered(layer, number) for layer in descriptor.layers),
    )


def _renumbered(part: Any, number: Sequence[int]) -> Any:
    """Return a part of a descriptor with other numbers of blocks."""
    if isinstance(part, tuple):
        return tuple(_renumbered(each, number) for each in part)
    if not is_dataclass(part) or isinstance(part, type):
        return part
    changed: dict[str, Any] = {}
    for field in fields(part):
        value = getattr(part, field.name)
        if field.name not in _BLOCKS or is_dataclass(value) or value is None:
            changed[field.name] = _renumbered(value, number)
        elif isinstance(value, tuple):
            changed[field.name] = tuple(number[block] for block in value)
        else:
            changed[field.name] = number[value]
    return replace(part, **changed)
