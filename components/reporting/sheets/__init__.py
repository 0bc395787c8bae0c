"""The eight sheets of the parameter sheet, one file each; every ``fill`` writes one."""
