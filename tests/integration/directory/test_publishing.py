"""Publishing makes what is there equal to what should be; rebuilding and comparing agree with it."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import threading
from contextlib import closing
from datetime import date

import pytest

from directory.client import DirectoryClient
from directory.client.speaking import LARGEST_MESSAGE_ID
from directory.comparing import Difference, Kind, compare
from directory.entries import Gone, OrganisationEntry, tree
from directory.errors import DirectoryRefused, DirectoryUnavailable, InvalidIdentifier, SlapdFailed
from directory.locking import locked
from directory.people import OrgPersonEntry, RoleEntry
from directory.publishing import Publisher
from directory.rebuilding import rebuild
from directory.unix_socket import ldapi_url
from directory.writing_session import WritingSession

PERSON = "uid=555000000017,ou=People,o=nhs"
PLACE = f"uniqueIdentifier=555000000025,{PERSON}"


def differences(served, entries):
    with served.session() as session:
        return list(compare(entries, session))


def present(served, base=PERSON):
    with served.session() as session:
        return {record.dn: record.attributes for record in session.search(base)}


def test_publishing_again_writes_nothing(fresh, samples):
    assert fresh.publisher.publish(*samples()) > 0
    assert fresh.publisher.publish(*samples()) == 0
    assert differences(fresh, samples()) == []


def test_many_changes_wait_for_the_disk_once_and_no_change_not_at_all(fresh, monkeypatch):
    waited = []
    monkeypatch.setattr("directory.group_commit.wait_until_written", waited.append)
    shops = [OrganisationEntry(f"X{number:05d}", "SHOP", "x", "x") for number in range(100)]
    assert fresh.publisher.publish(*shops) == 100
    assert len(waited) == 3  # the mark, the change log, the tree
    assert fresh.publisher.publish(*shops) == 0
    assert len(waited) == 3


def test_entries_that_lie_in_each_other_are_published_in_their_order(fresh, samples):
    above = OrganisationEntry("Y1", "TRUST", "x", "x")
    below = OrganisationEntry("Y1001", "WARD", "x", "x", is_site=True, site_of="Y1")
    fresh.publisher.publish(above, below)
    gone = Gone(above.dn)
    assert fresh.publisher.publish_each([above, below, gone, above, below]) == [0, 0, 2, 1, 1]
    assert fresh.publisher.publish_each([gone, above, above, below, below]) == [2, 1, 0, 1, 0]
    assert sorted(present(fresh, above.dn)) == sorted([above.dn, below.dn])


def test_after_the_last_message_id_comes_the_first(fresh, samples):
    organisation, *_ = samples()
    fresh.publisher.publish(organisation)
    with WritingSession(fresh.slapd.ldapi_url, lambda: None) as writing:
        writing._last_id = LARGEST_MESSAGE_ID - 2
        found = list(writing.search_each([(organisation.dn, "BASE")] * 5))
    assert found == [found[0]] * 5
    assert found[0][0].dn == organisation.dn


def test_what_is_written_is_read_alike_by_both_kinds_of_session(fresh, samples):
    fresh.publisher.publish(*samples())
    with fresh.session() as session, WritingSession(fresh.slapd.ldapi_url, lambda: None) as writing:
        assert writing.search("o=nhs", scope="SUBTREE") == session.search("o=nhs")
        assert writing.search("o=nowhere,o=nhs", scope="SUBTREE") == []


def test_a_change_is_one_write_and_other_values_stay(fresh, make_person):
    fresh.publisher.publish(make_person())
    assert fresh.publisher.publish(make_person(title="Professor")) == 1
    assert present(fresh)[PERSON]["personalTitle"] == ("Professor",)
    assert present(fresh)[PERSON]["nhsGMC"] == ("7654321",)


def test_what_has_no_value_any_more_is_removed(fresh, make_person):
    fresh.publisher.publish(make_person())
    fresh.publisher.publish(make_person(professional_numbers={}))
    assert "nhsGMC" not in present(fresh)[PERSON]


def test_roles_come_and_go_with_the_right_they_give(fresh, make_person):
    fresh.publisher.publish(make_person())
    first = make_person().org_persons[0]
    role = RoleEntry("555000000058", "R8000", "Clinical Practitioner", resolved_activities=("B0085",))
    second = OrgPersonEntry("555000000066", "T1431", "NHS SECURITY MANAGEMENT", None, None, (role,))
    fresh.publisher.publish(make_person(org_persons=(first, second)))
    assert "T1431:B0085" in present(fresh)[PERSON]["spineAccess"]
    assert len(present(fresh)) == 5
    fresh.publisher.publish(make_person(org_persons=(second,)))
    assert present(fresh)[PERSON]["spineAccess"] == ("T1431:B0085",)
    assert len(present(fresh)) == 3


def test_a_closed_person_keeps_the_entry_and_has_no_right(fresh, make_person):
    fresh.publisher.publish(make_person())
    fresh.publisher.publish(make_person(active=False))
    assert present(fresh)[PERSON]["nhsPersonStatus"] == ("0",)
    assert "spineAccess" not in present(fresh)[PERSON]


def test_removing_takes_all_levels_and_may_be_repeated(fresh, make_person):
    fresh.publisher.publish(make_person())
    assert fresh.publisher.remove_person("555000000017") == 3
    assert fresh.publisher.remove_person("555000000017") == 0
    assert present(fresh) == {}


def test_an_organisation_that_becomes_a_practice_is_made_again(fresh):
    shop = OrganisationEntry("A81001", "SURGERY", "GP Practice", "PR")
    fresh.publisher.publish(shop)
    fresh.publisher.publish(dataclasses.replace(shop, commissioner_code="00K"))
    (attributes,) = present(fresh, shop.dn).values()
    assert "nhsGPPractice" in attributes["objectClass"]


def test_the_order_of_interactions_is_kept(fresh, samples):
    system = next(entry for entry in samples() if getattr(entry, "asid", "") == "200000000222")
    turned = dataclasses.replace(system, interactions=system.interactions[::-1])
    fresh.publisher.publish(system)
    assert fresh.publisher.publish(turned) == 1
    (attributes,) = present(fresh, system.dn).values()
    assert attributes["nhsAsSvcIA"] == turned.interactions


@pytest.mark.parametrize("name", ["O'Néill", "*)(uid=*", "a,b+c=d\\", "#x", '"q"', "x\ndn: o=evil", "日本"])
def test_any_name_is_published_as_it_is_and_found_again(fresh, make_person, name):
    fresh.publisher.publish(make_person(sn=name))
    assert present(fresh)[PERSON]["sn"] == (name,)
    assert fresh.publisher.publish(make_person(sn=name)) == 0
    assert rebuild(fresh.slapd, [make_person(sn=name)]) > 0
    assert present(fresh)[PERSON]["sn"] == (name,)


def test_an_id_that_would_reach_another_entry_is_refused(fresh):
    for call in (fresh.publisher.remove_person, fresh.publisher.remove_organisation):
        with pytest.raises(InvalidIdentifier):
            call("1,ou=People")


def test_a_value_that_the_schema_refuses_is_said_so(fresh, make_person):
    with pytest.raises(DirectoryRefused, match="555000000017"):
        fresh.publisher.publish(make_person(professional_numbers={"nhsNoSuchNumber": "1"}))


def test_comparing_tells_each_kind_of_difference(fresh, samples, make_person):
    fresh.publisher.publish(*samples())
    with fresh.session() as session:
        session.replace(PERSON, {"sn": ["Tampered"], "spineAccess": ["A81001:B9999"]})
        session.delete("uniqueIdentifier=T1431,ou=Organisations,o=nhs")
        session.add(next(OrganisationEntry("Z99999", "NOT OURS", "x", "x").records()))
    found = {(one.kind, one.dn.split(",")[0], one.attributes) for one in differences(fresh, samples())}
    assert found == {
        (Kind.DIFFERENT, "uid=555000000017", ("sn", "spineAccess")),
        (Kind.MISSING, "uniqueIdentifier=T1431", ()),
        (Kind.UNEXPECTED, "uniqueIdentifier=Z99999", ()),
    }
    assert str(Difference("o=x", Kind.DIFFERENT, ("sn",))) == "different: o=x (sn)"


def test_rebuilding_gives_what_publishing_gives_and_drops_the_rest(fresh, samples):
    fresh.publisher.publish(OrganisationEntry("Z99999", "NOT OURS", "x", "x"))
    records = sum(1 for entry in samples() for _ in entry.records())
    assert rebuild(fresh.slapd, samples()) == records + len(list(tree()))
    assert differences(fresh, samples()) == []
    assert fresh.publisher.publish(*samples()) == 0


def test_a_directory_is_built_before_it_is_first_served(fresh, samples):
    fresh.slapd.stop()
    shutil.rmtree(fresh.slapd.folder)
    records = rebuild(fresh.slapd, samples())
    fresh.slapd.start()
    assert records > len(samples())
    assert differences(fresh, samples()) == []


def test_attribute_names_stay_right_when_the_new_database_meets_them_in_another_order(fresh, samples):
    for order in (1, -1, 1):
        rebuild(fresh.slapd, samples()[::order])
        assert differences(fresh, samples()) == []


def test_progress_is_told_now_and_then(fresh):
    seen = []
    rebuild(fresh.slapd, (OrganisationEntry(f"X{n:05d}", "S", "x", "x") for n in range(2500)), seen.append)
    assert seen == [1000, 2000]


def test_a_rebuild_that_fails_leaves_the_directory_as_it_was(fresh, samples, make_person):
    fresh.publisher.publish(*samples())
    before = sorted(path.name for path in fresh.slapd.folder.iterdir())
    with pytest.raises(SlapdFailed, match="nhsNoSuchNumber"):
        rebuild(fresh.slapd, [make_person(professional_numbers={"nhsNoSuchNumber": "1"})])
    assert differences(fresh, samples()) == []
    assert sorted(path.name for path in fresh.slapd.folder.iterdir()) == before


def test_what_a_killed_rebuild_left_is_cleared_by_the_next(fresh, samples):
    fresh.slapd.new_database().joinpath("data.mdb").write_bytes(b"half")
    rebuild(fresh.slapd, samples())
    assert list(fresh.slapd.folder.glob("database-*")) == [fresh.slapd.current_database()]
    assert differences(fresh, samples()) == []


def test_a_database_error_during_a_rebuild_leaves_the_directory_as_it_was(fresh, samples):
    def failing():
        yield samples()[0]
        raise RuntimeError("database gone")

    fresh.publisher.publish(*samples())
    with pytest.raises(RuntimeError, match="database gone"):
        rebuild(fresh.slapd, failing())
    assert differences(fresh, samples()) == []


def test_a_role_check_never_says_no_while_the_directory_is_switched(fresh, samples):
    fresh.publisher.publish(*samples())
    answers, done = [], threading.Event()

    def ask():
        with closing(DirectoryClient(fresh.slapd.ldaps_url, fresh.system)) as checker:
            while not done.is_set():
                with contextlib.suppress(DirectoryUnavailable):
                    answers.append(checker.may("555000000017", "B0420", "A81001"))

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for _ in range(3):
            rebuild(fresh.slapd, samples())
    finally:
        done.set()
        asking.join()
    assert answers
    assert all(answers)


def test_nothing_is_published_while_the_directory_is_rebuilt(fresh, make_person):
    publishing = threading.Thread(target=fresh.publisher.publish, args=(make_person(),))
    with locked(fresh.slapd.publishing_lock, wait=True):
        publishing.start()
        publishing.join(0.2)
        assert publishing.is_alive()
        assert present(fresh) == {}
    publishing.join()
    assert PERSON in present(fresh)


def test_publishing_goes_on_after_slapd_was_killed_and_started_again(fresh, make_person):
    fresh.publisher.publish(make_person())
    fresh.kill()
    with pytest.raises(DirectoryUnavailable):
        fresh.publisher.publish(make_person(title="Professor"))
    fresh.slapd.start()
    assert fresh.publisher.publish(make_person(title="Professor")) == 1
    assert differences(fresh, [make_person(title="Professor")]) == []


@pytest.mark.parametrize("lock", ["lock", "nowhere/lock"])
def test_a_publisher_without_a_directory_says_that_it_is_unavailable(tmp_path, lock):
    publisher = Publisher(ldapi_url(tmp_path / "no-socket"), tmp_path / lock)
    with pytest.raises(DirectoryUnavailable):
        publisher.remove_person("555000000017")


def test_rights_of_a_role_that_has_ended_are_not_among_those_held(fresh, make_person):
    place = make_person().org_persons[0]
    ended = dataclasses.replace(place.roles[0], closed_on=date(2026, 6, 15))
    fresh.publisher.publish(make_person(org_persons=(dataclasses.replace(place, roles=(ended,)),)))
    assert "spineAccess" not in present(fresh)[PERSON]
    assert PLACE in present(fresh)
