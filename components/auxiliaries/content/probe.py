"""How much features tell of the speaker, which content should not: a linear probe."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from components.core.errors import NothingScoredError

#: Both what is probed and what it is compared with are reduced to this many principal components: a probe of
#: more dimensions tells more, whatever they hold.
DIMENSIONS = 32
_ITERATIONS = 2000


def speaker_probe(
    fit: NDArray[np.float32], fit_speakers: Sequence[str], test: NDArray[np.float32], speakers: Sequence[str]
) -> float:
    """Share of test vectors whose speaker a logistic regression tells.

    Vectors are standardised, then reduced to their first `DIMENSIONS` principal components, whitened; all of
    it is learned from ``fit``.

    Args:
        fit: [N, D].
        fit_speakers: N names.
        test: [M, D].
        speakers: M names, among the former.

    Raises:
        NothingScoredError: fewer than two speakers, or nothing to test.
    """
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if len(set(fit_speakers)) < 2 or len(test) == 0:
        raise NothingScoredError(
            who="speaker probe",
            expected="clips of at least two speakers, and some to test",
            found=f"{len(set(fit_speakers))} speakers, {len(test)} vectors to test",
            action="measure on a corpus with several voices",
        )
    components = min(DIMENSIONS, *fit.shape)
    reduced = PCA(components, whiten=True, random_state=0)
    probe = make_pipeline(StandardScaler(), reduced, LogisticRegression(max_iter=_ITERATIONS))
    probe.fit(fit, list(fit_speakers))
    return float(probe.score(test, list(speakers)))
