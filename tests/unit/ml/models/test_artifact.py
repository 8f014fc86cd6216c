"""A model is loaded only if every byte of it is what was registered."""

import json
from datetime import UTC, date, datetime

import pytest

from ml.errors import ArtifactRefused
from ml.models import artifact, catalog, residual
from ml.models import manifest as manifests
from ml.models.artifact import TokenFacts
from ml.models.ewma import Ewma
from tests.unit.ml.conftest import TOKEN

FACTS = TokenFacts(
    algorithm="ewma",
    token_id=TOKEN.id,
    symbol="ABC",
    run_id="r1",
    trained_at=datetime(2026, 1, 2, 3, tzinfo=UTC),
    data_cutoff=datetime(2026, 1, 2, tzinfo=UTC),
    held_out_from=date(2025, 11, 1),
    data_digest="0" * 64,
    price_source="test",
    code_version="abc",
)


@pytest.fixture
def files(series) -> dict[str, bytes]:
    return artifact.pack(residual.calibrate(Ewma(), series), FACTS)


@pytest.fixture
def registered(files) -> str:
    return manifests.digest(files["manifest.json"])


@pytest.fixture(autouse=True)
def _nothing_is_parsed_before_it_is_verified(monkeypatch):
    """What is refused for its digest or name never reaches the code that reads it."""
    load = catalog.load
    monkeypatch.setattr(catalog, "load", lambda *given: (LOADED.append(given[0]), load(*given))[1])
    LOADED.clear()


LOADED: list[str] = []


def test_what_was_packed_is_unpacked(files, registered):
    opened = artifact.unpack(files, registered)
    assert opened.facts == FACTS
    assert opened.forecaster.algorithm == "ewma"
    assert LOADED == ["ewma"]


def test_an_altered_file_is_refused(files, registered):
    altered = {**files, "parameters.json": files["parameters.json"] + b" "}
    _refused(altered, registered, "parameters.json is not the file")


def test_an_altered_manifest_is_refused(files, registered):
    """Whoever alters a file and the manifest beside it still lacks the digest that the registry keeps."""
    altered = {**files, "parameters.json": files["parameters.json"] + b" "}
    manifest = json.loads(files["manifest.json"])
    manifest["files"]["parameters.json"] = manifests.digest(altered["parameters.json"])
    altered["manifest.json"] = json.dumps(manifest).encode()
    _refused(altered, registered, "manifest.json is not the file")


def test_a_missing_file_is_refused(files, registered):
    _refused({"manifest.json": files["manifest.json"]}, registered, "parameters.json is missing")
    _refused({}, registered, "manifest.json is missing")


def test_a_file_beside_the_models_own_is_refused(files, registered):
    _refused({**files, "weights.pkl": b"\x80\x04."}, registered, r"not named .*weights\.pkl")


@pytest.mark.parametrize("name", ["../parameters.json", "/etc/passwd", "weights.pkl", "a/b.json"])
def test_a_manifest_that_names_another_file_is_refused(files, name):
    manifest = json.loads(files["manifest.json"])
    manifest["files"][name] = manifests.digest(b"x")
    altered = {**files, name: b"x", "manifest.json": json.dumps(manifest).encode()}
    _refused(altered, manifests.digest(altered["manifest.json"]), "consists of")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": 2}, "format"),
        ({"algorithm": "pickle"}, "no algorithm"),
        ({"token_id": "BTC"}, "makes no sense"),
        ({"files": None}, "makes no sense"),
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused(files, change, reason):
    manifest = {**json.loads(files["manifest.json"]), **change}
    altered = {**files, "manifest.json": json.dumps(manifest).encode()}
    _refused(altered, manifests.digest(altered["manifest.json"]), reason)


def test_parameters_of_another_model_are_refused(series):
    files = residual.calibrate(Ewma(), series).files()
    parameters = files["parameters.json"].replace(b'"ewma"', b'"naive"')
    manifest = {
        "format": 1,
        **FACTS.to_json(),
        "files": {"parameters.json": manifests.digest(parameters)},
    }
    text = json.dumps(manifest).encode()
    with pytest.raises(ArtifactRefused, match="cannot be loaded"):
        artifact.unpack(
            {"parameters.json": parameters, "manifest.json": text}, manifests.digest(text)
        )


def _refused(files, digest, reason) -> None:
    with pytest.raises(ArtifactRefused, match=reason):
        artifact.unpack(files, digest)
    assert LOADED == []
