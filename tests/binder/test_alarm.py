"""An alarm rings once for work that is late, and never for work that is done."""

from __future__ import annotations

import threading
import time

from binder.alarm import alarm


def test_it_rings_for_what_is_late() -> None:
    rung = threading.Event()
    with alarm(0.05, rung.set):
        assert rung.wait(5)


def test_it_does_not_ring_for_what_is_done() -> None:
    rung = threading.Event()
    with alarm(1.0, rung.set):
        pass
    time.sleep(1.2)
    assert not rung.is_set()


def test_a_sooner_alarm_rings_before_a_later_one_that_was_set_first() -> None:
    order: list[str] = []
    done = threading.Event()

    def later() -> None:
        order.append("later")
        done.set()

    with alarm(1.0, later), alarm(0.05, lambda: order.append("sooner")):
        assert done.wait(5)
    assert order == ["sooner", "later"]


def test_many_threads_each_have_their_own() -> None:
    rung = [0] * 40

    def work(number: int) -> None:
        late = threading.Event()

        def ring() -> None:
            rung[number] += 1
            late.set()

        with alarm(0.1 if number % 2 else 60, ring):
            late.wait(10 if number % 2 else 0.4)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rung == [0, 1] * 20
