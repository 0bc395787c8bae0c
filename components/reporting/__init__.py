"""Runs → parameter sheet, IRIS note, review page. Every printed figure carries its status (`figures`)."""
