"""What a revert's data say, whatever the types of the error's arguments."""

from __future__ import annotations

from typing import Any

import pytest

from zkinfer_contracts import VerificationReverted, artifact, artifact_names, keccak256
from zkinfer_contracts import _calldata as calldata_module
from zkinfer_contracts._artifacts import entry_selector
from zkinfer_contracts._calldata import decode_revert, word


def of(name: str, contract: str, *words: bytes | int) -> VerificationReverted:
    return decode_revert(artifact(contract).selector(name) + b"".join(word(w) for w in words))


def test_every_custom_error_has_a_name() -> None:
    seen = set()
    for name in artifact_names():
        for entry in artifact(name).abi:
            if entry["type"] != "error":
                continue
            data = entry_selector(entry) + bytes(32 * len(entry["inputs"]))
            decoded = decode_revert(data)
            assert decoded.name == entry["name"]
            assert len(decoded.arguments) == len(entry["inputs"])
            seen.add(entry["name"])
    assert {"LayoutRefused", "NotRegistered", "PublicInputOutOfDomain", "UnknownCircuit"} <= seen


def test_an_enum_is_its_number() -> None:
    assert of("LayoutRefused", "PlumbLayouts", 7, 123).arguments == (7, 123)


def test_bytes32_are_bytes() -> None:
    label = b"label".ljust(32, b"\0")
    caught = of("ZeroChallenge", "PlumbVerifier", label)
    assert caught.arguments == (label,)
    assert f"ZeroChallenge(0x{label.hex()})" in str(caught)


def test_signed_integers_are_signed() -> None:
    low = (-5).to_bytes(32, "big", signed=True)
    caught = of("PublicInputOutOfDomain", "PlumbVerifier", 2, low, 5, 2**256 - 1)
    assert caught.arguments == (2, -5, 5, 2**256 - 1)


@pytest.fixture
def an_error(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Pretend that a contract has an error of these parameters; return its selector."""

    def add(signature: str, *parameters: dict[str, Any]) -> bytes:
        entry = {"type": "error", "name": "Odd", "inputs": parameters}
        assert entry_selector(entry) == keccak256(signature.encode())[:4]
        types = tuple(calldata_module._members(parameters))
        known = {entry_selector(entry): ("Odd", types)}
        monkeypatch.setattr(calldata_module, "_errors", lambda: known)
        return entry_selector(entry)

    return add


def test_a_structs_members_are_arguments(an_error: Any) -> None:
    inner = {"type": "tuple", "components": [{"type": "bool"}, {"type": "bytes4"}]}
    outer = {"type": "tuple", "components": [{"type": "int8"}, inner]}
    selector = an_error("Odd((int8,(bool,bytes4)),uint16)", outer, {"type": "uint16"})
    minus = (-1).to_bytes(32, "big", signed=True)
    data = selector + minus + word(1) + word(b"\1\2\3\4") + word(9)
    assert decode_revert(data).arguments == (-1, True, b"\1\2\3\4", 9)


def test_arguments_of_no_fixed_length_leave_an_error_unnamed(an_error: Any) -> None:
    parts = {"type": "tuple[]", "components": [{"type": "uint8"}, {"type": "string"}]}
    selector = an_error("Odd((uint8,string)[])", parts)
    assert decode_revert(selector + word(32)).name == ""
