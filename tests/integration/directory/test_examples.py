"""The examples for other systems' authors do what they say. Java's and C#'s are not run here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples" / "directory"
UID = "555000000017"
METADATA = "urn:nhs:names:services:gpconnect:fhir:rest:read:metadata-1"
YES, NO, NOT_KNOWN = 0, 1, 2


def run(command, tls, given=""):
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "LDAPTLS_CACERT": str(tls.authority),
        "LDAPTLS_CERT": str(tls.certificate or ""),
        "LDAPTLS_KEY": str(tls.key or ""),
    }
    return subprocess.run(
        command,
        input=given,
        capture_output=True,
        text=True,
        env=environment,
        cwd=ROOT,
        timeout=60,
        check=False,
    )


@pytest.fixture(params=["python", "shell"])
def ask(request, served):
    def asking(*question, tls=served.system, server=served.url):
        if request.param == "shell":
            return run([str(EXAMPLES / "ask.sh"), server, *question], tls)
        files = [str(file) for file in (tls.authority, tls.certificate, tls.key)]
        return run([sys.executable, "-m", "examples.directory.ask", server, *files, *question], tls)

    return asking


def test_yes_and_no(ask):
    yes = ask(UID, "B0420", "A81001")
    assert (yes.returncode, yes.stdout.splitlines()[-1]) == (YES, "yes")
    for question in ((UID, "B9999", "A81001"), ("555000000099", "B0420", "A81001")):
        no = ask(*question)
        assert (no.returncode, no.stdout.splitlines()[-1]) == (NO, "no")


def test_not_knowing_is_neither(ask, served):
    unknown = served.directory.system("299999999999")
    assert ask(UID, "B0420", "A81001", tls=unknown).returncode == NOT_KNOWN
    assert ask(UID, "B0420", "A81001", server="ldaps://localhost:1").returncode == NOT_KNOWN


@pytest.mark.parametrize("attack", ["*", "x,ou=People", "$(id)", "", "5550\n", "-x"])
def test_values_of_another_form_are_not_sent(ask, attack):
    assert ask(attack, "B0420", "A81001").returncode == NOT_KNOWN


def test_many_are_asked_at_once(served):
    files = [str(file) for file in (served.system.authority, served.system.certificate, served.system.key)]
    command = [sys.executable, "-m", "examples.directory.ask_many", served.url, *files, "B0420", "A81001"]
    done = run(command, served.system, f"{UID}\n555000000099\nx\n")
    assert done.stdout.splitlines()[:2] == [f"{UID} yes", "555000000099 no"]
    assert done.stdout.splitlines()[2].startswith("x not known: A user id has 12 digits")


def test_an_endpoint_is_looked_up_without_a_certificate(served):
    anonymous = served.directory.anonymous()
    command = [str(EXAMPLES / "look_up.sh"), served.url]
    assert run([*command, "A91342", METADATA], anonymous).stdout == "https://meta.example/fhir\n"
    assert run([*command, "A91342", "urn:unheard-of"], anonymous).returncode == NO
    assert run([*command, "A91342", "x)(uid=*"], anonymous).returncode == NOT_KNOWN
