"""The terms of use: which version is in force. The text is ``web/templates/sign_in/terms_text.html``."""

from __future__ import annotations

#: Change it together with the text; everybody is then asked again.
TERMS_VERSION = "2026-11"
