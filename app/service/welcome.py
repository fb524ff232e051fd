"""The page of text that ``./run`` ends with: addresses, who can sign in, and what to try."""

from __future__ import annotations

import shlex
import sys
from contextlib import closing
from pathlib import Path

from app.bootstrap.database import open_database
from app.ca_files import CONFIG
from app.fhir import identifiers
from app.service.known_people import staff_plan
from app.service.layout import Layout
from app.service.staff import CardHolder, Staff
from app.settings import Settings

_PRACTICE = "L83002"
_RECORD_TRANSFER = "urn:nhs:names:services:gp2gp:RCMR_IN010000UK05"

_PAGE = """
────────────────────────────────────────────────────────────────────────────────────────────────
 {name} is running. Ctrl-C stops it; {command} starts it again with everything kept.
────────────────────────────────────────────────────────────────────────────────────────────────

 Open        {web}     the service: registration, requests, cards, sign-in
             {agent}     the desk: two readers, and which card lies in each
             {relying_party}     a prescribing screen, another system that people sign in to

 The certificates of these pages come from an authority made on this machine. Trust it in your browser
 (settings, certificates, authorities, import), or accept the warning once for each address:
             {tls}/ca.pem

 Who can sign in: put the card into reader 1 at the desk, then use this PIN. After the first start the RA
 agent's card lies there.

{people}

 Three things to try
   1. Sign in as the RA agent, look for somebody, find nobody, and register them. A photo to use:
      {photo}
      Then sign in as the sponsor in a private window and request the position "General practitioner"
      at Honiton Surgery ({practice}); grant it as the RA agent, and issue the card at the desk.
   2. Sign in to the prescribing screen with the new card. Then ask the directory, as an accredited system
      does, whether somebody may do something somewhere. This asks whether {agent_name} may {activity}
      at {agent_organisation}, and is answered TRUE:

{compare}

      Put the new person's user id in place of {uid}, and {practice}:B0420 (prescribing) in place of
      {access}. The same directory answers FHIR look-ups; this asks where the practice takes records in:

{look_up}

   3. Report the card lost, and try to sign in with it. Then let the audit tell the whole story:

      {spine_ra} audit verify

 Every other command of spine-ra begins in the same way; --help lists them.
 Logs: {logs}
"""


def page(settings: Settings, layout: Layout) -> str:
    """The page. Every command on it works as it is printed, from any folder."""
    staff = Staff(layout.people_file).all()
    agent, plan = staff[-1], staff_plan()["agent"]
    access = f"{plan['organisation']}:B0274"
    return _PAGE.format(
        name=settings.service.name,
        command=layout.command,
        web=f"{layout.web_origin:<24}",
        agent=f"{layout.agent_origin:<24}",
        relying_party=f"{layout.relying_party_origin:<24}",
        tls=layout.tls,
        people="\n".join(_person(holder) for holder in staff),
        photo=CONFIG / "founding" / "example-clinician.jpg",
        practice=_PRACTICE,
        agent_name=agent.name,
        activity="register people (B0274)",
        agent_organisation=plan["organisation"],
        access=access,
        uid=agent.uid,
        compare=_compare(settings, layout, agent.uid, access),
        look_up=_look_up(layout),
        spine_ra=_command(Path(sys.executable).with_name("spine-ra"), "--settings", layout.settings_file),
        logs=layout.logs,
    )


def _person(holder: CardHolder) -> str:
    return (
        f"   {holder.what:<12} {holder.name:<22} card {holder.card_serial}   PIN {holder.pin}"
        f"   user id {holder.uid}"
    )


def _compare(settings: Settings, layout: Layout, uid: str, access: str) -> str:
    with closing(open_database(settings)) as database, database.read() as work:
        asid = next(each.asid for each in work.systems.all_accredited_systems())
    certificate, key = layout.systems / f"{asid}.pem", layout.systems / f"{asid}.key"
    return f"""\
      LDAPTLS_CACERT={_quoted(layout.tls / "ca.pem")} \\
      LDAPTLS_CERT={_quoted(certificate)} \\
      LDAPTLS_KEY={_quoted(key)} \\
      ldapcompare -H {layout.ldaps_url} -Y EXTERNAL -Q \\
        uid={uid},ou=People,o=nhs spineAccess:{access}"""


def _look_up(layout: Layout) -> str:
    organisation = f"organization={identifiers.ORGANISATION}|{_PRACTICE}"
    interaction = f"identifier={identifiers.INTERACTION}|{_RECORD_TRANSFER}"
    return f"""\
      curl --cacert {_quoted(layout.tls / "ca.pem")} --get {layout.look_ups_origin}/Endpoint \\
        --data-urlencode '{organisation}' \\
        --data-urlencode '{interaction}'"""


def _command(*words: object) -> str:
    return shlex.join(str(word) for word in words)


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
