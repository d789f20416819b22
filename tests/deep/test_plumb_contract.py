"""20,000 damaged proofs, public inputs and keys on the contract: none is accepted.

Half of them, and more, are coherent: everything after the damage is made anew. The dishonest
provers are in Rust (prover/core/plumb/src/tests/campaign); core and contract must agree on each.
Settings, for a shorter run:

    ZKINFER_CONTRACT_MUTATIONS   how many in all (20,000)
    ZKINFER_CONTRACT_SEED        the first seed (1)
"""

import os

import pytest

from tests.fixtures.plumb_mutations import Mutations, binary, read, split, start

PROCESSES = 2
WHOLE = 20_000
# Some mutations are of what no contract reads: another kind of file, other parameters.
MARGIN = 1.1


def setting(name, otherwise):
    return int(os.environ.get(f"ZKINFER_CONTRACT_{name}", otherwise))


@pytest.mark.deep
def test_no_mutation_is_accepted_on_chain(tmp_path):
    wanted, seed = setting("MUTATIONS", WHOLE), setting("SEED", 1)
    program = binary()
    paths = [tmp_path / f"{i}.jsonl" for i in range(PROCESSES)]
    each = int(wanted * MARGIN) // PROCESSES
    started = [start(program, path, each, seed + i) for i, path in enumerate(paths)]
    assert [process.wait() for process in started] == [0] * PROCESSES
    shown = coherent = 0
    for path in paths:
        cases, lines = split(read(path))
        mutations = Mutations(cases)
        for line in lines:
            assert mutations.show(line), line
        shown += mutations.shown
        coherent += mutations.coherent
    assert shown >= wanted
    assert coherent >= shown // 2
