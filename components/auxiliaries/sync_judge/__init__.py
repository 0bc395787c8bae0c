"""A second SyncNet of other voices, faces and seed: it judges lip sync and never was anyone's loss."""
