"""Before scikit-learn is imported: its threads shall sleep while they wait."""

from __future__ import annotations

import os


def patient() -> None:
    """Let OpenMP's threads sleep while they wait. Called before scikit-learn is imported, wherever it is.

    Spinning threads that share a core with another process make trees up to twenty times slower. What the operator has
    set stands.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
