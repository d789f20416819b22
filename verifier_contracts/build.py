"""Compile the Solidity sources into the artefacts that ship in the wheel.

A development tool: it needs node and the compiler that package.json pins (``npm ci`` here).

    python build.py            write zkinfer_contracts/artifacts/*.json
    python build.py --check    rebuild, compare byte by byte, write nothing
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "zkinfer_contracts" / "sources"
ARTIFACTS = HERE / "zkinfer_contracts" / "artifacts"
SOLC = HERE / "node_modules" / "solc"
COMPILER = "0.8.30"
SETTINGS: dict[str, Any] = {
    "evmVersion": "cancun",
    "metadata": {"bytecodeHash": "none"},
    "optimizer": {"enabled": True, "runs": 200},
}
# Sources below this folder are compiled by themselves, with these settings.
PLUMB = "plumb/"
# The own sequence of steps of the optimiser copies functions to each place that calls them: code
# would be half as long again as a chain allows. This sequence does so at its end only, when
# expressions are whole again: there, no more than the shortest functions are copied.
_STEPS = (
    "dhfoDgvulfnTUtnf[x[r]EscLMVcul[j]TpeulgvCTUca[r]LSsTFOtfDnca[r]Iulc]"
    "jmul[jul]ieulVcTOculjmul:fDnTOmu"
)
PLUMB_SETTINGS: dict[str, Any] = {
    **SETTINGS,
    "viaIR": True,
    "optimizer": {
        **SETTINGS["optimizer"],
        "details": {
            "yul": True,
            "yulDetails": {"stackAllocation": True, "optimizerSteps": _STEPS},
        },
    },
}
OUTPUTS = [
    "abi",
    "evm.bytecode.object",
    "evm.deployedBytecode.object",
    "evm.deployedBytecode.immutableReferences",
]
_DRIVER = """
const solc = require(process.argv[1]);
let text = '';
process.stdin.on('data', (part) => { text += part; });
process.stdin.on('end', () => {
  process.stdout.write(JSON.stringify({version: solc.version(), output: solc.compile(text)}));
});
"""
# In a warning about code that we do not edit, these say nothing new.
_KNOWN_WARNINGS = {"Halo2VerifierReusable.sol"}


class BuildError(Exception):
    """The compiler is absent or of another version, or it refuses the sources."""


def read_sources(directory: Path = SOURCES) -> dict[str, str]:
    """Return every Solidity file below ``directory``, by its path relative to it."""
    return {
        path.relative_to(directory).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(directory.rglob("*.sol"))
    }


def compile_sources(sources: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Compile a set of sources with the pinned compiler and settings.

    The contracts of Plumb are compiled apart from the others: their settings are their own, and
    the code of the others does not depend on them.

    Parameters
    ----------
    sources : dict of str to str
        File name, as imports write it, to text.

    Returns
    -------
    dict of str to dict
        Contract name to artefact: contractName, abi, bytecode, deployedBytecode,
        immutableReferences, compiler, settings. Interfaces and libraries without code of their
        own are among them, with empty bytecode.

    Raises
    ------
    BuildError
        If the compiler is absent or another one, or the sources do not compile; the message
        holds what it said.
    """
    others = {name: text for name, text in sources.items() if not name.startswith(PLUMB)}
    made = _compile(others, sorted(others), SETTINGS) if others else {}
    if others.keys() != sources.keys():
        made |= _compile(sources, sorted(sources.keys() - others.keys()), PLUMB_SETTINGS)
    return made


def _compile(
    sources: dict[str, str], wanted: list[str], settings: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """Compile sources; return the artefacts of the wanted files by the contracts' names."""
    node = shutil.which("node")
    if node is None or not (SOLC / "package.json").is_file():
        raise BuildError("no Solidity compiler: run `make setup` (it needs node and npm)")
    request = {
        "language": "Solidity",
        "sources": {name: {"content": text} for name, text in sorted(sources.items())},
        "settings": {
            **settings,
            "outputSelection": {
                "*": {"": ["ast"]},
                **{name: {"*": OUTPUTS, "": ["ast"]} for name in wanted},
            },
        },
    }
    done = subprocess.run(
        [node, "-e", _DRIVER, str(SOLC)],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if done.returncode != 0:
        raise BuildError(f"the compiler stopped with {done.returncode}: {done.stderr[-2000:]}")
    answer = json.loads(done.stdout[done.stdout.index("{") :])
    match = re.match(r"\d+\.\d+\.\d+", answer["version"])
    if match is None or match.group() != COMPILER:
        raise BuildError(f"this is solc {answer['version']}; {COMPILER} is pinned")
    output = json.loads(answer["output"])
    _raise_on_trouble(output.get("errors", []))
    names = _variable_names(output["sources"])
    return {
        name: {
            "contractName": name,
            "abi": contract["abi"],
            "bytecode": contract["evm"]["bytecode"]["object"],
            "deployedBytecode": contract["evm"]["deployedBytecode"]["object"],
            "immutableReferences": {
                names[key]: sorted([place["start"], place["length"]] for place in places)
                for key, places in contract["evm"]["deployedBytecode"]
                .get("immutableReferences", {})
                .items()
            },
            "compiler": f"solc {answer['version']}",
            "settings": settings,
        }
        for contracts in output["contracts"].values()
        for name, contract in contracts.items()
    }


def _raise_on_trouble(errors: list[dict[str, Any]]) -> None:
    ours = [
        error["formattedMessage"]
        for error in errors
        if error["severity"] == "error"
        or error.get("sourceLocation", {}).get("file") not in _KNOWN_WARNINGS
    ]
    if ours:
        raise BuildError("\n".join(ours))


def _variable_names(sources: dict[str, Any]) -> dict[str, str]:
    """Map the compiler's numbers of contracts' variables to their names."""
    return {
        str(member["id"]): member["name"]
        for source in sources.values()
        for contract in source["ast"]["nodes"]
        for member in contract.get("nodes", [])
        if member["nodeType"] == "VariableDeclaration"
    }


def render(artifact: dict[str, Any]) -> str:
    """Return the text of one artefact file, the same for the same artefact everywhere."""
    return json.dumps(artifact, indent=1, sort_keys=True) + "\n"


def build() -> dict[str, str]:
    """Compile the sources; return the artefact files by name, with their text."""
    return {
        f"{name}.json": render(artifact)
        for name, artifact in compile_sources(read_sources()).items()
        if artifact["abi"]
    }


def main(arguments: list[str] | None = None) -> int:
    """Write the artefacts, or compare them with ``--check``; return an exit code."""
    parser = argparse.ArgumentParser(description="Compile the contracts.")
    parser.add_argument("--check", action="store_true", help="compare only")
    options = parser.parse_args(arguments)
    try:
        files = build()
    except BuildError as error:
        print(error, file=sys.stderr)
        return 3
    present = {path.name: path for path in ARTIFACTS.glob("*.json")}
    stale = sorted(
        name
        for name in files.keys() | present.keys()
        if name not in files
        or name not in present
        or present[name].read_text(encoding="utf-8") != files[name]
    )
    if options.check:
        if stale:
            print(f"stale: {', '.join(stale)}; run build.py", file=sys.stderr)
        return 1 if stale else 0
    ARTIFACTS.mkdir(exist_ok=True)
    for name in stale:
        if name in files:
            (ARTIFACTS / name).write_text(files[name], encoding="utf-8")
        else:
            present[name].unlink()
    for name, text in sorted(files.items()):
        artifact = json.loads(text)
        print(f"{len(artifact['deployedBytecode']) // 2:>6} bytes  {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
