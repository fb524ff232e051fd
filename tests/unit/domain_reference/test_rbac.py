"""What a role profile may do in the end."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from app.domain.rbac import NO_PUBLIC_NAME, Activity, JobRole, NationalRoles

CODES = [f"B{number:04d}" for number in range(8)]
GRAPH = st.dictionaries(st.sampled_from(CODES), st.frozensets(st.sampled_from(CODES), max_size=3))
SOME = st.frozensets(st.sampled_from(CODES))


def roles(
    satisfies: dict[str, frozenset[str]], baseline: dict[str, frozenset[str]], *job_roles: JobRole
) -> NationalRoles:
    return NationalRoles(
        "test", date(2020, 1, 1), {each.code: each for each in job_roles}, {}, {}, satisfies, baseline
    )


def test_to_amend_satisfies_to_view_and_not_the_other_way_round() -> None:
    tables = roles({"B0825": frozenset({"B0820"})}, {})
    assert tables.resolve("R8000", ["B0825"]) == ("B0820", "B0825")
    assert tables.resolve("R8000", ["B0820"]) == ("B0820",)


def test_inclusion_is_followed_over_several_steps_and_from_the_baseline() -> None:
    satisfies = {"B8029": frozenset({"B8028"}), "B8028": frozenset({"B0380"}), "B0380": frozenset({"B0360"})}
    tables = roles(satisfies, {"R8000": frozenset({"B8029"})})
    assert tables.resolve("R8000", []) == ("B0360", "B0380", "B8028", "B8029")
    assert tables.resolve("R8001", []) == ()


def test_a_circle_of_inclusions_ends() -> None:
    tables = roles({"B0001": frozenset({"B0002"}), "B0002": frozenset({"B0001"})}, {})
    assert tables.resolve("R8000", ["B0001"]) == ("B0001", "B0002")


@given(graph=GRAPH, baseline=SOME, additional=SOME, more=SOME)
def test_what_is_resolved_is_closed_and_grows_with_what_is_given(
    graph: dict[str, frozenset[str]],
    baseline: frozenset[str],
    additional: frozenset[str],
    more: frozenset[str],
) -> None:
    tables = roles(graph, {"R1": baseline})
    held = set(tables.resolve("R1", additional))
    assert baseline | additional <= held
    assert all(graph.get(code, frozenset()) <= held for code in held)
    assert held <= set(tables.resolve("R1", additional | more))
    assert tables.resolve("R1", held) == tuple(sorted(held))


def test_job_roles_are_found_by_words_of_name_or_code() -> None:
    clinical = JobRole("R8000", "Clinical Practitioner Access Role", "current", "PBAC")
    nurse = JobRole("R8001", "Nurse Access Role", "current", "PBAC")
    old = JobRole("R0120", "Senior Registrar (Closed)", "closed", "Medical")
    tables = roles({}, {}, nurse, clinical, old)
    assert tables.job_roles_like("role access") == [clinical, nurse]
    assert tables.job_roles_like("r8001") == [nurse]
    assert tables.job_roles_like("registrar") == []
    assert tables.job_roles_like("") == [clinical, nurse]


def test_three_part_code_and_name_stand_in_only_where_they_are_public() -> None:
    full = JobRole("R8000", "Clinical", "current", "", "S8000:G8000:R8000", '"A":"B":"C"')
    assert (full.full_code, full.full_name) == ("S8000:G8000:R8000", '"A":"B":"C"')
    bare = JobRole("R0570", "Nurse Consultant", "current", "", "S0030:G0100:R0570")
    assert (bare.full_code, bare.full_name) == ("S0030:G0100:R0570", "Nurse Consultant")


def test_an_activity_without_a_public_name_says_so() -> None:
    assert Activity("B0005", "", "", "code only").name == NO_PUBLIC_NAME
