"""python-x509-pkcs11: N certificates signed with a P-256 key in the token that the environment names."""

from __future__ import annotations

import asyncio
import json
import sys
import time

from python_x509_pkcs11 import KEYTYPES
from python_x509_pkcs11.ca import create
from python_x509_pkcs11.csr import sign_csr

ISSUER = {"country_name": "GB", "organization_name": "Peer", "common_name": "Peer"}
SUBJECT = {"country_name": "GB", "organization_name": "nhs", "common_name": "555253521108_Amara_Osei"}


async def measure(count: int) -> None:
    request, _ = await create("subject", SUBJECT, key_type=KEYTYPES.SECP256r1)
    await create("issuer", ISSUER, key_type=KEYTYPES.SECP256r1)
    await sign_csr("issuer", ISSUER, request, key_type=KEYTYPES.SECP256r1)
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(count):
        await sign_csr("issuer", ISSUER, request, key_type=KEYTYPES.SECP256r1)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(json.dumps({"cpu_ms": cpu / count * 1000, "per_second": count / wall}))


if __name__ == "__main__":
    asyncio.run(measure(int(sys.argv[1])))
