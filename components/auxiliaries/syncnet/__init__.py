"""SyncNet: whether lips and sound belong together, for the loss of a lip-sync generator."""
