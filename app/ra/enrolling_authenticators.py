"""Setting up an authenticator app on one's own page, signed in with one's card."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.domain.actor import Actor
from app.domain.one_time_code import (
    AuthenticatorNotSetUp,
    accepted_step,
    new_authenticator_secret,
    provisioning_uri,
    typed_code,
)
from app.ra.ports import Database
from app.ra.unlocking_by_code import UnlockSecrets


@dataclass(frozen=True)
class AuthenticatorRecord:
    """The app of the signed-in person. ``secret`` and ``uri`` are there only while it is being set up."""

    confirmed_at: datetime | None
    secret: str = ""
    uri: str = ""


class EnrollingAuthenticators:
    """Keeps a secret in common with somebody's app, encrypted."""

    def __init__(self, database: Database, secrets: UnlockSecrets, issuer: str) -> None:
        self._database = database
        self._secrets = secrets
        self._issuer = issuer

    def own(self, actor: Actor) -> AuthenticatorRecord | None:
        """The actor's app, if there is one. Once it is confirmed, nobody sees its secret again."""
        with self._database.read() as work:
            kept = work.authenticators.of(actor.uid)
        if kept is None:
            return None
        if kept.confirmed_at is not None:
            return AuthenticatorRecord(kept.confirmed_at)
        secret = self._secrets.unseal(kept.sealed_secret).decode()
        return AuthenticatorRecord(None, secret, provisioning_uri(secret, actor.uid, self._issuer))

    def begin(self, actor: Actor) -> None:
        """Make a new secret, in place of an earlier one, whose codes stop working."""
        sealed = self._secrets.seal(new_authenticator_secret().encode())
        with self._database.audited(actor, "authenticator.begun", actor.uid) as work:
            work.authenticators.begin(actor.uid, sealed)

    def confirm(self, actor: Actor, code: str) -> None:
        """Let the app's codes work, once one of them shows that it has the secret.

        Raises:
            AuthenticatorNotSetUp
        """
        with self._database.audited(actor, "authenticator.confirmed", actor.uid) as work:
            kept = work.authenticators.of(actor.uid)
            secret = self._secrets.unseal(kept.sealed_secret).decode() if kept else ""
            step = accepted_step(secret, typed_code(code), work.now) if secret else None
            if step is None or not work.authenticators.use_step(actor.uid, step):
                raise AuthenticatorNotSetUp(
                    "That is not the app's code now. Wait for the next code and enter it."
                )
            work.authenticators.confirm(actor.uid)

    def remove(self, actor: Actor) -> None:
        """Forget the app; its codes stop working."""
        with self._database.audited(actor, "authenticator.removed", actor.uid) as work:
            work.authenticators.remove(actor.uid)
