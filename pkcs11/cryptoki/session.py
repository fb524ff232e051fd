"""A session with a token: keys and certificates made, found, read and destroyed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self, cast

import pkcs11.types
from cryptography import x509
from pkcs11 import Attribute, Mechanism, ObjectClass
from pkcs11.types import DecryptMixin, Object, SignMixin

from cryptoki import errors
from cryptoki.certificates import CertificateObject, certificate_template, read_certificate
from cryptoki.key_matching import is_same, signs_as
from cryptoki.key_spec import (
    CAPABILITIES,
    GENERATION,
    KeySpec,
    KeyUsage,
    private_template,
    public_template,
)
from cryptoki.module_state import ModuleState
from cryptoki.object_search import always_authenticate, name_of, search_template
from cryptoki.private_keys import PrivateKey, private_key_of
from cryptoki.public_keys import PublicKey, read_public_key
from cryptoki.return_values import translated

_PROVENANCE: Final = {
    "local": Attribute.LOCAL,
    "sensitive": Attribute.SENSITIVE,
    "always_sensitive": Attribute.ALWAYS_SENSITIVE,
    "extractable": Attribute.EXTRACTABLE,
    "never_extractable": Attribute.NEVER_EXTRACTABLE,
}


@dataclass(frozen=True)
class KeyPair:
    """A key pair made in the token.

    ``provenance`` is what the module claims about the private key (local, sensitive, always_sensitive,
    extractable, never_extractable). A claim by software, not a proof.
    """

    private_key: PrivateKey
    public_key: PublicKey
    cka_id: bytes
    label: str
    provenance: Mapping[str, bool]


class SessionKey:
    """A private key object, used in the session that found it (a TokenKey).

    ``pin`` tells what is given again for every signature, as CKA_ALWAYS_AUTHENTICATE asks (4.9).
    """

    def __init__(
        self, found: Object, check: Callable[[], None], pin: Callable[[], str] | None = None
    ) -> None:
        self._found = found
        self._check = check
        self._pin = pin

    def __repr__(self) -> str:
        return f"SessionKey({self._found!r})"

    def sign(self, data: bytes, mechanism: Mechanism, parameter: Any = None) -> bytes:
        """C_Sign; one after another, however many threads call. Raises KeyFunctionNotPermitted."""
        if not isinstance(self._found, SignMixin):
            raise errors.KeyFunctionNotPermitted("C_SignInit")
        self._check()
        with translated("C_Sign"):
            return self._found.sign(
                data, mechanism=mechanism, mechanism_param=parameter, **self._proof_again()
            )

    def _proof_again(self) -> dict[str, str]:
        return {} if self._pin is None else {"pin": self._pin()}

    def decrypt(self, data: bytes, mechanism: Mechanism, parameter: Any = None) -> bytes:
        """C_Decrypt. Raises KeyFunctionNotPermitted."""
        if not isinstance(self._found, DecryptMixin):
            raise errors.KeyFunctionNotPermitted("C_DecryptInit")
        self._check()
        with translated("C_Decrypt"):
            return cast(bytes, self._found.decrypt(data, mechanism=mechanism, mechanism_param=parameter))


class Session:
    """One open session. Close it, or use it in a ``with`` block; closing a logged-in session logs out.

    Raises CryptokiError: TokenError for what the token refused, ObjectNotFound and the like for the rest.
    """

    def __init__(
        self,
        session: pkcs11.types.Session,
        state: ModuleState,
        end: Callable[[], None],
        pin: Callable[[], str] | None = None,
    ) -> None:
        self._session = session
        self._state = state
        self._end = end
        self._pin = pin
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Log out, if this session logged in, and close. Closing twice does nothing."""
        if not self._closed:
            self._closed = True
            self._end()

    def init_pin(self, new_pin: str) -> None:
        """C_InitPIN: the SO sets the user's PIN, which also unblocks it."""
        with self._among_objects("C_InitPIN"):
            self._session.init_pin(new_pin)

    def set_pin(self, old_pin: str, new_pin: str) -> None:
        """C_SetPIN: whoever is logged in, user or SO, changes his own PIN."""
        with self._among_objects("C_SetPIN"):
            self._session.set_pin(old_pin, new_pin)

    def generate_key_pair(
        self, spec: KeySpec, *, cka_id: bytes, label: str, usage: KeyUsage = KeyUsage.SIGN
    ) -> KeyPair:
        """Make a key pair that never leaves the token.

        Raises ObjectAlreadyExists for a CKA_ID in use, unless the module replaces the key there.
        """
        with self._among_objects("C_GenerateKeyPair"):
            if not self._state.template.replaces and self.has_private_key(cka_id=cka_id):
                raise errors.ObjectAlreadyExists(f"The token has a key with CKA_ID {cka_id.hex()} already.")
            public, private = self._generate(spec, cka_id, label, usage)
            public_key = read_public_key(public)
            claims = _provenance(private)
        return KeyPair(private_key_of(self._key(private), public_key), public_key, cka_id, label, claims)

    def _generate(self, spec: KeySpec, cka_id: bytes, label: str, usage: KeyUsage) -> tuple[Object, Object]:
        generation = GENERATION[spec]
        arguments: dict[str, Any] = {
            "id": cka_id,
            "label": label,
            "store": True,
            "capabilities": CAPABILITIES[usage],
            "mechanism": generation.mechanism,
            "public_template": public_template(self._state.template),
            "private_template": private_template(self._state.template),
        }
        if generation.curve is None:
            return self._session.generate_keypair(generation.key_type, generation.modulus_bits, **arguments)
        parameters = self._session.create_domain_parameters(
            generation.key_type, {Attribute.EC_PARAMS: generation.curve}, local=True
        )
        return parameters.generate_keypair(**arguments)

    def has_private_key(self, *, cka_id: bytes | None = None, label: str | None = None) -> bool:
        """Whether the token shows such a private key to this session."""
        return bool(self._objects(ObjectClass.PRIVATE_KEY, cka_id, label))

    def private_key(
        self, *, cka_id: bytes | None = None, label: str | None = None, public_key: PublicKey | None = None
    ) -> PrivateKey:
        """The private key with that CKA_ID or label. Raises ObjectNotFound, SeveralObjectsFound.

        ``public_key`` stands in for the public half of a key whose card has lost it.
        """
        private = self._one(ObjectClass.PRIVATE_KEY, cka_id, label)
        return private_key_of(self._key(private), public_key or self._public_key_of(private))

    def holds_key_of(self, public_key: PublicKey, *, cka_id: bytes) -> bool:
        """Whether the private key with that CKA_ID is this one's. Raises ObjectNotFound or PublicHalfLost.

        A card that was pulled while its certificate was written, or whose certificate was deleted, may have
        lost the public half (a SmartCard-HSM keeps both in one file); then a signature tells, if it can.
        """
        try:
            return is_same(self.public_key(cka_id=cka_id), public_key)
        except errors.ObjectNotFound:
            return signs_as(self.private_key(cka_id=cka_id, public_key=public_key), public_key)

    def token_key(self, label: str) -> SessionKey:
        """The private key object itself, for a pool that keeps one for each session."""
        return self._key(self._one(ObjectClass.PRIVATE_KEY, None, label))

    def public_key(self, *, cka_id: bytes | None = None, label: str | None = None) -> PublicKey:
        """The public key with that CKA_ID or label; needs no login."""
        found = self._one(ObjectClass.PUBLIC_KEY, cka_id, label)
        try:
            with self._among_objects("C_GetAttributeValue"):
                return read_public_key(found)
        except MemoryError as error:  # how the library takes a value of no length: it was half written
            raise errors.ObjectNotFound("The public key on the card cannot be read.") from error

    def write_certificate(self, der: bytes, *, cka_id: bytes, label: str) -> None:
        """Write the certificate of the key with that CKA_ID, in the place of an earlier one.

        Raises ObjectNotFound when the token has no such key and CertificateOfAnotherKey when the certificate
        is not that key's. A key whose public half is lost gets it unseen: have it sign afterwards.
        """
        certificate = CertificateObject(cka_id, label, der)
        certified = cast(PublicKey, x509.load_der_x509_certificate(der).public_key())
        with suppress(errors.PublicHalfLost):
            if not self.holds_key_of(certified, cka_id=cka_id):
                raise errors.CertificateOfAnotherKey(f"It is not of the key {cka_id.hex()}.")
        earlier = self._objects(ObjectClass.CERTIFICATE, cka_id, None)
        with self._among_objects("C_CreateObject"):
            # First: on a card with one place for a key's certificate, an earlier one is the same file.
            for found in earlier:
                found.destroy()
            self._session.create_object(certificate_template(certificate))

    def certificates(self) -> list[CertificateObject]:
        """Every certificate in the token that can be read, by CKA_ID; needs no login."""
        found = self._objects(ObjectClass.CERTIFICATE, None, None)
        with self._among_objects("C_GetAttributeValue"):
            read = [certificate for each in found if (certificate := read_certificate(each))]
        return sorted(read, key=lambda certificate: certificate.cka_id)

    def object_names(self) -> list[str]:
        """Return ``<class> <CKA_ID in hexadecimal>`` of every object that this session sees (C_FindObjects).

        Logged in, these are the private ones too (PKCS #11 v2.40, 4.4).
        """
        with self._among_objects("C_FindObjects"):
            return sorted(name_of(found) for found in self._session.get_objects())

    def destroy(self, *, cka_id: bytes) -> int:
        """Destroy the keys and certificates with that CKA_ID. Returns how many objects there were.

        Some modules take the public half away with a certificate: so each class is looked for in its turn.
        """
        destroyed = 0
        for kind in (ObjectClass.CERTIFICATE, ObjectClass.PUBLIC_KEY, ObjectClass.PRIVATE_KEY):
            for found in self._objects(kind, cka_id, None):
                with self._among_objects("C_DestroyObject"):
                    found.destroy()
                destroyed += 1
        return destroyed

    def provenance(self, *, cka_id: bytes) -> Mapping[str, bool]:
        """What the module claims about a private key, as in KeyPair."""
        found = self._one(ObjectClass.PRIVATE_KEY, cka_id, None)
        with self._among_objects("C_GetAttributeValue"):
            return _provenance(found)

    @contextmanager
    def _among_objects(self, function: str) -> Iterator[None]:
        """Nothing else searches or changes the token's objects meanwhile."""
        self._state.check()
        with self._state.objects, translated(function):
            yield

    def _key(self, private: Object) -> SessionKey:
        with self._among_objects("C_GetAttributeValue"):
            pin = self._pin if always_authenticate(private) else None
        return SessionKey(private, self._state.check, pin)

    def _public_key_of(self, private: Object) -> PublicKey:
        with self._among_objects("C_GetAttributeValue"):
            cka_id = private[Attribute.ID]
        return self.public_key(cka_id=cka_id)

    def _one(self, kind: ObjectClass, cka_id: bytes | None, label: str | None) -> Object:
        found = self._objects(kind, cka_id, label)
        sought = f"CKA_ID {cka_id.hex()}" if cka_id is not None else f"label {label!r}"
        if not found:
            raise errors.ObjectNotFound(f"The token shows no {kind.name} with {sought}.")
        if len(found) > 1:
            raise errors.SeveralObjectsFound(f"The token has {len(found)} {kind.name} objects with {sought}.")
        return found[0]

    def _objects(self, kind: ObjectClass, cka_id: bytes | None, label: str | None) -> list[Object]:
        template = dict(search_template(kind, cka_id, label))
        with self._among_objects("C_FindObjects"):
            return list(self._session.get_objects(template))


def _provenance(private: Object) -> dict[str, bool]:
    return {name: bool(private[attribute]) for name, attribute in _PROVENANCE.items()}
