"""What the page of a person shows: of somebody else, and of oneself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.domain.actor import Actor
from app.domain.card import CardStatus, moves_offered
from app.domain.permission import Permission
from app.domain.person import Assurance, PersonStatus
from app.domain.professional_registration import NUMBER_FORMATS
from app.domain.request import RequestStatus
from app.ra.records import PersonRecord, RequestSummary
from app.ra.renewing import RenewalDue
from app.web.presenters.cards import CardShown, cards_shown
from app.web.presenters.registration import documents_table
from app.web.presenters.role import RoleShown, roles_shown
from app.web.presenters.states import person_tag, request_tag
from app.web.presenters.wording import Cell, Row, TableOf, Tag, day, grouped, moment, period, phone_number

_REPAIRED = frozenset({CardStatus.ACTIVE, CardStatus.EXPIRING})


@dataclass(frozen=True)
class Action:
    """Something that can be done now: a link, or a form of one button. A warning takes something away."""

    text: str
    href: str
    is_form: bool = False
    is_warning: bool = False


@dataclass(frozen=True)
class PersonPage:
    """Everything on the page, ready to be written."""

    uid: str
    name: str
    status: Tag
    notice: str
    photo_href: str
    details: tuple[Row, ...]
    roles: tuple[RoleShown, ...]
    requests: TableOf
    cards: tuple[CardShown, ...]
    evidence: TableOf
    actions: tuple[Action, ...]

    @classmethod
    def of(
        cls,
        actor: Actor,
        record: PersonRecord,
        now: datetime,
        due: RenewalDue | None = None,
        withdrawable: frozenset[str] = frozenset(),
    ) -> PersonPage:
        """The page of somebody, for an RA person or sponsor.

        Args:
            due: their card that can be renewed.
            withdrawable: ids of their role profiles that ``actor`` may withdraw.
        """
        base = f"/people/{record.person.uid}"
        cards = cards_shown(record.cards, base, actor)
        requests = _requests_table([each for each in record.requests if _may_see(actor, each)])
        actions = (*_actions(actor, record), *_renewal_actions(actor, record, due))
        notice = _notice(actor, record)
        roles = roles_shown(record.roles, now.date(), withdrawable)
        has_numbers = Permission.REGISTER_PERSON in actor.permissions
        evidence = documents_table(record.evidence, has_numbers=has_numbers)
        return cls._made(record, f"{base}/photo", roles, cards, requests, evidence, actions, notice)

    @classmethod
    def of_oneself(cls, actor: Actor, record: PersonRecord, now: datetime) -> PersonPage:
        """My page: the same without the actions of RA people."""
        cards = cards_shown(record.cards, "/my", actor)
        # Whom a request is about does not see what was written in it, so nothing is linked.
        requests = _requests_table(record.requests, is_linked=False)
        roles, evidence = roles_shown(record.roles, now.date()), documents_table(record.evidence)
        return cls._made(record, "/my/photo", roles, cards, requests, evidence, (), "")

    @classmethod
    def _made(
        cls,
        record: PersonRecord,
        photo_href: str,
        roles: tuple[RoleShown, ...],
        cards: tuple[CardShown, ...],
        requests: TableOf,
        evidence: TableOf,
        actions: tuple[Action, ...],
        notice: str,
    ) -> PersonPage:
        person = record.person
        return cls(
            uid=grouped(person.uid),
            name=person.name,
            status=person_tag(person.status),
            notice=notice,
            # Nobody who was taken over from another directory has been photographed yet.
            photo_href=photo_href if person.assurance is Assurance.EVIDENCE else "",
            details=_details(record),
            roles=roles,
            requests=requests,
            cards=cards,
            evidence=evidence,
            actions=actions,
        )


def _details(record: PersonRecord) -> tuple[Row, ...]:
    person = record.person
    names = (person.title, person.given_name, person.middle_names, person.family_name)
    rows = (
        Row("User id (UUID)", grouped(person.uid)),
        Row("Name", " ".join(name for name in names if name)),
        Row("Name on the card", person.card_name),
        Row("Date of birth", day(person.date_of_birth) or "Not known"),
        Row("E-mail", person.email or "Not known"),
        Row("Mobile", phone_number(person.mobile) or "Not given"),
    )
    numbers = (Row(NUMBER_FORMATS[each.body].label, each.number) for each in record.registrations)
    return (*rows, *numbers, Row("Registered", moment(person.registered_at)))


def _requests_table(requests: Sequence[RequestSummary], *, is_linked: bool = True) -> TableOf:
    return TableOf(
        "Requests",
        ("Position", "Organisation", "When", "Requested by", "State"),
        tuple(_request_row(request, is_linked) for request in requests),
    )


def _request_row(request: RequestSummary, is_linked: bool) -> tuple[Cell, ...]:
    return (
        Cell(request.position_name, href=f"/requests/{request.id}" if is_linked else ""),
        Cell(f"{request.organisation_name} ({request.organisation_code})"),
        Cell(period(request.starts_on, request.ends_on)),
        Cell(request.requested_by.name),
        Cell(tag=request_tag(request.status)),
    )


def _may_see(actor: Actor, request: RequestSummary) -> bool:
    """A sponsor does not see what other sponsors ask for."""
    return Permission.DECIDE_REQUEST in actor.permissions or request.requested_by.uid == actor.uid


def _notice(actor: Actor, record: PersonRecord) -> str:
    """Where the person stands on the way to working access, and who does what next."""
    if record.person.status is PersonStatus.CLOSED:
        return "This record is closed. The person can have no card and no access."
    if record.person.assurance is Assurance.MIGRATED:
        return "Taken over from another directory: the identity must be verified before a card can be issued."
    if actor.uid == record.person.uid:
        return "This is your own record. Another RA manager or agent changes it."
    if record.open_issuance is not None:
        return "A card is being issued to this person. Go on with it, or undo it, before anything else."
    if any(card.card.status is CardStatus.SUSPENDED for card in record.cards):
        return "The card is suspended. Nobody can sign in with it until an RA manager or agent resumes it."
    if not record.roles and not _open_requests(record):
        return "No access yet. A sponsor requests a position, and an RA manager or agent grants it."
    if any(card.card.is_live and card.card.replace_for for card in record.cards):
        return "The name has changed. The card carries the old name and works until a new one replaces it."
    if not any(card.card.is_live for card in record.cards):
        return "This person has no working card. An RA manager or agent issues one."
    return ""


def _open_requests(record: PersonRecord) -> list[RequestSummary]:
    return [request for request in record.requests if request.status is RequestStatus.OPEN]


def _actions(actor: Actor, record: PersonRecord) -> tuple[Action, ...]:
    """Only what is legal in this state, permitted to this actor, and not about oneself."""
    uid = record.person.uid
    if record.person.status is PersonStatus.CLOSED or actor.uid == uid:
        return ()
    actions = []
    if Permission.DECIDE_REQUEST in actor.permissions:
        others = [each for each in _open_requests(record) if each.requested_by.uid != actor.uid]
        actions += [Action(f"Decide: {each.position_name}", f"/requests/{each.id}") for each in others]
    if Permission.REQUEST_POSITION in actor.permissions:
        actions.append(Action("Request a position", f"/people/{uid}/request-position"))
    actions += [*_resume(actor, record), *_report_lost(actor, record)]
    if Permission.ISSUE_CARD in actor.permissions:
        actions += _issue_actions(record)
    if Permission.CHANGE_PERSON in actor.permissions:
        actions.append(Action("Change the name", f"/people/{uid}/name"))
    return tuple(actions)


def _resume(actor: Actor, record: PersonRecord) -> list[Action]:
    return [
        Action("Resume the card", f"/people/{record.person.uid}/cards/{each.card.serial}/resume")
        for each in record.cards
        if "resume" in {move.verb for move in moves_offered(each.card, actor)}
    ]


def _report_lost(actor: Actor, record: PersonRecord) -> list[Action]:
    """What a telephone call is most often about, offered before everything else that concerns the card."""
    return [
        Action(
            "Report the temporary card lost" if each.card.is_temporary else "Report the card lost",
            f"/people/{record.person.uid}/cards/{each.card.serial}/report-lost",
            is_warning=True,
        )
        for each in record.cards
        if "report-lost" in {move.verb for move in moves_offered(each.card, actor)}
    ]


def _renewal_actions(actor: Actor, record: PersonRecord, due: RenewalDue | None) -> tuple[Action, ...]:
    """Signed with one's own card, or by two colleagues; for an expired card, own needs the right to issue."""
    if due is None or Permission.RENEW_CARD not in actor.permissions or actor.uid == record.person.uid:
        return ()
    if due.open_job:
        return (Action("Go on renewing the card", f"/card-jobs/{due.open_job}"),)
    href, words = f"/people/{record.person.uid}/cards/{due.card_serial}/renew", "Renew the card"
    alone = Action(words, href, is_form=True)
    vouched = Action("Renew the expired card with two colleagues", f"{href}-with-colleagues", is_form=True)
    if not due.has_ended:
        return (alone,)
    return (alone, vouched) if Permission.ISSUE_CARD in actor.permissions else (vouched,)


def _issue_actions(record: PersonRecord) -> list[Action]:
    if record.open_issuance is not None:
        return [Action("Go on with the card", f"/issuances/{record.open_issuance.id}")]
    if record.person.assurance is Assurance.MIGRATED:
        return []
    base = f"/people/{record.person.uid}/issue-card"
    live = [card.card for card in record.cards if card.card.is_live]
    if not any(not card.is_temporary for card in live):
        return [
            Action("Issue a card", base, is_form=True),
            Action("Issue a card in another way", f"{base}/otherwise"),
        ]
    actions = [
        Action("Repair the card", f"/people/{record.person.uid}/cards/{each.serial}/repair", is_form=True)
        for each in live
        if each.status in _REPAIRED and not each.is_temporary
    ]
    if any(card.replace_for for card in live):
        actions.insert(0, Action("Issue the new card that replaces the old", base, is_form=True))
    if not any(card.is_temporary for card in live):
        actions.append(Action("Issue a temporary card", f"{base}/otherwise?way=temporary"))
    return actions
