"""Long work lets other threads run, tells how far it is, and stops when it is told to."""

import signal
import sys
import threading
import time

import numpy as np
import pytest

import zkinfer_core as core
from tests.unit.core.networks import network, powers, srs
from tests.unit.core.test_core import CONTEXT

STAGES = ["execute", "commit", "commit helpers", "weights", "look-ups", "claims", "open"]
LOG_ROWS = 12


class Job:
    """A network whose columns are long for its size, so that its work takes a while."""

    def __init__(self):
        self.srs = srs(LOG_ROWS)
        self.net = network(log_rows=LOG_ROWS, log_pad=7)
        self.pk = core.setup(self.srs, self.net.descriptor, self.net.weights)

    def setup(self, **options):
        return core.setup(self.srs, self.net.descriptor, self.net.weights, **options)

    def prove(self, **options):
        return core.prove(self.srs, self.pk, self.net.x, CONTEXT, **options)


@pytest.fixture(scope="module")
def job():
    return Job()


def test_progress_goes_from_the_first_stage_to_the_last(job):
    heard = []
    proof = job.prove(on_progress=lambda *step: heard.append(step))
    core.verify(job.pk.verifying_key(), *proof, CONTEXT)
    assert [*dict.fromkeys(stage for stage, _ in heard)] == STAGES
    fractions = [done for _, done in heard]
    assert fractions == sorted(set(fractions))
    assert fractions[0] == 0
    assert fractions[-1] < 1


def test_a_setup_commits_and_then_registers(job):
    heard = []
    job.setup(on_progress=lambda *step: heard.append(step))
    assert heard[0] == ("commit weights", 0)
    assert [*dict.fromkeys(stage for stage, _ in heard)][1:] == STAGES[1:]
    fractions = [done for _, done in heard]
    assert fractions == sorted(set(fractions))
    assert fractions[-1] < 1
    public = network(weights="public")
    heard.clear()
    core.setup(srs(), public.descriptor, public.weights, on_progress=lambda *x: heard.append(x))
    assert [stage for stage, _ in heard] == ["commit weights"] * len(heard)
    assert [done for _, done in heard] == [i / len(heard) for i in range(len(heard))]


class Stop(Exception):
    """What a callback raises."""


@pytest.mark.parametrize("stage", STAGES)
def test_an_exception_of_the_callback_ends_the_proof(job, stage):
    heard = []

    def on_progress(now, done):
        heard.append(now)
        if now == stage:
            raise Stop(done)

    with pytest.raises(Stop):
        job.prove(on_progress=on_progress)
    assert heard[-1] == stage
    assert heard.count(stage) == 1


@pytest.mark.parametrize("raised", [core.Cancelled, KeyboardInterrupt, SystemExit])
def test_whatever_the_callback_raises_is_raised(job, raised):
    def on_progress(stage, done):
        raise raised

    for work in (job.prove, job.setup):
        with pytest.raises(raised):
            work(on_progress=on_progress)


def test_a_callback_that_cannot_be_called_is_an_error(job):
    with pytest.raises(TypeError):
        job.prove(on_progress=3)


def test_ctrl_c_stops_a_proof(job):
    started = time.monotonic()
    job.prove()
    whole = time.monotonic() - started
    timer = threading.Timer(whole / 10, signal.raise_signal, [signal.SIGINT])
    timer.start()

    def prove_on():
        for _ in range(50):
            job.prove()

    with pytest.raises(KeyboardInterrupt):
        prove_on()
    timer.join()


class Meanwhile:
    """A thread that counts as long as somebody lets it."""

    def __init__(self):
        self.ticks, self.stop = 0, False
        self.thread = threading.Thread(target=self.count)

    def count(self):
        while not self.stop:
            self.ticks += 1
            time.sleep(0.0001)

    def __enter__(self):
        # nobody is made to give way: the thread runs when, and only when, the work lets it
        self.interval = sys.getswitchinterval()
        sys.setswitchinterval(60)
        self.thread.start()
        return self

    def __exit__(self, *_):
        sys.setswitchinterval(self.interval)
        self.stop = True
        self.thread.join()

    def during(self, work, *args):
        before = self.ticks
        work(*args)
        return self.ticks - before


def test_other_threads_run_meanwhile(job):
    vk = job.pk.verifying_key()
    proof = job.prove()
    committed = network(inputs="committed", log_rows=LOG_ROWS, log_pad=7)
    linked = core.setup(job.srs, committed.descriptor, committed.weights).verifying_key()
    work = {
        "check parameters": lambda: core.Srs.from_bytes(*powers(LOG_ROWS)),
        "setup": lambda: [job.setup() for _ in range(3)],
        "commit": lambda: [core.commit_input(job.srs, linked, committed.x) for _ in range(50)],
        "prove": job.prove,
        "verify": lambda: core.verify(vk, *proof, CONTEXT),
    }
    with Meanwhile() as thread:
        held = thread.during(lambda: sum(np.arange(1000).tolist()))
        ticks = {name: thread.during(run) for name, run in work.items()}
    assert held == 0
    assert all(ticks.values()), ticks


def test_threads_prove_at_once(job):
    proofs = []
    threads = [threading.Thread(target=lambda: proofs.append(job.prove())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for proof in proofs:
        core.verify(job.pk.verifying_key(), *proof, CONTEXT)
    assert len({proof for proof, _ in proofs}) == 3
