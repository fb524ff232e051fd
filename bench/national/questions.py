"""What is asked of the nation's directory, with the right answers."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from bench.asking import Case
from bench.national.nation import Nation, Somebody

CASES = 40_000
_SYSTEMS = 20_000
# (kind, with which terms beyond organisation and interaction): how many of 511 logged look-ups were so.
MIX = {
    ("endpoint", ()): 239,
    ("device", ("party_key",)): 130,
    ("device", ()): 105,
    ("device", ("party_key", "manufacturer")): 26,
    ("endpoint", ("party_key",)): 11,
}


def cases(nation: Nation) -> Mapping[str, Sequence[Case]]:
    """The questions by kind."""
    checks = list(_checks(nation))
    # In the cheapest operation's message is nothing of it, but to come by it costs the same as for a check.
    known = [Case(each.about, True) for each in checks]
    look_ups = [_look_up(nation, random.Random(number)) for number in range(_SYSTEMS)]
    return {
        **dict.fromkeys(("check", "dated", "naive"), checks),
        "look-up": look_ups,
        **dict.fromkeys(("cheapest", "person"), known),
    }


def _checks(nation: Nation) -> Iterator[Case]:
    """About people from all over the nation: two of three are yes."""
    step = max(1, nation.people // CASES)
    chance = random.Random(nation.seed)
    for each in islice(nation.everybody(), 0, None, step):
        role = chance.choice(each.roles)
        held = chance.random() < 2 / 3
        activity = chance.choice(role.access.activity_codes) if held else "B9999"
        yield Case((each.uid, activity, role.organisation), _may(nation, each, activity, role.organisation))


def _may(nation: Nation, each: Somebody, activity: str, organisation: str) -> bool:
    """By the national tables, as nobody else here works it out."""
    return any(
        activity in nation.national.resolve(role.access.job_role_code, role.access.activity_codes)
        for role in each.roles
        if role.organisation == organisation and role.counts
    )


def _look_up(nation: Nation, chance: random.Random) -> Case:
    number = chance.randrange(nation.systems // 3)
    ((kind, terms),) = chance.choices(list(MIX), list(MIX.values()))
    interactions = nation.interactions_of(number)
    interaction = chance.choice(interactions[:2] if kind == "endpoint" else interactions)
    values = {"party_key": nation.party_key(number), "manufacturer": nation.manufacturer(number)}
    about = (kind, nation.codes[number], interaction, *(values[term] for term in terms))
    return Case(about, nation.address(number) if kind == "endpoint" else nation.asid(number))
