"""The command that writes a project for applications."""

from __future__ import annotations

from typing import TYPE_CHECKING

import zkinfer as zk

if TYPE_CHECKING:
    from argparse import Namespace

    from zkinfer._cli._screen import Screen


def export(options: Namespace, screen: Screen) -> int:
    """Write a project for applications."""
    vk = zk.VerifyingKey.load(options.key, allow_unsafe_srs=options.allow_unsafe_srs)
    bundle = None if options.proof is None else zk.ProofBundle.load(options.proof)
    made = zk.chain.export(vk, options.out, bundle=bundle)
    screen.say(f"circuit id     {made.circuit_id}")
    screen.say(f"SRS            {vk.srs.name}")
    screen.say(f"verifier       {made.verifier}")
    screen.say(f"written        {len(made.files)} files to {options.out}")
    screen.say("test it with 'forge test -vv' in that folder")
    screen.result(
        {
            "circuit_id": "0x" + bytes(made.circuit_id).hex(),
            "srs": vk.srs.name,
            "unsafe": vk.srs.unsafe,
            "verifier": made.verifier,
            "proof": bundle is not None,
            "folder": options.out,
            "files": list(made.files),
        }
    )
    return 0
