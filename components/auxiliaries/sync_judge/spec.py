"""The evaluation SyncNet's hooks: the same code as `syncnet`, other voices, other faces, other weights."""

from __future__ import annotations

from components.auxiliaries.syncnet.loading import JUDGE
from components.auxiliaries.syncnet.spec import SyncNetSpec

SPEC = SyncNetSpec(JUDGE, "evaluator")
