"""VALL-E X: cross-lingual neural codec language model (Zhang et al. 2023, arXiv 2303.03926)."""
