"""Errors of ours survive the way from a worker process."""

from __future__ import annotations

import pickle

import pytest

from components.core.errors import ConfigError, DataError, IrisError


@pytest.mark.parametrize("kind", [IrisError, DataError, ConfigError])
def test_an_error_of_a_worker_arrives_whole(kind: type[IrisError]) -> None:
    error = kind(who="ko_0007", expected="audio", found="text", action="record it", details=["row 7"])
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert type(again) is kind
    assert again.lines() == error.lines()
    assert again.exit_code == error.exit_code
