"""Which traces are told, how much of them, and what a collector that hangs costs."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import structlog
from pydantic import SecretStr

from coinsphere.errors import ConfigurationError
from coinsphere.observability import requests, spans, traces
from coinsphere.observability.parts import Part, headers_of
from coinsphere.observability.spans import Spans
from coinsphere.settings import Settings
from tests.fakes.collector import Collector, collector

_LOW, _HIGH = "0123456789abcdef" * 2, "f0123456789abcde" * 2


@pytest.fixture
def told() -> Iterator[Collector]:
    with collector() as made:
        yield made


def _spans(url: str, share: float = 1.0) -> Spans:
    return spans.build(Settings(traces_url=SecretStr(url), traces_share=share), "test")


def test_the_name_of_a_trace_decides_whether_it_is_told(told):
    own = _spans(told.url, share=0.1)
    for named in (_LOW, _HIGH):
        with own.first(named, Part("root")), own.after(named, Part("job")):
            assert spans.is_told() is (named is _LOW)
            assert structlog.contextvars.get_contextvars().get("trace_id") == (
                _LOW if named is _LOW else None
            )
    assert "trace_id" not in structlog.contextvars.get_contextvars()
    own.stop()
    (root,), (job,) = told.named("root"), told.named("job")
    assert (root.trace, root.id, root.parent) == (_LOW, _LOW[:16], "")
    assert (job.trace, job.parent) == (_LOW, root.id)


def test_of_a_trace_that_is_not_told_what_broke_is(told):
    own = _spans(told.url, share=0)
    with pytest.raises(ValueError, match="hunter2"), own.after(_HIGH, Part("job")):
        raise ValueError("hunter2")
    with own.after("", Part("fine")):
        pass
    own.stop()
    (only,) = told.spans
    assert (only.name, only.trace, only.parent, only.failed) == ("job", _HIGH, _HIGH[:16], True)
    assert only.attributes == {"error.type": "ValueError"}
    assert "hunter2" not in "".join(told.heard)


def test_of_a_part_so_many_steps_are_told_and_the_rest_counted(told):
    own = _spans(told.url)
    with own.first(_LOW, Part("root")):
        for _ in range(1_200):
            if spans.takes_step():
                with own.step(Part("step")):
                    pass
    own.stop()
    assert len(told.named("step")) == 1_000
    assert told.named("root")[0].attributes == {"coinsphere.steps.untold": 200}


def test_another_thread_goes_on_with_the_request_that_it_helps(told, monkeypatch):
    own = _spans(told.url)
    monkeypatch.setattr(traces, "_spans", own)

    def help_out() -> tuple[str, str | None]:
        with own.step(Part("help")):
            return requests.current(), traces.header()

    requests.bind(_LOW)
    try:
        with own.first(_LOW, Part("root")), ThreadPoolExecutor(1) as helpers:
            named, header = helpers.submit(traces.carried(help_out)).result()
            assert helpers.submit(requests.current).result() == ""
            assert helpers.submit(traces.header).result() is None
    finally:
        requests.unbind()
    own.stop()
    (helped,) = told.named("help")
    assert named == _LOW
    assert header is not None
    assert header.split("-")[1:3] == [_LOW, helped.id]
    assert helped.parent == _LOW[:16]


def test_another_process_goes_on_only_with_what_is_told(told):
    own = _spans(told.url)
    for flags, name in (("01", "told"), ("00", "untold")):
        with own.continued(f"00-{_LOW}-{_LOW[:16]}-{flags}", Part(name)):
            pass
    with own.continued("nonsense", Part("nonsense")):
        pass
    own.stop()
    assert [each.name for each in told.spans] == ["told"]


def test_a_collector_that_hangs_stops_neither_work_nor_the_end():
    with collector(hangs=True) as told:
        own = _spans(told.url)
        for _ in range(10_000):
            with own.first(_LOW, Part("root")):
                pass
        own.stop()
        assert told.asked.is_set()
        assert not told.spans


@pytest.mark.parametrize("url", ["collector:4318", "ftp://hunter2@collector", "http://"])
def test_an_address_that_is_none_is_refused_without_telling_it(url):
    with pytest.raises(ConfigurationError, match="COINSPHERE_TRACES_URL") as refused:
        _spans(url)
    assert "hunter2" not in str(refused.value)


def test_headers_are_sent_and_nonsense_is_refused_without_telling_it():
    given = Settings(traces_headers=SecretStr("Authorization=Basic YTpi==, X-Scope-OrgID = 1"))
    assert headers_of(given) == {"Authorization": "Basic YTpi==", "X-Scope-OrgID": "1"}
    with pytest.raises(ConfigurationError, match="COINSPHERE_TRACES_HEADERS") as refused:
        headers_of(Settings(traces_headers=SecretStr("hunter2")))
    assert "hunter2" not in str(refused.value)
