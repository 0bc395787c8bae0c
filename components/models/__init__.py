"""The four models, one folder each; siblings never import each other.

A folder holds ``params.py`` (torch-free: the typed ``models.<name>`` section as ``Section``), and once the
model can be trained, ``spec.py`` with the hooks that the stages call.
"""
