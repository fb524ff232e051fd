"""``spine-ra directory replica``: further servers of the directory, and who takes the changes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from app.bootstrap.directory import directory_nodes
from app.errors import SpineError
from app.settings import Settings, load
from directory import serving
from directory.connection import open_session
from directory.csn import State, lag_seconds, state_of
from directory.errors import DirectoryError, DirectoryUnavailable
from directory.locking import locked
from directory.node_comparing import Divergence, divergences, repair
from directory.nodes import FIRST, NewReplica, Nodes, make_replica, seed_again
from directory.promoting import follow, promote
from directory.replication import FollowingTls, ask_for_refresh
from directory.seeding import take_snapshot
from directory.serving import Serving

_DIFFERENT, _NOT_DONE = 1, 2
_SHOWN = 50
_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)


@click.group()
def replica() -> None:
    """Further servers of the directory (docs/directory-replication.md)."""


@contextmanager
def _sentences() -> Iterator[None]:
    try:
        yield
    except (SpineError, DirectoryError, FileNotFoundError) as error:
        click.echo(str(error), err=True)
        sys.exit(_NOT_DONE)


def _settings(context: click.Context) -> Settings:
    return load(context.find_root().obj)


def _nodes(context: click.Context) -> Nodes:
    return directory_nodes(_settings(context))


@replica.command()
@click.argument("name")
@click.option("--ldaps-port", type=int, required=True, help="Where systems ask it.")
@click.option("--listen", default="127.0.0.1", help="Address of that port.")
@click.option("--url", default="", help="LDAPS address for the others.  [localhost and the port]")
@click.option("--provider", "provider_url", default="", help="LDAPS address of the provider.  [the one here]")
@click.option("--snapshot", type=_FOLDER, help="From the provider's machine; see `snapshot`.")
@click.option("--standby", is_flag=True, help="Each change is on disk at once: it can be promoted.")
@click.option("--server-id", type=click.IntRange(1, 4095), help="Unlike that of every other server.")
@click.option("--tls-certificate", type=_FILE, help="Of the server.  [tls/directory.pem]")
@click.option("--tls-key", type=_FILE, help="[tls/directory.key]")
@click.option("--client-authority", type=_FILE, help="For systems and servers.  [systems/authorities.pem]")
@click.option("--node-certificate", type=_FILE, help="With which it follows.  [systems/node.pem]")
@click.option("--node-key", type=_FILE, help="[systems/node.key]")
@click.option("--provider-authority", type=_FILE, help="Of the provider's certificate.  [tls/ca.pem]")
@click.option("--start/--no-start", "starts", default=True, help="Start it when it is made.")
@click.pass_context
def add(context: click.Context, /, name: str, starts: bool, snapshot: Path | None, **given: object) -> None:
    """Make a replica NAME: its folder, its content from a snapshot, and start it."""
    with _sentences():
        nodes = _nodes(context)
        new = _new_replica(nodes, _settings(context).data.folder, name, given)
        click.echo(f"Making {name} from a snapshot of the provider ...")
        folder = make_replica(nodes, new, snapshot)
        if starts:
            serving.start(folder)
    click.echo(f"{name} {'serves' if starts else 'is made for'} {new.url} and follows {new.provider_url}.")
    click.echo(f"A service manager serves it with: {' '.join(serving.command(folder))}")


def _new_replica(nodes: Nodes, data: Path, name: str, given: dict[str, object]) -> NewReplica:
    def file(option: str, default: str) -> Path:
        path = Path(str(given[option] or data / default)).resolve()
        if not path.exists():
            raise click.UsageError(f"{path} is not there. Say --{option.replace('_', '-')}.")
        return path

    served = Serving(
        int(str(given["ldaps_port"])),
        str(file("tls_certificate", "tls/directory.pem")),
        str(file("tls_key", "tls/directory.key")),
        str(file("client_authority", "systems/authorities.pem")),
        str(given["listen"]),
    )
    following = FollowingTls(
        file("node_certificate", "systems/node.pem"),
        file("node_key", "systems/node.key"),
        file("provider_authority", "tls/ca.pem"),
    )
    url = str(given["url"]) or f"ldaps://localhost:{served.ldaps_port}"
    server_id = int(str(given["server_id"])) if given["server_id"] else None
    provider_url = str(given["provider_url"]) or nodes.url(nodes.provider() or FIRST)
    return NewReplica(name, url, provider_url, served, following, server_id, bool(given["standby"]))


@replica.command()
@click.argument("name")
@click.pass_context
def start(context: click.Context, name: str) -> None:
    """Start a server that is stopped."""
    with _sentences():
        serving.start(_nodes(context).folder(name))
    click.echo(f"{name} serves.")


@replica.command()
@click.argument("name")
@click.pass_context
def stop(context: click.Context, name: str) -> None:
    """Stop a server. What keeps it running is stopped too."""
    with _sentences():
        ran = serving.stop(_nodes(context).folder(name))
    click.echo(f"{name} is stopped." if ran else f"{name} did not run.")


@replica.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def remove(context: click.Context, name: str, *, yes: bool) -> None:
    """Delete a replica that is stopped. If others could have its node certificate's key, exchange that."""
    with _sentences():
        nodes = _nodes(context)
        nodes.folder(name)
        if not yes:
            click.confirm(f"Delete {name} and everything it holds?", abort=True)
        nodes.remove(name)
    click.echo(f"{name} is gone.")


@replica.command()
@click.pass_context
def status(context: click.Context) -> None:
    """Tell of each server here what it is, whether it runs and how far it is behind the provider."""
    with _sentences():
        nodes = _nodes(context)
        provider = nodes.provider()
        newest = _state(nodes, provider) if provider else None
        for name in nodes.folders():
            click.echo(_line(nodes, name, newest))


def _state(nodes: Nodes, name: str) -> State | None:
    """What the server has; None when it does not run."""
    with suppress(DirectoryUnavailable), open_session(nodes.slapd(name).ldapi_url) as session:
        return state_of(session)
    return None


def _line(nodes: Nodes, name: str, newest: State | None) -> str:
    node, state = nodes.node(name), _state(nodes, name)
    kind = "takes changes" if node.is_provider else f"follows {node.provider}"
    if state is None:
        return f"{name}: {kind}; does not run"
    if node.is_provider or newest is None:
        return f"{name}: {kind}; runs"
    behind = lag_seconds(newest, state)
    return f"{name}: {kind}; {'has every change' if behind == 0 else f'is {behind:.1f} seconds behind'}"


@replica.command()
@click.option("--repair", "repairs", is_flag=True, help="Mend what is found.")
@click.pass_context
def compare(context: click.Context, repairs: bool) -> None:
    """Compare each running replica here with the provider, entry by entry. Ends with 0 when all are equal.

    Equal states prove nothing after a crash; this does. What is under way is waited for.
    """
    with _sentences():
        nodes = _nodes(context)
        provider = nodes.provider() or FIRST
        others = [name for name in nodes.folders() if name != provider and _state(nodes, name) is not None]
        differing = [name for name in others if _differs(nodes, provider, name, repairs)]
    click.echo(f"{', '.join(differing)}: not equal to {provider}." if differing else "All hold the same.")
    sys.exit(_DIFFERENT if differing else 0)


def _differs(nodes: Nodes, provider: str, name: str, repairs: bool) -> bool:
    found = _found(nodes, provider, name)
    for each in found[:_SHOWN]:
        click.echo(f"{name}: {each}")
    if not found or not repairs:
        return bool(found)
    _repair(nodes, provider, name, found)
    left = _found(nodes, provider, name)
    if left:
        click.echo(f"{name}: {len(left):,} entries still differ. Compare again, or seed it anew.")
    return bool(left)


def _found(nodes: Nodes, provider: str, name: str) -> list[Divergence]:
    with (
        open_session(nodes.slapd(provider).ldapi_url) as one,
        open_session(nodes.slapd(name).ldapi_url) as other,
    ):
        return divergences(one, other)


def _repair(nodes: Nodes, provider: str, name: str, found: list[Divergence]) -> None:
    slapd = nodes.slapd(provider)

    def refresh() -> None:
        ask_for_refresh(nodes.folder(name), _state(nodes, name) or ())
        serving.restart(nodes.folder(name))

    with locked(slapd.publishing_lock, wait=True), open_session(slapd.ldapi_url) as session:
        repair(session, found, refresh)


@replica.command("promote")
@click.argument("name")
@click.pass_context
def promote_command(context: click.Context, name: str) -> None:
    """Let NAME take the changes from now on; the others follow it."""
    with _sentences():
        left = promote(_nodes(context), name)
    click.echo(f"{name} takes the changes.")
    for sentence in left:
        click.echo(sentence)


@replica.command("follow")
@click.argument("name")
@click.option("--provider", "provider_url", required=True, help="LDAPS address of the provider.")
@click.pass_context
def follow_command(context: click.Context, name: str, provider_url: str) -> None:
    """Let NAME follow a provider on another machine, after a promotion there."""
    with _sentences():
        nodes = _nodes(context)
        was_provider = nodes.node(name).is_provider
        follow(nodes, name, provider_url)
    click.echo(f"{name} follows {provider_url}.")
    if was_provider:
        click.echo(f"It was the provider. Seed it: spine-ra directory replica seed {name} --snapshot FOLDER")


@replica.command("seed")
@click.argument("name")
@click.option("--snapshot", type=_FOLDER, help="From the provider's machine.  [taken of the provider here]")
@click.pass_context
def seed_command(context: click.Context, name: str, snapshot: Path | None) -> None:
    """Give NAME the provider's content anew; it is stopped meanwhile. After a power cut, or a rebuild."""
    with _sentences():
        nodes = _nodes(context)
        ran = serving.stop(nodes.folder(name))
        seed_again(nodes, name, snapshot)
        if ran and serving.read_serving(nodes.folder(name)) is not None:
            serving.start(nodes.folder(name))
    click.echo(f"{name} holds what the provider held.")


@replica.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.pass_context
def snapshot(context: click.Context, folder: Path) -> None:
    """Write what the provider here holds into a new FOLDER, to seed replicas on other machines."""
    with _sentences():
        nodes = _nodes(context)
        take_snapshot(nodes.slapd(nodes.provider() or FIRST), folder)
    click.echo(f"{folder} holds the directory. It is as secret as the directory: delete it after use.")
