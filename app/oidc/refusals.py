"""What the provider refuses, by the error codes of the standards.

Sources: RFC 6749 sections 4.1.2.1 and 5.2; OpenID Connect Core 1.0 section 3.1.2.6; RFC 6750 section 3.1;
OpenID Connect Core Unmet Authentication Requirements 1.0.
"""

from __future__ import annotations

from typing import ClassVar

from app.errors import Refusal


class NotAddressable(Refusal):
    """The request does not say safely where an answer may go, so a page says what is wrong."""

    code = "relying_party_not_addressable"


class UnknownRelyingParty(NotAddressable):
    """No relying party is registered under the client_id."""

    code = "unknown_relying_party"


class RedirectUriNotRegistered(NotAddressable):
    """The redirect_uri is not, character for character, one that was registered."""

    code = "redirect_uri_not_registered"


class ProtocolError(Refusal):
    """An error that a relying party understands. The message is the ``error_description``."""

    code: ClassVar[str] = "server_error"
    status: ClassVar[int] = 400


class InvalidRequest(ProtocolError):
    """A parameter is missing, repeated or wrong."""

    code = "invalid_request"


class RequestNotSupported(ProtocolError):
    """Request objects are not taken."""

    code = "request_not_supported"


class RequestUriNotSupported(ProtocolError):
    """Request objects by reference are not taken."""

    code = "request_uri_not_supported"


class UnsupportedResponseType(ProtocolError):
    """Only the authorization code flow is offered."""

    code = "unsupported_response_type"


class InvalidScope(ProtocolError):
    """The scope is not one for this relying party."""

    code = "invalid_scope"


class LoginRequired(ProtocolError):
    """The person must sign in, but the relying party wants no page shown."""

    code = "login_required"


class InteractionRequired(ProtocolError):
    """The person must accept terms or choose a role, but the relying party wants no page shown."""

    code = "interaction_required"


class UnmetAuthenticationRequirements(ProtocolError):
    """A card sign-in does not reach the level asked for as essential."""

    code = "unmet_authentication_requirements"


class InvalidClient(ProtocolError):
    """The relying party did not prove who it is."""

    code = "invalid_client"
    status = 401


class InvalidGrant(ProtocolError):
    """The code or refresh token is unknown, used, expired, revoked, or another relying party's."""

    code = "invalid_grant"


class UnauthorizedClient(ProtocolError):
    """The relying party is not registered for this grant type."""

    code = "unauthorized_client"


class UnsupportedGrantType(ProtocolError):
    """The grant type is none that the token endpoint takes."""

    code = "unsupported_grant_type"


class InvalidToken(ProtocolError):
    """The access token is unknown, expired or revoked, or its session has ended."""

    code = "invalid_token"
    status = 401


class InvalidLogoutRequest(NotAddressable):
    """The id_token_hint of a sign-out request is not one of ours."""

    code = "invalid_logout_request"
