"""Wav2Lip: lip synchronisation by a sync expert (Prajwal et al. 2020, arXiv 2008.10010)."""
