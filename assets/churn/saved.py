"""Models on disk: what is written of one, and the five doors that a file passes before it is a model again.

1. size and digest are those of the manifest; 2. unpacked it stays small; 3. it holds no type that is not on the list
below, whatever the file says of itself; 4. what it was learned to be is what the manifest says (identity); 5. twenty
rows score as they did on the day it was registered. Pickle, which runs code, is nowhere.
"""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from assets.churn.calibration import Calibration
from assets.churn.measures import Numbers
from assets.churn.model import ChurnModel, Kind
from assets.churn.patience import patient
from liangcang.errors import WarehouseError
from liangcang.manifest import canonical
from liangcang.registry import Registered

NAME = "churn"
MODEL, CALIBRATION, SIGNATURE, PROBE = "model.skops", "calibration.json", "signature.json", "probe.json"
TYPES: Mapping[Kind, frozenset[str]] = {
    "logistic": frozenset({"numpy.dtype"}),
    "trees": frozenset({"sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"}),
}
"""What a file may hold beyond the types that skops trusts by itself. Never what the file asks for."""
MOST_BYTES, MOST_PARTS = 64_000_000, 20_000
PROBES = 20
_AGAIN = "train anew; what was registered is not this"


def dumped(model: ChurnModel, values: Numbers, *, seed: int) -> dict[str, bytes]:
    """The files of a model. `values` are the training rows, from which the probe is drawn."""
    patient()
    import skops.io

    probe = made_up(values, seed=seed)
    logit = model.logit(probe)
    return {
        MODEL: bytes(skops.io.dumps(model.estimator)),
        CALIBRATION: canonical(model.calibration.to_json()),
        SIGNATURE: canonical(
            {
                "kind": model.kind,
                "identity": model.identity,
                "inputs": [{"name": name, "type": "DOUBLE", "usual": usual} for name, usual in _usual(model)],
            }
        ),
        PROBE: canonical(
            {
                "rows": [[None if np.isnan(value) else float(value) for value in row] for row in probe],
                "logit": [float(value) for value in logit],
                "score": [float(value) for value in model.score(logit)],
            }
        ),
    }


def made_up(values: Numbers, *, seed: int) -> Numbers:
    """Twenty rows in the range of the training rows, none of which is anybody's: each input is shuffled by itself."""
    draw = np.random.default_rng(seed)
    rows = np.full((PROBES, values.shape[1]), np.nan)
    for column, found in enumerate(values.T):
        known = found[~np.isnan(found)]
        spread = np.quantile(known, np.linspace(0, 1, PROBES))
        spread[draw.random(PROBES) < min(np.isnan(found).mean(), 0.5)] = np.nan
        rows[:, column] = draw.permutation(spread)
    return rows


def load(registered: Registered) -> ChurnModel:
    """The model of a registered version. Raises WarehouseError, and runs nothing of the file, when it is another."""
    try:
        return _load(registered)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        kind = type(error).__name__
    raise WarehouseError("the files of the model do not fit together", file=registered.folder, found=kind, next=_AGAIN)


def _load(registered: Registered) -> ChurnModel:
    path = registered.folder / MODEL
    data = registered.read(MODEL)
    signature = json.loads(registered.read(SIGNATURE))
    kind: Kind = signature["kind"]
    _bounded(data, path)
    model = ChurnModel(
        kind=kind,
        estimator=_read(data, kind, path),
        names=tuple(item["name"] for item in signature["inputs"]),
        usual=tuple(float(item["usual"]) for item in signature["inputs"]),
        calibration=Calibration.from_json(json.loads(registered.read(CALIBRATION))),
    )
    try:
        identity = model.identity
    except (AttributeError, TypeError, ValueError, KeyError):
        identity = "nothing that can be told"
    if not identity == signature["identity"] == registered.facts.get("identity"):
        raise WarehouseError(
            "the model is not the one that was registered",
            file=path,
            expected=f"identity {str(registered.facts.get('identity'))[:12]}…",
            found=identity[:24],
            next=_AGAIN,
        )
    _probed(model, json.loads(registered.read(PROBE)), path)
    return model


def _bounded(data: bytes, path: Any) -> None:
    """A file that unpacks to more than a model can be is refused before it is unpacked."""
    try:
        parts = zipfile.ZipFile(io.BytesIO(data)).infolist()
    except zipfile.BadZipFile:
        raise WarehouseError("the model's file is no archive", file=path, next=_AGAIN) from None
    size = sum(part.file_size for part in parts)
    if size > MOST_BYTES or len(parts) > MOST_PARTS:
        raise WarehouseError(
            "the model's file unpacks to more than a model can be",
            file=path,
            expected=f"at most {MOST_BYTES:,} bytes in {MOST_PARTS:,} parts",
            found=f"{size:,} bytes in {len(parts):,} parts",
            next=_AGAIN,
        )


def _read(data: bytes, kind: Kind, path: Any) -> Any:
    patient()
    import skops.io

    allowed = sorted(TYPES[kind])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of another version of scikit-learn: identity and probe decide
            strange = sorted(set(skops.io.get_untrusted_types(data=data)) - set(allowed))
            made = None if strange else skops.io.loads(data, trusted=allowed)
    except Exception as error:  # noqa: BLE001  (whatever a file that is no model makes the library raise)
        fault = WarehouseError("the model's file cannot be read", file=path, found=type(error).__name__, next=_AGAIN)
    else:
        if not strange:
            return made
        fault = WarehouseError(
            "the model's file holds types that no model of ours has",
            file=path,
            expected=", ".join(allowed),
            found=", ".join(strange[:5]),
            next=_AGAIN,
        )
    raise fault


def _probed(model: ChurnModel, probe: Mapping[str, Any], path: Any) -> None:
    rows = np.array([[np.nan if value is None else value for value in row] for row in probe["rows"]], dtype=np.float64)
    logit = model.logit(rows)
    score = model.score(logit)
    wrong = int(((logit != np.array(probe["logit"])) | (score != np.array(probe["score"]))).sum())
    if wrong:
        raise WarehouseError(
            "the model no longer scores as it did when it was registered",
            file=path,
            expected=f"{len(rows)} rows as recorded",
            found=f"{wrong} of them differ",
            next="train anew: the libraries may have changed",
        )


def _usual(model: ChurnModel) -> list[tuple[str, float]]:
    return list(zip(model.names, model.usual, strict=True))
