"""When a process is called hung: after it answered once and then not for long enough, or never after a long start."""

import time

from coinsphere.local import liveness
from coinsphere.local.supervision import Running
from coinsphere.local.watch import Patience, Watch
from coinsphere.settings import Settings

KEY = ("ml", 7)


def found(patience: Patience, *seen: tuple[float, bool | None]) -> list[bool]:
    return [patience.is_over(KEY, answers=answers, now=now) for now, answers in seen]


def test_one_that_has_answered_hangs_after_a_silence_without_a_break() -> None:
    patience = Patience(60)
    seen = (0, True), (5, False), (60, False), (64.9, False), (65, False)
    assert found(patience, *seen) == [False, False, False, False, True]


def test_an_answer_in_between_begins_the_silence_anew() -> None:
    patience = Patience(60)
    seen = (0, True), (5, False), (50, True), (60, False), (110, False), (120, False)
    assert found(patience, *seen) == [False, False, False, False, False, True]


def test_what_cannot_be_told_is_held_against_nobody() -> None:
    patience = Patience(60)
    seen = (0, True), (5, False), (40, None), (70, False), (129, False)
    assert not any(found(patience, *seen))


def test_one_that_never_answered_has_the_time_of_a_start() -> None:
    patience = Patience(60)
    seen = (0, False), (61, False), (599, False), (600, False)
    assert found(patience, *seen) == [False, False, False, True]


def test_a_successor_begins_anew() -> None:
    patience = Patience(60)
    assert found(patience, (0, True), (5, False)) == [False, False]
    assert not patience.is_over(("ml", 8), answers=False, now=100)


def test_a_beat_that_was_seen_is_not_looked_for_in_the_next_seconds(tmp_path, monkeypatch) -> None:
    watch, asked, now = Watch(Settings(home=tmp_path)), [], [100.0]
    answers = {"worker": True, "dagster-daemon": False, "api": True}
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(
        liveness, "answers", lambda name, _: (asked.append((now[0], name)), answers[name])[1]
    )
    for now[0] in (100, 103, 111):
        for name, answer in answers.items():
            assert watch._ask(Running(name, "RUNNING", 7, None)) == ((name, 7), answer)
    watch._ask(Running("worker", "RUNNING", 8, None))
    assert [at for at, name in asked if name == "worker"] == [100, 111, 111]
    assert len(asked) == 3 + 2 * 3
