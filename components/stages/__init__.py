"""Composition: one file a stage, each with ``run(context) -> Outcome``. The list is ``core.stage_graph``."""
