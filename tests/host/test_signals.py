"""A signal that comes while a process is started waits, so that the process is known."""

from __future__ import annotations

import signal
import threading

import pytest

from fpgacomp.cli.stop import noticing_signals, was_stopped
from fpgacomp.host.signals import held_signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_within_the_block_comes_behind_it(number: signal.Signals) -> None:
    done = []
    with noticing_signals():
        with pytest.raises(KeyboardInterrupt):
            with held_signals():
                signal.raise_signal(number)
                done.append("started and kept")
            done.append("behind the block")
        assert was_stopped()
    assert done == ["started and kept"]


def test_handlers_are_as_before_and_what_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    interrupt = signal.getsignal(signal.SIGINT)
    try:
        with held_signals():
            signal.raise_signal(signal.SIGTERM)
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGINT) is interrupt
    finally:
        signal.signal(signal.SIGTERM, before)


def test_another_thread_holds_nothing() -> None:
    ran = []

    def work() -> None:
        with held_signals():
            ran.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert ran == [True]
