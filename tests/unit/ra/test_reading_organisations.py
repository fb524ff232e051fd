"""Files of organisations as they really come: every form, every way in which they are broken, and attacks."""

from __future__ import annotations

import gzip
import io
import json
import tracemalloc
import zipfile
from collections.abc import Iterator
from datetime import date

import pytest

from app.data import shipped
from app.domain.organisation import Membership, OrganisationStatus
from app.domain.organisation_record import OrganisationRecord, Succession
from app.ra.importing import ImportNotPossible
from app.ra.importing_findings import Findings
from app.ra.importing_formats import ReadingOrganisations
from bench import ods_xml

TODAY = date(2026, 11, 22)
READING = ReadingOrganisations(shipped.role_kinds(), shipped.ods_reports())
NHS_DIGITAL = {
    "Organisation": {
        "Name": "NHS DIGITAL",
        "Date": [{"Type": "Operational", "Start": "2013-01-21"}, {"Type": "Legal", "Start": "2013-04-01"}],
        "OrgId": {"root": "2.16.840.1.113883.2.1.3.2.4.18.48", "extension": "X26"},
        "Status": "Active",
        "LastChangeDate": "2016-09-09",
        "orgRecordClass": "RC1",
        "GeoLoc": {
            "Location": {
                "AddrLn1": "1 TREVELYAN SQUARE",
                "AddrLn2": "BOAR LANE",
                "PostCode": "LS1  6AE",
                "Town": "LEEDS",
                "County": "WEST YORKSHIRE",
                "Country": "ENGLAND",
                "UPRN": 72519222,
            }
        },
        "Contacts": {"Contact": [{"type": "tel", "value": "0300 303 5678"}, {"type": "http", "value": "x"}]},
        "Roles": {
            "Role": [
                {"id": "RO57", "uniqueRoleId": 1, "Status": "Inactive"},
                {"id": "RO76", "uniqueRoleId": 2, "Status": "Inactive"},
                {"id": "RO116", "uniqueRoleId": 166234, "primaryRole": True, "Status": "Active"},
            ]
        },
        "Rels": {
            "Rel": [
                {
                    "id": "RE3",
                    "Status": "Active",
                    "Date": [{"Type": "Operational", "Start": "2013-01-21"}],
                    "Target": {"OrgId": {"extension": "XDH"}, "PrimaryRoleId": {"id": "RO126"}},
                },
                {
                    "id": "RE8",
                    "Status": "Active",
                    "Date": [{"Type": "Operational", "Start": "2013-01-21"}],
                    "Target": {"OrgId": {"extension": "A81001"}},
                },
            ]
        },
        "Succs": {
            "Succ": [
                {
                    "Type": "Predecessor",
                    "Date": [{"Type": "Legal", "Start": "2013-04-01"}],
                    "Target": {"OrgId": {"extension": "T1430"}},
                }
            ]
        },
    }
}
ROW = b'"A81001","THE SURGERY"' + b',""' * 8 + b',"19740401","","A"' + b',""' * 12 + b',"4",""'
NAMESPACE = 'xmlns:n="http://refdata.hscic.gov.uk/org/v2-0-0"'
MINIMAL = (
    '<Organisation><OrgId extension="A81001"/><Name>THE SURGERY</Name><Status value="Active"/></Organisation>'
)


def read(content: bytes, name: str = "file", report: str = "") -> tuple[list[OrganisationRecord], Findings]:
    findings = Findings()
    return list(READING.records(name, report, io.BytesIO(content), TODAY, findings)), findings


def only(content: bytes, name: str = "file") -> OrganisationRecord:
    (record,), findings = read(content, name)
    assert findings.refused == []
    return record


def as_json(**changes: object) -> bytes:
    return json.dumps({"Organisation": NHS_DIGITAL["Organisation"] | changes}).encode()


def xml(inner: str = MINIMAL, root: str = "OrganisationManifest") -> bytes:
    return f'<?xml version="1.0"?><n:{root} {NAMESPACE}>{inner}</n:{root}>'.encode()


def zipped(**files: bytes) -> bytes:
    to = io.BytesIO()
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "."), content)
    return to.getvalue()


def test_a_record_of_the_service_is_read_whole() -> None:
    record = only(as_json())
    found = record.organisation
    assert (found.code, found.name, found.kind, found.kind_code) == (
        "X26",
        "NHS DIGITAL",
        "Executive agency",
        "",
    )
    assert found.status is OrganisationStatus.ACTIVE
    assert found.address == ("1 TREVELYAN SQUARE", "BOAR LANE", "", "LEEDS", "WEST YORKSHIRE")
    assert (found.postcode, found.telephone, found.uprn) == ("LS1 6AE", "0300 303 5678", "72519222")
    assert (found.opened_on, found.legal_from) == (date(2013, 1, 21), date(2013, 4, 1))
    assert (found.closed_on, found.legal_until, found.is_site) == (None, None, False)
    assert found.role_codes == ("RO116",)
    assert (found.parent_code, found.joined_on) == ("XDH", date(2013, 1, 21))
    assert record.memberships == (Membership("X26", "XDH", "RE3", date(2013, 1, 21), None),)
    assert record.successions == (Succession("T1430", "X26", date(2013, 4, 1)),)


def test_a_partner_gets_no_power_over_an_organisation() -> None:
    record = only(as_json(Rels={"Rel": NHS_DIGITAL["Organisation"]["Rels"]["Rel"][1:]}))  # type: ignore[index]
    assert record.memberships == ()
    assert record.organisation.parent_code is None


def test_what_is_not_kept_is_counted_with_examples() -> None:
    _, findings = read(as_json(Roles={"Role": [{"id": "RO9999", "primaryRole": True}]}, Mystery={"x": 1}))
    assert {sentence: (note.count, note.examples) for sentence, note in findings.notes.items()} == {
        "The role RO9999 is not in our table: it is kept as a code": (1, ["X26"]),
        "Relationships RE8 put nobody under anybody: they are not kept": (1, ["X26"]),
        "Contacts of type http are not kept": (1, ["X26"]),
        "The element mystery is not known here": (1, ["X26"]),
    }


def test_a_practice_is_a_prescribing_cost_centre_that_is_also_a_practice() -> None:
    roles = {"Role": [{"id": "RO76"}, {"id": "RO177", "primaryRole": "true"}]}
    found = only(as_json(Roles=roles)).organisation
    assert (found.kind, found.kind_code, found.role_codes) == ("GP practice", "PR", ("RO177", "RO76"))


def test_a_site_belongs_to_who_operates_it() -> None:
    def relation(kind: str, target: str, **more: object) -> dict[str, object]:
        date_ = [{"Type": "Operational", "Start": "2013-01-21", **more}]
        return {"id": kind, "Status": "Active", "Date": date_, "Target": {"OrgId": {"extension": target}}}

    relations = {
        "Rel": [relation("RE4", "QQQ"), relation("RE6", "RR8"), relation("RE6", "RR7", End="2014-03-31")]
    }
    assert only(as_json(orgRecordClass="RC2", Rels=relations)).organisation.parent_code == "RR8"
    assert only(as_json(orgRecordClass="RC1", Rels=relations)).organisation.parent_code == "QQQ"


def test_the_status_counts_more_than_an_end_in_the_past() -> None:
    ended = [{"Type": "Operational", "Start": "2013-01-21", "End": "2020-03-31"}]
    record, findings = read(as_json(Date=ended))
    assert record[0].organisation.closed_on is None
    assert "It is active and has an end date in the past: the status counts" in findings.notes
    closed = only(as_json(Date=ended, Status="Inactive")).organisation
    assert (closed.status, closed.closed_on) == (OrganisationStatus.CLOSED, date(2020, 3, 31))


@pytest.mark.parametrize(
    "changes",
    [
        {"OrgId": {"extension": "x26"}},
        {"OrgId": {}},
        {"Name": ""},
        {"Name": "N" * 201},
        {"Name": "N\u0007"},
        {"Status": "Maybe"},
        {"Date": [{"Type": "Operational", "Start": "21/01/2013"}]},
        {"Date": [{"Type": "Operational", "Start": "2013-01-21", "End": "2012-01-21"}]},
    ],
)
def test_a_record_that_cannot_be_used_is_refused_and_the_others_read(changes: dict[str, object]) -> None:
    records, findings = read(as_json(**changes) + b"\n" + as_json())
    assert [each.organisation.code for each in records] == ["X26"]
    assert (findings.read, findings.refused_count) == (2, 1)
    assert findings.refused[0].line == 1


@pytest.mark.parametrize(
    "content",
    [
        as_json() + b"\n" + as_json(),
        b"\xef\xbb\xbf[" + as_json() + b" , \n" + as_json() + b"]",
        json.dumps([NHS_DIGITAL["Organisation"]] * 2, indent=4).encode(),
        b"[" + b",".join([as_json()] * 2) + b"]\n",
    ],
)
def test_json_is_one_a_list_or_one_a_line(content: bytes) -> None:
    assert [each.organisation.code for each in read(content)[0]] == ["X26", "X26"]


def test_a_long_list_is_read_across_the_parts_in_which_it_comes() -> None:
    codes = [f"A{number:05d}" for number in range(500)]
    listed = [NHS_DIGITAL["Organisation"] | {"OrgId": {"extension": code}} for code in codes]
    assert [each.organisation.code for each in read(json.dumps(listed).encode())[0]] == codes


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "The file is empty"),
        (b"<!DOCTYPE html><html>404</html>", "web page"),
        ("﻿a".encode("utf-16"), "UTF-16"),
        (b'[{"a": 1}, ', "no OrgId"),
        (b"[" + as_json()[:-1], "breaks off"),
        (b"[" + as_json(), "in the middle of its list"),
        (b"[" * 100_000, "deeper"),
        (b'{"Organisations": [{"Name": "X", "OrgId": "X26"}]}', "OrgLink"),
        (b'{"a": "\xff"}', "UTF-8"),
        (b"PK\x03\x04broken", "unpacked"),
        (b"\x1f\x8bbroken", "unpacked"),
        (b"anything at all\n", "Say which report it is: epraccur, etr, eccg"),
        (xml()[:-20], "breaks off or is broken in line 1"),
        (b"<a/>", "begins with 'a'"),
        (b'<OrgRefData xmlns="http://elsewhere"/>', "http://refdata.hscic.gov.uk/org/v2-0-0"),
        (xml("<a>" * 20 + "</a>" * 20), "deeper"),
        (xml(MINIMAL.replace("THE", "T" * 1_100_000)), "larger than a mebibyte"),
        (b"<" + b"a" * 3_000_000, "longer than a mebibyte"),
        (zipped(readme__txt=b"x"), "holds no XML, JSON or CSV file"),
        (zipped(a__csv=b"x", b__csv=b"x"), "holds 2 files"),
    ],
)
def test_a_file_that_cannot_be_used_says_what_to_do(content: bytes, told: str) -> None:
    with pytest.raises(ImportNotPossible, match=told):
        read(content)


BILLION_LAUGHS = (
    """<!DOCTYPE n [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>"""
)
LOCAL_FILE = """<!DOCTYPE n [<!ENTITY c SYSTEM "file:///etc/passwd">]>"""


@pytest.mark.parametrize(
    "prologue", [BILLION_LAUGHS, LOCAL_FILE, '<!DOCTYPE n SYSTEM "http://127.0.0.1:1/x.dtd">']
)
def test_entities_are_never_expanded(prologue: str) -> None:
    attack = xml(MINIMAL.replace("THE SURGERY", "&c;")).replace(b"<n:", prologue.encode() + b"<n:", 1)
    with pytest.raises(ImportNotPossible, match="DOCTYPE"):
        read(attack)


@pytest.mark.parametrize("root", ["OrgRefData", "OrganisationManifest"])
def test_xml_is_read_by_either_root_with_or_without_prefixes(root: str) -> None:
    plain = only(xml(f"<Organisations>{MINIMAL}</Organisations>", root)).organisation
    prefixed = MINIMAL.replace("</", "</n:").replace("<O", "<n:O").replace("<N", "<n:N").replace("<S", "<n:S")
    assert only(xml(prefixed, root)).organisation == plain
    assert (plain.code, plain.name) == ("A81001", "THE SURGERY")


def test_xml_and_json_say_the_same() -> None:
    element = """
      <Organisation orgRecordClass="RC1"><Name>NHS DIGITAL</Name>
      <Date><Type value="Operational"/><Start value="2013-01-21"/></Date>
      <Date><Type value="Legal"/><Start value="2013-04-01"/></Date>
      <OrgId root="2.16.840.1.113883.2.1.3.2.4.18.48" assigningAuthorityName="HSCIC" extension="X26"/>
      <Status value="Active"/><LastChangeDate value="2016-09-09"/>
      <GeoLoc><Location><AddrLn1>1 TREVELYAN SQUARE</AddrLn1><AddrLn2>BOAR LANE</AddrLn2><Town>LEEDS</Town>
      <County>WEST YORKSHIRE</County><PostCode>LS1 6AE</PostCode><UPRN>72519222</UPRN></Location></GeoLoc>
      <Contacts><Contact type="tel" value="0300 303 5678"/></Contacts>
      <Roles><Role id="RO116" uniqueRoleId="166234" primaryRole="true"><Status value="Active"/></Role></Roles>
      <Rels><Rel id="RE3" uniqueRelId="189272"><Date><Type value="Operational"/><Start
      value="2013-01-21"/></Date> <Status value="Active"/><Target><OrgId extension="XDH"/><PrimaryRoleId
      id="RO126"/></Target></Rel></Rels> <Succs><Succ uniqueSuccId="36589"><Date><Type value="Legal"/><Start
      value="2013-04-01"/></Date> <Type value="Predecessor"/><Target><OrgId
      extension="T1430"/></Target></Succ></Succs></Organisation>"""
    assert only(xml(element)) == only(as_json())


def test_what_is_only_mentioned_is_no_organisation() -> None:
    records, findings = read(ods_xml.as_bytes(20))
    assert (len(records), findings.read, findings.stubs) == (20, 20, 1)
    assert findings.header == {
        "version": "2-0-0", "publicationtype": "Full", "publicationdate": "2026-11-20", "recordcount": "20"
    }  # fmt: skip


def test_the_published_zip_of_zips_gives_the_full_file() -> None:
    full, archive = ods_xml.as_bytes(3), ods_xml.as_bytes(1)
    packed = zipped(
        fullfile__zip=zipped(HSCOrgRefData_Full_20261120__xml=full),
        archive__zip=zipped(HSCOrgRefData_Archive_20261120__xml=archive),
    )
    assert len(read(packed)[0]) == 3
    assert len(read(gzip.compress(full))[0]) == 3


def test_csv_is_read_as_spreadsheets_write_it() -> None:
    rows = [
        b"\xef\xbb\xbf" + ROW + b",,,",
        ROW.replace(b"A81001", b"A81002").replace(b"THE SURGERY", b"THE\r\nSURGERY"),
        ROW.replace(b"A81001", b"A81003").replace(b"THE SURGERY", b"ST. MARY\x92S"),
        ROW.replace(b'"A81001"', b"A81004"),
        b'"A81005","NEVER ENDS',
        ROW.replace(b"A81001", b"A81006"),
    ]
    records, findings = read(b"\r\n".join(rows), "epraccur.csv")
    names = {each.organisation.code: each.organisation.name for each in records}
    assert names == {
        "A81001": "THE SURGERY", "A81002": "THE SURGERY", "A81003": "ST. MARY\u2019S", "A81004": "THE"
        " SURGERY",
        "A81006": "THE SURGERY",
    }  # fmt: skip
    ((line, reason),) = [(each.line, each.reason) for each in findings.refused]
    assert line == 6
    assert reason.startswith("It is no row of a CSV file")


def test_a_csv_report_is_known_by_its_name_or_by_what_is_said() -> None:
    assert only(ROW, "epraccur_2026.csv").organisation.kind == "GP practice"
    assert read(ROW, "export.csv", "etr")[0][0].organisation.kind == "NHS trust"


class Endless(io.RawIOBase):
    """A file of organisations that is made while it is read."""

    def __init__(self, count: int) -> None:
        self._parts: Iterator[bytes] = self._made(count)
        self._rest = b""

    def _made(self, count: int) -> Iterator[bytes]:
        yield xml("").removesuffix(b"</n:OrganisationManifest>")
        for organisation in ods_xml.organisations(count, 1):
            yield organisation.encode()
        yield b"</n:OrganisationManifest>"

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, *_: int) -> int:
        return 0

    def read(self, size: int = -1) -> bytes:
        if size == 4:
            return b"<?xm"
        while len(self._rest) < size and (part := next(self._parts, b"")):
            self._rest += part
        found, self._rest = self._rest[:size], self._rest[size:]
        return found


def test_memory_does_not_grow_with_the_file() -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        records = READING.records("x.xml", "", Endless(count), TODAY, Findings())  # type: ignore[arg-type]
        assert sum(1 for _ in records) == count
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    small, large = peak(300), peak(3000)
    assert large < small + 400_000
