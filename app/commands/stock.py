"""``spine-ra stock``: take deliveries of blank cards in, and tell how the stock of cards is."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from app.bootstrap.stock import stock_abilities
from app.commands.command_line import database_of, sentences, settings_of
from app.domain.actor import Actor
from app.domain.permission import Permission
from app.domain.stock_delivery import LARGEST_LIST, Delivery
from app.domain.stock_take import FindingKind
from app.ra.delivering_cards import SerialList
from app.ra.stock import StockAbilities
from app.ra.stocking_cards import StockState

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_SHOWN = 20
_ALARM = 1
# Whoever can give commands on the server may; the audit says that it was done here.
_OPERATOR = Actor("system:cli", "cli", permissions=frozenset({Permission.KEEP_STOCK}))


@click.group()
def stock() -> None:
    """The stock of cards."""


@stock.command()
@click.pass_context
def places(context: click.Context) -> None:
    """List the places where cards are kept, with their ids."""
    with sentences():
        for each in _abilities(context).stocking.counts().places:
            if each.place.is_kept:
                click.echo(f"{each.place.id}  {each.place.name} ({each.place.organisation_code or 'all'})")


@stock.command("import")
@click.argument("file", type=_FILE)
@click.option("--place", required=True, help="Id of the store or desk where the cards are.")
@click.option("--supplier", required=True, help="Who delivered them.")
@click.option("--apply", "is_sure", is_flag=True, help="Take the cards into stock; without it, only look.")
@click.pass_context
def import_cards(context: click.Context, file: Path, place: str, supplier: str, is_sure: bool) -> None:
    """Read FILE, a serial list (CSV: serial,card_profile,back_number), and take its cards into stock."""
    with sentences():
        delivering = _abilities(context).delivering
        with file.open("rb") as opened:
            handed_in = SerialList(file.name, opened.read(LARGEST_LIST + 1), supplier, place)
        delivery_id = delivering.hand_in(_OPERATOR, handed_in)
        delivery = delivering.delivery(_OPERATOR, delivery_id)
        if is_sure:
            delivery = delivering.apply(_OPERATOR, delivery_id)
        else:
            delivering.discard(_OPERATOR, delivery_id)
    _tell(delivery, is_sure)


@stock.command()
@click.pass_context
def report(context: click.Context) -> None:
    """Tell what is where, what is missing, whether the books are right. Ends with 1 in alarm."""
    with sentences():
        stocking = _abilities(context).stocking
        state, problems = stocking.counts(), stocking.problems_of_the_books()
    for each in state.places:
        low = "  LOW" if each.is_low else ""
        click.echo(f"{each.place.name:<34} {each.blank:>8,} blank {each.other:>8,} others{low}")
    for kind, number in state.open_counts.items():
        click.echo(f"to settle, {kind.value.replace('_', ' ')}: {number}")
    for problem in problems:
        click.echo(f"the books are wrong: {problem}")
    if not problems:
        click.echo(
            "The books are right: debits equal credits, and every balance is the cards that are there."
        )
    if problems or _is_alarming(state):
        sys.exit(_ALARM)


def _is_alarming(state: StockState) -> bool:
    return bool(state.open_counts[FindingKind.MISSING] or state.open_counts[FindingKind.UNEXPECTED])


def _tell(delivery: Delivery, is_sure: bool) -> None:
    for line in delivery.refused[:_SHOWN]:
        click.echo(f"  refused: line {line.line}: {line.reason}")
    if len(delivery.refused) > _SHOWN:
        click.echo(f"  and {len(delivery.refused) - _SHOWN} more")
    done = "taken into stock" if is_sure else "would be taken into stock; to do it, add --apply"
    click.echo(f"{len(delivery.refused)} lines refused; {len(delivery.cards)} cards {done}")


def _abilities(context: click.Context) -> StockAbilities:
    return stock_abilities(database_of(context), settings_of(context).agent.card_profile)
