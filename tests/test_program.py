import signal

import pytest

from tests.program import free_ports, started, until

ENDLESS = "import time\nprint('up', flush=True)\ntime.sleep(60)"


def test_ctrl_c_ends_a_program_even_where_its_parent_ignores_it():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with started("-c", ENDLESS) as process:
            assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
            assert process.stdout.readline() == "up\n"
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == -signal.SIGINT
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_program_ends_with_a_test_that_fails():
    with pytest.raises(ZeroDivisionError), started("-c", ENDLESS) as process:
        raise ZeroDivisionError
    assert process.returncode == -signal.SIGKILL


def test_waiting_has_an_end():
    with pytest.raises(AssertionError, match=r"not so after 0\.1 s"):
        until(lambda: False, 0.1)


def test_neighbouring_ports_are_other_ones():
    assert len({free_ports(2) for _ in range(5)}) > 1
