"""What stands in a job's folder: network, settings, inputs and witnesses as ezkl spells them."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zkinfer import _field
from zkinfer._ezkl._candidates import SALT_LIMBS
from zkinfer._settings import Visibility
from zkinfer_circuits import Model, with_public_tensors
from zkinfer_contracts import CONTEXT_LIMBS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zkinfer._files import WorkFolder
    from zkinfer._statement import Statement


def write_model(folder: WorkFolder, model: Model, *, exposed: bool) -> None:
    """Write the network as ezkl gets it, with the tensors that pass through."""
    graph = with_public_tensors(model, limbs=CONTEXT_LIMBS, expose_input=exposed, salt=SALT_LIMBS)
    (folder.path / "model.onnx").write_bytes(graph)


def write_circuit(folder: WorkFolder, model: Model, statement: Statement, settings: bytes) -> None:
    """Write the network and its settings."""
    exposed = statement.inputs is Visibility.PUBLIC
    write_model(folder, model, exposed=exposed)
    (folder.path / "settings.json").write_bytes(settings)


def draw_salt(magnitude: int) -> list[int]:
    """Return fresh random integers below a magnitude, to be range-checked beside the witness.

    ezkl commits, without blinding, to the number of occurrences of each digit and of each sign
    (its lookups are Haboeck's, ePrint 2022/1530, section 3, multiplicities m). The salt's digits
    are uniform: their counts alone have more than 200 bits of entropy in each column. The counts
    of the three signs can always be searched for; here they are blurred by drawing how many
    integers are zero and how many negative.
    """
    zeros = secrets.randbelow(SALT_LIMBS // 4 + 1)
    negatives = secrets.randbelow(SALT_LIMBS - zeros + 1)
    values = [1 + secrets.randbelow(magnitude - 1) for _ in range(SALT_LIMBS - zeros)]
    salt = [-v if i < negatives else v for i, v in enumerate(values)] + [0] * zeros
    secrets.SystemRandom().shuffle(salt)
    return salt


def write_input(
    path: Path,
    x: NDArray[np.float32],
    scale_bits: int,
    limbs: Sequence[int],
    salt: Sequence[int],
) -> None:
    """Write an input quantised by us (nearest integer, ties to even), so no decimal is parsed."""
    integers = np.rint(x.astype(np.float64).reshape(-1) * (1 << scale_bits))
    data = [
        [field_to_ezkl(_field.from_signed(int(v))) for v in integers],
        [field_to_ezkl(limb) for limb in limbs],
        [field_to_ezkl(_field.from_signed(value)) for value in salt],
    ]
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump({"input_data": data}, file)


def read_outputs(path: Path, raw: dict[str, Any]) -> NDArray[np.float64]:
    """Return the model's outputs in a witness, as real numbers."""
    # The context is last; the input, where it is exposed, is first.
    outputs = json.loads(path.read_bytes())["outputs"]
    scale = raw["model_output_scales"][len(outputs) - 2]
    values = [_field.to_signed(field_from_ezkl(text)) for text in outputs[-2]]
    return np.array(values, dtype=np.float64) / float(1 << scale)


def field_to_ezkl(value: int) -> str:
    """Return a field element as ezkl spells it."""
    return value.to_bytes(_field.BYTES, "little").hex()


def field_from_ezkl(text: str) -> int:
    """Return the field element that ezkl spells so."""
    return int.from_bytes(bytes.fromhex(text), "little")
