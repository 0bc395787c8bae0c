"""The bottom room: typed parameters, records, errors and ports. Imports no torch and no platform."""
