"""What the OpenID provider is made of."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping

from app.adapters.openid_keys import TokenPlace
from app.oidc.relying_party import RelyingParty, parse
from app.settings import Settings


def openid_token_place(settings: Settings) -> TokenPlace:
    """Where the OpenID provider's signing keys are."""
    openid = settings.openid
    return TokenPlace(openid.module, openid.softhsm_conf, openid.token_label, openid.pin_file)


def relying_parties(settings: Settings) -> Mapping[str, RelyingParty]:
    """The registered relying parties.

    Raises:
        RegistrationNotUsable: naming the relying party and what is wrong.
    """
    file = settings.openid.clients_file
    return parse(tomllib.loads(file.read_text()), lambda name: (file.parent / name).read_bytes())
