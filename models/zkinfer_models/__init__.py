"""Small trained networks with held-out data, and how they were trained.

Importing this needs numpy alone. PyTorch is needed only for `zkinfer_models.torch_models` and
for training again: ``python -m zkinfer_models.train.digits_cnn --out DIR``.
"""

from ._registry import ModelCard, Samples, UnknownModel, model, models

__all__ = ["ModelCard", "Samples", "UnknownModel", "model", "models"]
