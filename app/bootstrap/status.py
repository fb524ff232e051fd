"""The program that serves certificate status."""

from __future__ import annotations

import threading

from flask import Flask

from app.adapters.ca_client import CaClient
from app.clock import utc_now
from app.settings import Settings
from app.status_following import StatusFollower
from app.storage.status_store import StatusStore
from app.web.status_answers import StatusAnswers
from app.web.status_pages import create_status_app

STATUS_TIMEOUT_SECONDS = 3
STATUS_FILE = "answers.db"


def status_application(settings: Settings) -> Flask:
    """CRL, OCSP and CA certificates."""
    # A hung authority must not hold the few threads that serve what is in memory.
    client = CaClient(settings.ca.socket, timeout_seconds=STATUS_TIMEOUT_SECONDS)
    store = StatusStore(settings.status.folder / STATUS_FILE)
    answers = StatusAnswers(client, store)
    follower = StatusFollower(
        CaClient(settings.ca.socket), store, answers, settings.status.ocsp_ahead, utc_now
    )
    threading.Thread(target=follower.run, args=(threading.Event(),), daemon=True, name="follower").start()
    return create_status_app(answers)
