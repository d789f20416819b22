"""The compiled contracts that ship with this package."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from ._ids import keccak256

VERIFIER = "EzklInferenceVerifier"
HALO2 = "Halo2VerifierReusable"


@dataclass(frozen=True)
class Artifact:
    """One compiled contract.

    Attributes
    ----------
    name : str
        The contract's name.
    abi : tuple of mappings
        Its interface, as the compiler writes it.
    bytecode : bytes
        What creates it; constructor arguments follow.
    runtime : bytes
        What then stands at its address, with zeros for the immutables.
    immutable_references : mapping of str to tuple of (int, int)
        Where each immutable stands in ``runtime``: start and length, in order.
    """

    name: str
    abi: tuple[Mapping[str, Any], ...] = field(repr=False)
    bytecode: bytes = field(repr=False)
    runtime: bytes = field(repr=False)
    immutable_references: Mapping[str, tuple[tuple[int, int], ...]] = field(repr=False)

    def immutables(self, code: bytes) -> dict[str, bytes] | None:
        """Return the immutables of ``code`` by name, or None if it is not this contract's.

        That code is this contract's does not show that this contract's constructor wrote it:
        creation code of anyone's can return it, with immutables of their choice.
        """
        if len(code) != len(self.runtime):
            return None
        masked = bytearray(code)
        values = {}
        for name, places in self.immutable_references.items():
            found = {code[start : start + length] for start, length in places}
            if len(found) != 1:
                return None
            values[name] = found.pop()
            for start, length in places:
                masked[start : start + length] = bytes(length)
        return values if bytes(masked) == self.runtime else None

    def selector(self, name: str) -> bytes:
        """Return the four bytes that call the function, or name the error, of that name.

        Raises
        ------
        KeyError
            If the interface has no such entry.
        """
        for entry in self.abi:
            if entry.get("name") == name and entry["type"] in ("function", "error"):
                return entry_selector(entry)
        raise KeyError(name)


def entry_selector(entry: Mapping[str, Any]) -> bytes:
    """Return the selector of one function or error of an interface."""
    types = ",".join(parameter_type(parameter) for parameter in entry["inputs"])
    return keccak256(f"{entry['name']}({types})".encode())[:4]


def parameter_type(parameter: Mapping[str, Any]) -> str:
    """Return a parameter's canonical type, a struct as the tuple of its members."""
    kind: str = parameter["type"]
    if not kind.startswith("tuple"):
        return kind
    members = ",".join(parameter_type(member) for member in parameter["components"])
    return f"({members}){kind.removeprefix('tuple')}"


@cache
def artifact(name: str) -> Artifact:
    """Return a shipped contract by name.

    Raises
    ------
    KeyError
        If no contract of that name ships.
    """
    place = resources.files(__package__) / "artifacts" / f"{name}.json"
    if not name.isidentifier() or not place.is_file():
        raise KeyError(f"no contract {name!r} ships; there are {', '.join(artifact_names())}")
    data = json.loads(place.read_text(encoding="utf-8"))
    return Artifact(
        name=data["contractName"],
        abi=tuple(data["abi"]),
        bytecode=bytes.fromhex(data["bytecode"]),
        runtime=bytes.fromhex(data["deployedBytecode"]),
        immutable_references=MappingProxyType(
            {
                key: tuple((start, length) for start, length in places)
                for key, places in data["immutableReferences"].items()
            }
        ),
    )


def artifact_names() -> tuple[str, ...]:
    """Return the names of the contracts that ship, in order."""
    directory = resources.files(__package__) / "artifacts"
    return tuple(
        sorted(
            p.name.removesuffix(".json") for p in directory.iterdir() if p.name.endswith(".json")
        )
    )
