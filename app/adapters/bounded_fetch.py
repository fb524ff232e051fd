"""Fetching a document of status over HTTP: bounded in size and time, straight, and with no detour."""

from __future__ import annotations

import time

import httpx

from app.validation.refusals import StatusUnknown

_AT_ONCE = 64 * 1024


def fetched(
    address: str, *, largest_bytes: int, within_seconds: float, body: bytes | None = None, kind: str = ""
) -> bytes:
    """The bytes at the address; with a body it is posted, of this media type.

    Raises:
        StatusUnknown: no answer in time, another status than 200, or more bytes than allowed.
    """
    ends, answered = time.monotonic() + within_seconds, bytearray()
    method, headers = ("GET", {}) if body is None else ("POST", {"Content-Type": kind})
    try:
        # trust_env off: no proxy variable decides where revocations come from.
        with (
            httpx.Client(timeout=within_seconds, trust_env=False) as client,
            client.stream(method, address, content=body, headers=headers) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise StatusUnknown(f"{address} answers with status {answer.status_code}")
            for part in answer.iter_raw(chunk_size=_AT_ONCE):
                answered += part
                if len(answered) > largest_bytes or time.monotonic() > ends:
                    raise StatusUnknown(f"{address} sends too much, or too slowly")
    except httpx.HTTPError as error:
        raise StatusUnknown(f"{address} does not answer: {type(error).__name__}") from error
    return bytes(answered)
