"""django-ca in process: ``certificates N`` issued with a P-256 file key, or ``ocsp N`` answers."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import django
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from django.conf import settings

HERE = Path.cwd()


def configure() -> None:
    settings.configure(
        SECRET_KEY="peer",
        USE_TZ=True,
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django_ca"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(HERE / "peer.db")}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
        STORAGES={
            "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
            "django-ca": {
                "BACKEND": "django.core.files.storage.FileSystemStorage",
                "OPTIONS": {"location": str(HERE / "files")},
            },
        },
        CA_DEFAULT_HOSTNAME="localhost:8000",
        CA_USE_CELERY=False,
    )
    django.setup()
    from django.urls import include, path

    globals()["urlpatterns"] = [path("django_ca/", include("django_ca.urls"))]


def authority():
    from django.core.management import call_command
    from django_ca.models import CertificateAuthority

    call_command("migrate", verbosity=0)
    call_command("init_ca", "peer", "CN=Peer", "--key-type=EC", "--path-length=1", stdout=sys.stderr)
    return CertificateAuthority.objects.get(name="peer")


def request() -> x509.CertificateSigningRequest:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "555253521108_Amara_Osei")])
    return x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())


def issue(ca):
    from django_ca.key_backends.storages.models import StoragesUsePrivateKeyOptions
    from django_ca.models import Certificate

    csr = request()
    return Certificate.objects.create_cert(
        ca, StoragesUsePrivateKeyOptions(password=None), csr, subject=csr.subject
    )


def tell(operation: Callable[[], object], count: int) -> None:
    operation()
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(count):
        operation()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(json.dumps({"cpu_ms": cpu / count * 1000, "per_second": count / wall}))


def answer_ocsp(ca, count: int) -> None:
    from django.test import Client
    from django.urls import reverse
    from django_ca.key_backends.storages.models import StoragesUsePrivateKeyOptions

    certificate = issue(ca)
    ca.generate_ocsp_key(StoragesUsePrivateKeyOptions(password=None))
    loaded = certificate.pub.loaded, ca.pub.loaded
    builder = ocsp.OCSPRequestBuilder().add_certificate(*loaded, hashes.SHA1())
    body = builder.build().public_bytes(Encoding.DER)
    address, client = reverse("django_ca:ocsp-cert-post", kwargs={"serial": ca.serial}), Client()

    def ask() -> None:
        response = client.post(address, body, content_type="application/ocsp-request")
        status = ocsp.load_der_ocsp_response(response.content).response_status
        assert status is ocsp.OCSPResponseStatus.SUCCESSFUL, (status, response.content)

    tell(ask, count)


def main() -> None:
    what, count = sys.argv[1], int(sys.argv[2])
    configure()
    ca = authority()
    if what == "ocsp":
        answer_ocsp(ca, count)
    else:
        tell(lambda: issue(ca), count)


if __name__ == "__main__":
    main()
