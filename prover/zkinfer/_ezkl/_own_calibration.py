"""ezkl with the settings that its own calibration picks: what the benchmarks compare with.

Everything else is as in `EzklBackend`: the same graph with its context and salt, the same canonical
order of settings, the same keys, proofs and contract. Only the numbers in the settings differ.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from zkinfer._ezkl import _candidates, _process
from zkinfer._ezkl._backend import EzklBackend
from zkinfer._ezkl._candidates import SALT_LIMBS
from zkinfer._ezkl._process import Call, CallFailed, Job
from zkinfer._statement import canonical_json
from zkinfer_contracts import CONTEXT_LIMBS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from zkinfer._files import WorkFolder
    from zkinfer._progress import OnProgress
    from zkinfer._settings import CircuitSettings
    from zkinfer_circuits import Model

# As in ezkl's notebooks: about twenty samples, target "resources", all else left to it.
_CALIBRATED = 20
_VISIBILITIES = {
    "input_visibility": "private",
    "output_visibility": "public",
    "param_visibility": "fixed",
}


class OwnCalibration(EzklBackend):
    """The ezkl backend with `gen_settings` and `calibrate_settings` as ezkl documents them."""

    def _choose(
        self,
        folder: WorkFolder,
        model: Model,
        samples: NDArray[np.float32],
        floats: NDArray[np.float32],
        settings: CircuitSettings,
        on_progress: OnProgress | None,
    ) -> tuple[dict[str, Any], NDArray[np.float64]]:
        del floats, settings  # neither a scale nor an error bound is asked for
        at = folder.path
        few = samples[:_CALIBRATED]
        # ezkl takes the samples of each input one after the other; context and salt are zero.
        data = [few.reshape(-1).tolist()]
        data += [[0.0] * (len(few) * width) for width in (CONTEXT_LIMBS, SALT_LIMBS)]
        (at / "calibration.json").write_text(json.dumps({"input_data": data}))
        model_path, settings_path = str(at / "model.onnx"), str(at / "settings.json")
        calls = (
            Call(
                "gen_settings",
                "choosing settings",
                {"model": model_path, "output": settings_path, "run_args": _VISIBILITIES},
            ),
            Call(
                "calibrate_settings",
                "ezkl's own calibration",
                {
                    "data": str(at / "calibration.json"),
                    "model": model_path,
                    "settings": settings_path,
                    "target": "resources",
                },
            ),
        )
        try:
            _process.run(Job("compile", calls, 5.0), folder, on_progress)
            raw = _candidates.canonical_settings((at / "settings.json").read_bytes())
            (at / "settings.json").write_bytes(canonical_json(raw))
            outputs = self._witnesses(folder, model, raw, samples, "accuracy", on_progress)
        except CallFailed as error:
            raise _process.failed(error) from None
        return raw, outputs

    def _require_derived(
        self, folder: WorkFolder, raw: dict[str, Any], on_progress: OnProgress | None
    ) -> None:
        """Take ezkl's own calibration as it is: its settings follow from data as well."""
