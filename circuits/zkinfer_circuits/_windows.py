"""Rules for windows that slide over an image: convolutions, pools, and the padding around them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._errors import ModelMalformed
from ._graph import Fixed, Value

if TYPE_CHECKING:
    from ._site import Site


def _geometry(site: Site, kernel: list[int]) -> tuple[list[int], list[int], list[int], str]:
    """Return strides, pads, dilations and auto_pad, in full."""
    n = len(site.any(0).shape) - 2
    strides = list(site.attributes.get("strides") or [1] * n)
    pads = list(site.attributes.get("pads") or [0] * 2 * n)
    dilations = list(site.attributes.get("dilations") or [1] * n)
    if not n == len(kernel) == len(strides) == len(dilations) or len(pads) != 2 * n:
        raise site.refuse(f"kernel, strides, pads and dilations have to match {n} dimensions")
    auto = site.attributes.get("auto_pad", "NOTSET")
    if auto not in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
        raise site.refuse(f"auto_pad {auto}")
    return strides, [0] * 2 * n if auto == "VALID" else pads, dilations, auto


def _shared(totals: list[int], *, more_at_end: bool) -> list[int]:
    """Return pads of both ends of each dimension, as equal as they can be."""
    small = [total // 2 for total in totals]
    large = [total - total // 2 for total in totals]
    return small + large if more_at_end else large + small


def _window(site: Site, kernel: list[int]) -> dict[str, Any]:
    """Return kernel_shape, strides, dilations and explicit pads of a convolution or pooling.

    The size that they make has to be the inferred one: otherwise ceil_mode adds windows that
    reach past the padded input, which have no constraints here.
    """
    spatial = site.any(0).shape[2:]
    strides, pads, dilations, auto = _geometry(site, kernel)
    wide = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    n = len(wide)
    if auto.startswith("SAME"):
        totals = [
            max((-(-size // s) - 1) * s + w - size, 0)
            for size, w, s in zip(spatial, wide, strides, strict=True)
        ]
        pads = _shared(totals, more_at_end=auto == "SAME_UPPER")
    made = tuple(
        (size + p + q - w) // s + 1
        for size, w, s, p, q in zip(spatial, wide, strides, pads[:n], pads[n:], strict=True)
    )
    if made != site.shape[2:]:
        raise site.refuse(f"makes {list(site.shape[2:])} where whole windows make {list(made)}")
    return {"kernel_shape": kernel, "strides": strides, "pads": pads, "dilations": dilations}


def _weighted(site: Site) -> tuple[list[Value], Fixed, list[int], int]:
    """Return the operands of a convolution, its weights, their kernel, and group."""
    x, w = site.computed(0), site.weights(1)
    operands: list[Value] = [x, w]
    if site.has(2):
        operands.append(site.weights(2))
    if len(x.shape) < 3 or len(w.shape) != len(x.shape):
        raise site.malformed("operands that are no image and its weights")
    kernel = list(w.shape[2:])
    if list(site.attributes.get("kernel_shape") or kernel) != kernel:
        raise ModelMalformed("kernel_shape is not that of the weights", place=site.place)
    return operands, w, kernel, int(site.attributes.get("group", 1))


def _check_bias(site: Site, channels: int) -> None:
    if site.has(2) and site.weights(2).shape != (channels,):
        raise ModelMalformed("one bias for each output channel is needed", place=site.place)


def conv(site: Site) -> Value:
    """Conv."""
    operands, w, kernel, group = _weighted(site)
    if operands[0].shape[1] != w.shape[1] * group or w.shape[0] % group:
        raise ModelMalformed("channels, weights and group do not fit together", place=site.place)
    _check_bias(site, w.shape[0])
    return site.step("Conv", operands, group=group, **_window(site, kernel))


def conv_transpose(site: Site) -> Value:
    """ConvTranspose; pads that follow from auto_pad or output_shape are spelled out."""
    operands, w, kernel, group = _weighted(site)
    channels = operands[0].shape[1]
    if channels != w.shape[0] or channels % group:
        raise ModelMalformed("channels, weights and group do not fit together", place=site.place)
    _check_bias(site, w.shape[1] * group)
    strides, pads, dilations, auto = _geometry(site, kernel)
    n = len(kernel)
    extra = list(site.attributes.get("output_padding") or [0] * n)
    if len(extra) != n or len(site.shape) != 2 + n:
        raise site.refuse(f"output_padding and output_shape have to match {n} dimensions")
    if any(e >= max(s, d) for e, s, d in zip(extra, strides, dilations, strict=True)):
        raise site.refuse(f"output_padding {extra} as wide as the strides")
    sizes = operands[0].shape[2:]
    whole = [
        (size - 1) * s + (k - 1) * d + 1 + e
        for size, s, k, d, e in zip(sizes, strides, kernel, dilations, extra, strict=True)
    ]
    made = list(site.shape[2:])
    if site.attributes.get("output_shape") or auto.startswith("SAME"):
        # Implementations differ in what these mean together.
        if any(pads) or any(extra):
            raise site.refuse("pads or output_padding beside auto_pad or output_shape")
        totals = [w - m for w, m in zip(whole, made, strict=True)]
        if any(total < 0 for total in totals):
            raise site.refuse(f"makes {whole}, which is less than {made}")
        pads = _shared(totals, more_at_end=auto == "SAME_UPPER")
    if [w - p - q for w, p, q in zip(whole, pads[:n], pads[n:], strict=True)] != made:
        raise site.refuse(f"makes another size than the inferred {made}")
    return site.step(
        "ConvTranspose",
        operands,
        dilations=dilations,
        group=group,
        kernel_shape=kernel,
        output_padding=extra,
        pads=pads,
        strides=strides,
    )


def pool(site: Site) -> Value:
    """AveragePool and MaxPool."""
    x = site.computed(0)
    window = _window(site, list(site.attributes["kernel_shape"]))
    dilations = window.pop("dilations")
    if any(d != 1 for d in dilations):
        raise site.refuse(f"dilations {dilations}")
    if any(p >= k for p, k in zip(window["pads"], window["kernel_shape"] * 2, strict=True)):
        raise site.refuse("padding as wide as the window")
    if site.op == "MaxPool":
        return site.step("MaxPool", [x], **window)
    # Without padding there is none to count.
    counted = any(window["pads"]) and bool(site.attributes.get("count_include_pad", 0))
    return site.step("AveragePool", [x], count_include_pad=int(counted), **window)


def global_average(site: Site) -> Value:
    """GlobalAveragePool."""
    # Exporters write the same layer as this or as a mean over the spatial axes.
    x = site.computed(0)
    if len(x.shape) <= 2:
        raise ModelMalformed("a global pool over no spatial axis", place=site.place)
    return site.step("ReduceMean", [x], axes=list(range(2, len(x.shape))), keepdims=1)


def pad(site: Site) -> Value:
    """Pad, with a constant, with the edge's values or with those reflected in it."""
    x = site.computed(0)
    rank = len(x.shape)
    mode = site.attributes.get("mode", "constant")
    if mode not in ("constant", "edge", "reflect"):
        raise site.refuse(f"mode {mode}")
    if site.opset < 11:
        pads, value = list(site.attributes["pads"]), site.number("value", 0.0)
        axes = list(range(rank))
    else:
        pads, value = site.integers(1), site.scalar(2) if site.has(2) else 0.0
        axes = site.axes(site.integers(3)) if site.has(3) else list(range(rank))
    if len(pads) != 2 * len(axes):
        raise ModelMalformed("two pads for each dimension are needed", place=site.place)
    if any(p < 0 for p in pads):
        raise site.refuse("negative pads")
    if not any(pads):
        return x
    whole = [0] * 2 * rank
    for i, axis in enumerate(axes):
        whole[axis], whole[rank + axis] = pads[i], pads[len(axes) + i]
    if mode == "reflect" and any(p >= d for p, d in zip(whole, x.shape * 2, strict=True)):
        raise site.refuse(f"reflects {whole} of {list(x.shape)}")
    operands = [x, Fixed(np.array(whole, dtype=np.int64))]
    if mode == "constant" and value != 0:
        operands.append(Fixed(np.array(value, dtype=np.float32)))
    return site.step("Pad", operands, mode=mode)
