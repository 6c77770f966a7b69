"""A model loads only if it is the file that was registered, and scores its sample rows as it did then."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from churn_by_hand import panel

from assets.churn import saved
from assets.churn.calibration import Calibration
from assets.churn.judging import Part
from assets.churn.learning import KINDS, fitted
from assets.churn.model import Kind
from liangcang import registry
from liangcang.errors import WarehouseError
from liangcang.manifest import canonical, sha256
from liangcang.place import Place, create
from liangcang.registry import Registered

ROWS = Part(panel(parties=60).rows, ("bal_mean_90", "bal_30_90", "debit_30_bal", "act_count_30", "r_days"))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A warehouse with one model of either kind. Only to be read, or copied."""
    made = create(tmp_path_factory.mktemp("saved"), bank="berka")
    for kind in KINDS:
        model = fitted(kind, ROWS.values, ROWS.churned, names=ROWS.names, seed=7)
        model = model.calibrated(Calibration(kind="platt", slope=0.9, intercept=-0.1))
        files = saved.dumped(model, ROWS.values, seed=7)
        facts = {"identity": model.identity}
        registry.register(made, "churn", kind, files, facts=facts, stage="candidate", by="a tester", reason="trained")
    return made


@pytest.fixture
def copied(place: Place, tmp_path: Path) -> Callable[[Kind], Registered]:
    """A registered model in a folder that the test may break."""

    def copy(kind: Kind) -> Registered:
        shutil.copytree(place.models, tmp_path / "models")
        return registry.find(Place(tmp_path, place.id, place.bank), "churn", kind)

    return copy


def signed_again(registered: Registered, file: str, data: bytes) -> Registered:
    """Put another file in its place and its digest into the manifest, as one would who may write the warehouse."""
    (registered.folder / file).write_bytes(data)
    path = registered.folder / registry.MANIFEST
    said = json.loads(path.read_bytes())
    said["files"][file] = {"sha256": sha256(data), "bytes": len(data)}
    path.write_bytes(canonical(said))
    place = Place(registered.folder.parents[2], "", "")
    return registry.find(place, registered.name, registered.version)


def repacked(data: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    """The same archive with other contents."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return out.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_comes_back_as_it_was(place: Place, kind: Kind) -> None:
    again = saved.load(registry.find(place, "churn", kind))
    first = fitted(kind, ROWS.values, ROWS.churned, names=ROWS.names, seed=7)
    assert (again.names, again.usual) == (first.names, first.usual)
    assert again.logit(ROWS.values).tolist() == first.logit(ROWS.values).tolist()
    assert again.calibration == Calibration(kind="platt", slope=0.9, intercept=-0.1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("file", [saved.MODEL, saved.CALIBRATION, saved.SIGNATURE, saved.PROBE])
def test_one_flipped_byte_of_any_file_is_refused(copied, kind: Kind, file: str) -> None:
    registered = copied(kind)
    path = registered.folder / file
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(WarehouseError, match=f"{file} is not what was registered") as caught:
        saved.load(registered)
    assert "SHA-256" in caught.value.details["expected"]


def test_a_file_of_another_size_is_refused_before_it_is_read(copied) -> None:
    registered = copied("trees")
    (registered.folder / saved.MODEL).write_bytes(b"")
    with pytest.raises(WarehouseError, match="not what was registered") as caught:
        saved.load(registered)
    assert caught.value.details["found"] == "0 bytes"


def test_a_changed_leaf_is_refused_though_its_digest_is_signed_again(copied) -> None:
    """skops loads it without complaint."""
    import skops.io

    registered = copied("trees")
    other = skops.io.loads(registered.read(saved.MODEL), trusted=sorted(saved.TYPES["trees"]))
    nodes = other._predictors[0][0].nodes
    leaf = int(np.flatnonzero(nodes["is_leaf"])[0])
    nodes["value"][leaf] = -nodes["value"][leaf]
    changed = signed_again(registered, saved.MODEL, skops.io.dumps(other))
    with pytest.raises(WarehouseError, match="not the one that was registered"):
        saved.load(changed)


def test_another_calibration_is_refused_though_its_digest_is_signed_again(copied) -> None:
    registered = copied("logistic")
    data = canonical(Calibration(kind="platt", slope=0.9, intercept=2.0).to_json())
    with pytest.raises(WarehouseError, match="not the one that was registered"):
        saved.load(signed_again(registered, saved.CALIBRATION, data))


def test_a_model_that_scores_otherwise_than_it_did_is_refused(copied) -> None:
    """As after an upgrade of a library: the parameters are the same, what is made of them is not."""
    registered = copied("trees")
    probe = json.loads(registered.read(saved.PROBE))
    probe["logit"][3] += 0.000001
    with pytest.raises(WarehouseError, match="no longer scores as it did") as caught:
        saved.load(signed_again(registered, saved.PROBE, canonical(probe)))
    assert caught.value.details["found"] == "1 of them differ"


def test_a_zip_bomb_is_refused_before_it_is_unpacked(copied) -> None:
    registered = copied("logistic")
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("schema.json", "w") as part:
        for _ in range(80):
            part.write(bytes(1_000_000))
    assert len(bomb.getvalue()) < 200_000
    with pytest.raises(WarehouseError, match="unpacks to more than a model can be") as caught:
        saved.load(signed_again(registered, saved.MODEL, bomb.getvalue()))
    assert caught.value.details["found"] == "80,000,000 bytes in 1 parts"


def test_a_type_that_is_not_on_the_list_is_refused_whatever_the_file_asks_for(copied) -> None:
    import os

    import skops.io
    from sklearn.preprocessing import FunctionTransformer

    registered = copied("logistic")
    with pytest.raises(WarehouseError, match="types that no model of ours has") as caught:
        saved.load(signed_again(registered, saved.MODEL, skops.io.dumps(FunctionTransformer(os.system))))
    assert "posix.system" in caught.value.details["found"]
    trees = (registered.folder.parent / "trees" / saved.MODEL).read_bytes()
    with pytest.raises(WarehouseError, match="types that no model of ours has"):
        saved.load(signed_again(registered, saved.MODEL, trees))


@pytest.mark.parametrize(
    "data",
    [b"", b"PK", b"\x80\x04\x95", b"not a model"],
)
def test_what_is_no_archive_is_refused(copied, data: bytes) -> None:
    with pytest.raises(WarehouseError, match="no archive"):
        saved.load(signed_again(copied("logistic"), saved.MODEL, data))


def test_an_archive_that_is_no_model_is_refused(copied) -> None:
    registered = copied("logistic")

    def nonsense(name: str, content: bytes) -> bytes:
        return b'{"__class__": "list"}' if name == "schema.json" else content

    data = repacked(registered.read(saved.MODEL), nonsense)
    with pytest.raises(WarehouseError) as caught:
        saved.load(signed_again(registered, saved.MODEL, data))
    assert caught.value.details["file"].endswith(saved.MODEL)


@pytest.mark.parametrize(
    ("file", "data"),
    [(saved.SIGNATURE, b"{}"), (saved.CALIBRATION, b"[]"), (saved.PROBE, b'{"rows": [[1]]}'), (saved.PROBE, b"no")],
)
def test_files_that_do_not_fit_together_are_refused(copied, file: str, data: bytes) -> None:
    with pytest.raises(WarehouseError, match="do not fit together"):
        saved.load(signed_again(copied("logistic"), file, data))


def test_a_sound_model_of_another_kind_of_thing_is_refused(copied) -> None:
    """Everything in it is trusted by skops itself."""
    import skops.io
    from sklearn.linear_model import LinearRegression

    other: Any = LinearRegression().fit(np.nan_to_num(ROWS.values), ROWS.churned)
    with pytest.raises(WarehouseError, match="not the one that was registered"):
        saved.load(signed_again(copied("logistic"), saved.MODEL, skops.io.dumps(other)))


def test_the_rows_of_the_probe_are_nobodys_and_lie_within_the_training_rows() -> None:
    probe = saved.made_up(ROWS.values, seed=7)
    assert probe.shape == (saved.PROBES, 5)
    assert (np.nanmin(probe, axis=0) >= np.nanmin(ROWS.values, axis=0)).all()
    assert (np.nanmax(probe, axis=0) <= np.nanmax(ROWS.values, axis=0)).all()
    assert np.isnan(probe[:, 4]).any() and not np.isnan(probe[:, 0]).any()
    real = {tuple(row) for row in np.nan_to_num(ROWS.values).tolist()}
    assert real.isdisjoint(tuple(row) for row in np.nan_to_num(probe).tolist())
