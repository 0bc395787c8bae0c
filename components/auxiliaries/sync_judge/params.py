"""``auxiliaries.sync_judge``: of the form of ``auxiliaries.syncnet``, with numbers of its own."""

from __future__ import annotations

from components.auxiliaries.syncnet.params import Section

__all__ = ["Section"]
