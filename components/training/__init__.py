"""The one training loop: every model brings a `TrainingTask`, everything else happens here."""
