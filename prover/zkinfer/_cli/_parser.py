"""Commands and their arguments."""

from __future__ import annotations

import argparse
from importlib.metadata import version
from typing import TYPE_CHECKING

from zkinfer._bench import BACKENDS, RANDOM
from zkinfer._cli import _commands as commands
from zkinfer._cli import _onchain as onchain_commands
from zkinfer._cli._export import export as run_export
from zkinfer._parameters._ceremonies import PUBLISHED
from zkinfer._settings import Optimize, Visibility
from zkinfer_models import models

if TYPE_CHECKING:
    from collections.abc import Callable

    from zkinfer._cli._screen import Screen

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]
    Run = Callable[[argparse.Namespace, Screen], int]

_VISIBILITIES = [v.value for v in Visibility]


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="zkinfer",
        description="Prove that an output came from a model, on an input that stays hidden.",
        epilog="Exit status: 0 done, 1 a proof that does not verify, 2 wrong input, "
        "3 wrong environment. 'zkinfer explain CODE' explains an error.",
    )
    parser.add_argument("--version", action="version", version=version("zkinfer"))
    groups = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(
        name: str, run: Run, text: str, parents: Subparsers | None = None
    ) -> argparse.ArgumentParser:
        made = (parents or groups).add_parser(name, help=text, description=text)
        made.add_argument("--json", action="store_true", help="print one JSON document")
        made.set_defaults(run=run)
        return made

    demo = command("demo", commands.demo, "show the main job on shipped real data, end to end")
    ids = [card.id for card in models() if card.small]
    demo.add_argument("--model", default=ids[0], choices=ids, help="a shipped model")

    compile_ = command("compile", commands.compile_, "turn an ONNX model into a circuit")
    compile_.add_argument("model", help="the ONNX file")
    compile_.add_argument("--calibration", required=True, help=".npy or .npz of typical inputs")
    for tensor in ("inputs", "weights", "outputs"):
        compile_.add_argument(
            f"--{tensor}", required=True, choices=_VISIBILITIES, help="who learns them"
        )
    compile_.add_argument(
        "--backend",
        choices=["plumb", "ezkl"],
        help="the proof system: zkinfer's own, which hides weights too, or ezkl, which proves "
        "some operations that the first does not; unless given, the first one that can do it",
    )
    compile_.add_argument(
        "--optimize",
        default=Optimize.BALANCED.value,
        choices=[goal.value for goal in Optimize],
        help="what to make small: the time of a proof, the gas of its verification, or both",
    )
    compile_.add_argument("--scale-bits", type=int, help="fixed-point precision")
    compile_.add_argument("--max-error", type=float, help="largest accepted error")
    compile_.add_argument("-o", "--out", required=True, help="the circuit's file")

    setup = command("setup", commands.setup, "make a circuit's keys")
    setup.add_argument("circuit")
    srs_choice = setup.add_mutually_exclusive_group(required=True)
    srs_choice.add_argument(
        "--srs",
        help="a file (.srs, .ptau or .g1g2), or the name of a ceremony in the cache; of a .ptau or "
        ".g1g2 the size that the circuit needs is imported",
    )
    srs_choice.add_argument(
        "--unsafe-test-srs",
        action="store_true",
        help="parameters whose secret everybody knows: for tests only",
    )
    _unsafe(setup)
    setup.add_argument("-o", "--out", required=True, help="the keys' folder")

    prove = command("prove", commands.prove, "prove the output on an input")
    prove.add_argument("key", help="the proving key")
    prove.add_argument("input", help=".npy or .npz of one input")
    _context(prove)
    _unsafe(prove)
    prove.add_argument("-o", "--out", required=True, help="the proof bundle's file")

    verify = command("verify", commands.verify, "verify a proof")
    verify.add_argument("key", help="the verifying key")
    verify.add_argument("bundle", help="the proof bundle")
    _context(verify)
    verify.add_argument("--circuit-id", help="the circuit expected, 64 hex digits")
    _unsafe(verify)

    deploy = command("deploy", onchain_commands.deploy, "deploy a circuit's verifier contract")
    deploy.add_argument("key", help="the verifying key")
    deploy.add_argument(
        "--verifier",
        metavar="ADDR",
        help="Plumb's contract on this chain; unless given it is found, or created",
    )
    _node(deploy)
    _unsafe(deploy)

    onchain = command(
        "verify-onchain", onchain_commands.verify_onchain, "have a contract verify a proof"
    )
    onchain.add_argument("bundle", help="the proof bundle")
    onchain.add_argument("--contract", required=True, help="the verifier's address")
    expected = onchain.add_mutually_exclusive_group()
    expected.add_argument(
        "--circuit-id",
        help="the circuit expected; unless given, the one that ezkl's contract pins. Plumb's pins "
        "none: there this or --key is needed",
    )
    expected.add_argument(
        "--key",
        help="its verifying key instead, for circuits whose proofs have values in an order of "
        "their own, too",
    )
    _unsafe(onchain)
    onchain.add_argument("--send", action="store_true", help="send a transaction, not only a call")
    _node(onchain)

    export = command(
        "export", run_export, "write contracts and tests for applications of a circuit"
    )
    export.add_argument("key", help="the verifying key")
    export.add_argument("--proof", help="a proof bundle for the tests to verify")
    _unsafe(export)
    export.add_argument("-o", "--out", required=True, help="the project's folder, new or empty")

    run = command("run", commands.run, "run a circuit's model without proving")
    run.add_argument("circuit", nargs="?")
    run.add_argument("input", nargs="?", help=".npy or .npz of one input or a stack of them")
    run.add_argument(
        "--models", help="instead: shipped models, with commas, on their held-out data"
    )
    run.add_argument("--mode", required=True, choices=["float", "reference", "mock"])

    report = command("report", commands.report, "say what a circuit is, costs and reveals")
    report.add_argument("circuit")
    report.add_argument("--data", help=".npy or .npz of inputs to measure errors and ranges on")
    report.add_argument("--html", metavar="FILE", help="write a page with plots as well")

    _bench(command("bench", commands.bench, "measure backends side by side"))

    inspect = command("inspect", commands.inspect, "say what an artefact holds")
    inspect.add_argument("file")

    command("ops", commands.ops, "list the supported operators")

    srs = groups.add_parser("srs", help="universal parameters: list, fetch, import, check")
    parts = srs.add_subparsers(title="commands", required=True, metavar="COMMAND")
    command("list", commands.srs_list, "list what the cache holds, and what can be fetched", parts)

    fetch = command("fetch", commands.srs_fetch, "download a ceremony's file and import it", parts)
    fetch.add_argument("ceremony", choices=list(PUBLISHED), help="whose parameters")
    fetch.add_argument(
        "--k",
        type=int,
        required=True,
        help="the size, 2^K powers, as in the report of the circuit; for ppot-0085 Lagrange points "
        "are then made (see 'import')",
    )

    part = command(
        "import", commands.srs_import, "check every point of a file, and copy it into the cache",
        parts,
    )  # fmt: skip
    part.add_argument("file", help="halo2's .srs, snarkjs' .ptau, or plain powers (.g1g2)")
    part.add_argument(
        "--k",
        type=int,
        help="the size, 2^K powers; without it all that a .srs or a prepared .ptau holds, else 11. "
        "Lagrange points that a file lacks are made, once: about 10 s for K = 11, 20 s for 12, "
        "40 s for 13, 80 s for 14, and so on",
    )
    _unsafe(part)

    part = command("check", commands.srs_check, "check every point of a file", parts)
    part.add_argument("file", help="halo2's .srs, snarkjs' .ptau, or plain powers (.g1g2)")
    _unsafe(part)

    command("doctor", commands.doctor, "say what this environment has and lacks")

    explain = command("explain", commands.explain, "explain an error code")
    explain.add_argument("code", help="such as ZK203")
    return parser


def _bench(parser: argparse.ArgumentParser) -> None:
    small = ",".join(card.id for card in models() if card.small)
    backends = ",".join(BACKENDS)
    large = ", ".join(card.id for card in models() if not card.small)
    random = ", ".join(each.id for each in RANDOM)
    parser.add_argument(
        "--models",
        default=small,
        metavar="A,B",
        help=f"default {small}; there are {large}, and with random weights {random}",
    )
    parser.add_argument(
        "--backends",
        default=backends,
        metavar="A,B",
        help=f"default {backends}; ratios are against the first; ezkl-default is ezkl with the "
        "settings that its own calibration picks",
    )
    parser.add_argument("--runs", type=int, default=5, help="proofs measured of each (5)")
    parser.add_argument(
        "--chain",
        action=argparse.BooleanOptionalAction,
        help="verify on the embedded chain (where its packages are installed)",
    )
    parser.add_argument(
        "--together",
        type=int,
        default=0,
        metavar="N",
        help="there, verify N of Plumb's proofs in one transaction as well",
    )
    parser.add_argument("--html", metavar="FILE", help="write a page with plots as well")


def _unsafe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--allow-unsafe-srs",
        action="store_true",
        help="accept parameters of no known ceremony: for tests only",
    )


def _context(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--context", help="32 bytes as 64 hex digits, bound into the statement")


def _node(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rpc", required=True, help="the node's URL")
    parser.add_argument("--account", help="an encrypted keystore; its password is asked for")
    parser.add_argument("--password-file", help="a file whose first line is the password")
