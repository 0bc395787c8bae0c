"""A page in headless Chromium: what its own script has written into it is read back."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

#: A path or name; else what a machine usually calls one.
NAMED = "IRIS_BROWSER"
_USUAL = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
_ASKED = os.environ.get(NAMED, "")
BROWSER = next((found for name in ((_ASKED,) if _ASKED else _USUAL) if (found := shutil.which(name))), None)
WITHOUT = (
    f"no Chromium here ({', '.join((_ASKED,) if _ASKED else _USUAL)}); install one or name it in {NAMED}"
)
_FLAGS = ("--headless", "--disable-gpu", "--autoplay-policy=no-user-gesture-required", "--dump-dom")
_BUDGETS_MS = (8_000, 60_000, 300_000)
"""Virtual time. It runs ahead of media, which load in real time: on a busy machine the first may not do."""


def pressed(browser: str, page: Path, profile: Path) -> dict[str, Any]:
    """The JSON in ``<pre id="seen">``, which the page appends when its presses are done."""
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
    told = ""
    for number, budget in enumerate(_BUDGETS_MS):
        flags = (*_FLAGS, *sandbox, f"--virtual-time-budget={budget}", f"--user-data-dir={profile}{number}")
        done = subprocess.run(
            [browser, *flags, page.as_uri()], capture_output=True, encoding="utf-8", timeout=300, check=False
        )
        found = re.search(r'<pre id="seen">(.*?)</pre>', done.stdout, re.DOTALL)
        if found:
            state: dict[str, Any] = json.loads(html.unescape(found[1]))
            return state
        told = done.stderr[-2000:]
    raise AssertionError(told)
