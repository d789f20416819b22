"""The network as the ezkl backend proves it: with tensors that pass straight through."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._import import Model


def with_public_tensors(model: Model, *, limbs: int, expose_input: bool, salt: int = 0) -> bytes:
    """Return `model` with a context that is made public, and on request its input.

    Parameters
    ----------
    model
        The network, from float32 "x" to float32 "y".
    limbs
        How many numbers the context has: a second float32 input "context", shape [1, limbs], is
        passed on as output "context_out", so that whatever it holds becomes a public input.
    expose_input
        Pass "x" on as output "x_out" as well.

    salt
        How many numbers of a third float32 input "salt", shape [1, salt], which nothing reads;
        0 leaves it out.

    Returns
    -------
    bytes
        A deterministic ModelProto; inputs "x", "context" [, "salt"], outputs ["x_out",] "y",
        "context_out".

    Raises
    ------
    ValueError
        `limbs` is not an integer from 1 to 1024, or `salt` not one from 0 to 1024.
    """
    from onnx import ModelProto, TensorProto, helper

    if not isinstance(limbs, int) or not 1 <= limbs <= 1024:
        raise ValueError(f"limbs must be an integer from 1 to 1024, not {limbs!r}")
    if not isinstance(salt, int) or not 0 <= salt <= 1024:
        raise ValueError(f"salt must be an integer from 0 to 1024, not {salt!r}")
    made = ModelProto.FromString(model.onnx)
    graph = made.graph
    graph.input.append(helper.make_tensor_value_info("context", TensorProto.FLOAT, [1, limbs]))
    if salt:
        graph.input.append(helper.make_tensor_value_info("salt", TensorProto.FLOAT, [1, salt]))
    outputs = [helper.make_tensor_value_info("context_out", TensorProto.FLOAT, [1, limbs])]
    graph.node.append(
        helper.make_node("Identity", ["context"], ["context_out"], name="pass_context")
    )
    outputs.insert(0, graph.output[0])
    if expose_input:
        outputs.insert(
            0, helper.make_tensor_value_info("x_out", TensorProto.FLOAT, model.input_shape)
        )
        graph.node.append(helper.make_node("Identity", ["x"], ["x_out"], name="pass_x"))
    kept = [value.SerializeToString() for value in outputs]
    del graph.output[:]
    for value in kept:
        graph.output.add().ParseFromString(value)
    return bytes(made.SerializeToString(deterministic=True))
