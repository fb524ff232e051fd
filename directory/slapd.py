"""A private slapd: its folder, its configuration, and the process as our child.

Never the system's slapd. The folder holds everything::

    slapd.d/        the configuration, written anew at each start
    database-N/     a database; the link ``current`` names the one in use
    slapd.log       what slapd prints: errors only (``directory.slapd_log``)
    run/            the ldapi socket, through which the publisher writes
    writer          a link to the folder of the server that takes changes: this one, until another is promoted
    node.json       whether it takes changes or follows a provider (``directory.node``)
    tls/            copies of the TLS files that slapd's user may read
    lock            held by the running slapd: a second one would start happily on the same database
    changelog/      the database of the change log, which a rebuild leaves
    publishing.lock held while something is published or everything is rebuilt
    not-on-disk-yet says that what was published last is not on the disk (``directory.group_commit``)

**Which user runs it.** As root, slapd runs as ``openldap`` when that user exists and can reach the folder;
otherwise (a folder in /root, or no root at all) as the user who starts it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from directory.access_rules import AccessPolicy
from directory.account import Account, account_for
from directory.configuration import REPLICATED, SlapdFiles, configuration_ldif
from directory.errors import SlapdAlreadyRunning, SlapdFailed
from directory.group_commit import require_whole
from directory.locking import locked
from directory.node import WRITER, read_node, require_seeded
from directory.parent_death import end_with_parent
from directory.replication import take_start_arguments
from directory.server_tls import ServerTls, environment
from directory.slapd_log import SlapdLog
from directory.switching import note_in_use
from directory.unix_socket import LONGEST_PATH, answers, ldapi_url

SLAPD = "/usr/sbin/slapd"
SLAPADD = "/usr/sbin/slapadd"


class Slapd:
    """One directory folder and the slapd that serves it.

    Args:
        folder: made when it does not exist.
        ldaps_port: where systems ask.
        tls: copied into the folder at each start.
        listen: address of the LDAPS port.
        anonymous_endpoint_lookup: whether nhsMhs entries may be looked up without a certificate.
    """

    def __init__(
        self,
        folder: Path,
        ldaps_port: int,
        tls: ServerTls,
        *,
        listen: str = "127.0.0.1",
        anonymous_endpoint_lookup: bool = True,
    ) -> None:
        self.folder = folder.resolve()
        self.ldaps_url = f"ldaps://{listen}:{ldaps_port}"
        self._tls = tls
        self._policy = AccessPolicy(os.getuid(), os.getgid(), self.ldapi_url, anonymous_endpoint_lookup)
        self._process: subprocess.Popen[bytes] | None = None
        self._log = SlapdLog(self.log_file)

    @property
    def socket_path(self) -> Path:
        """The Unix socket of the publisher."""
        return self.folder / "run" / "ldapi"

    @property
    def ldapi_url(self) -> str:
        """The publisher's address."""
        return ldapi_url(self.socket_path)

    @property
    def publishing_lock(self) -> Path:
        """Held (flock) while something is published or everything is rebuilt."""
        return self.folder / "publishing.lock"

    @property
    def log_file(self) -> Path:
        """What slapd prints: errors only."""
        return self.folder / "slapd.log"

    @property
    def pid(self) -> int:
        """The process id of the running slapd."""
        return self._running().pid

    def prepare(self) -> None:
        """Make the folder and an empty database, if they are not there. Harmless while slapd runs.

        Raises:
            SlapdFailed: slapd is not installed, or the folder's path is too long for a socket.
        """
        if len(str(self.folder / WRITER / "run" / "ldapi").encode()) > LONGEST_PATH:
            raise SlapdFailed(
                f"{self.socket_path} is too long for a socket. Use a folder with a shorter path."
            )
        if shutil.which(SLAPD) is None:
            raise SlapdFailed("slapd is not installed. Install it: apt-get install slapd ldap-utils")
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in ("run", "tls", "changelog"):
            (self.folder / name).mkdir(mode=0o700, exist_ok=True)
            self.account.own(self.folder / name)
        if not (self.folder / WRITER).is_symlink():
            (self.folder / WRITER).symlink_to(".")
        if not (self.folder / "current").is_symlink():
            note_in_use(self.new_database())

    def start(self, patience: float = 30.0) -> None:
        """Configure, start slapd as our child and wait until it answers on its own socket.

        It ends when the thread that started it ends (PR_SET_PDEATHSIG), so start it from one that stays.

        Raises:
            SlapdAlreadyRunning: another process serves this folder.
            SlapdFailed: slapadd refuses the configuration, slapd ended or did not answer within
            ``patience`` seconds, it was the provider and must be seeded first, or power was cut while it
            was being written and it must be rebuilt.
        """
        self.prepare()
        with self.kept_stopped() as lock:
            require_seeded(self.folder)
            require_whole(self.folder)
            self._own_databases()
            self._tls.copy_into(self.folder / "tls", self.account)
            self.write_configuration(self.folder / "slapd.d", self._files())
            self.socket_path.unlink(missing_ok=True)
            # The child inherits the lock, so it is free again exactly when that slapd is gone.
            self._process = self._spawn(lock)
        self._wait_until_ready(time.monotonic() + patience)

    @contextlib.contextmanager
    def kept_stopped(self) -> Iterator[int]:
        """Hold the lock that a running slapd holds, and yield its descriptor.

        Raises:
            SlapdAlreadyRunning: a process serves this folder.
        """
        with contextlib.ExitStack() as held:
            try:
                lock = held.enter_context(locked(self.folder / "lock", wait=False))
            except BlockingIOError as error:
                raise SlapdAlreadyRunning(f"A slapd already serves {self.folder}. Stop it first.") from error
            yield lock

    def terminate(self) -> None:
        """Ask slapd to end, without waiting. Safe in a signal handler."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)

    def stop(self, patience: float = 30.0) -> None:
        """Ask slapd to end and wait for it; kill it when it does not. One that has ended is fine."""
        self.terminate()
        if self._process is None:
            return
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def wait(self) -> int:
        """Wait until slapd ends by itself and return its exit status."""
        return self._running().wait()

    def is_running(self) -> bool:
        """Whether our child is alive."""
        return self._process is not None and self._process.poll() is None

    def current_database(self) -> Path:
        """The folder of the database in use."""
        return self.folder / os.readlink(self.folder / "current")

    def new_database(self) -> Path:
        """Make an empty database folder beside the one in use; what an ended rebuild left is deleted."""
        current = self.current_database() if (self.folder / "current").is_symlink() else None
        for left in set(self.folder.glob("database-*")) - {current}:
            shutil.rmtree(left)
        number = int(current.name.removeprefix("database-")) + 1 if current else 1
        database = self.folder / f"database-{number}"
        database.mkdir(mode=0o700)
        self.account.own(database)
        return database

    def write_configuration(self, configuration: Path, paths: SlapdFiles) -> None:
        """Write a configuration folder that points to ``paths``.

        Raises:
            SlapdFailed: slapadd refuses it.
        """
        shutil.rmtree(configuration, ignore_errors=True)
        configuration.mkdir(mode=0o700)
        self.account.own(configuration)
        text = configuration_ldif(paths, self._policy)
        done = subprocess.run(  # noqa: S603 - our own command
            [SLAPADD, "-n0", "-F", str(configuration)],
            input=text,
            text=True,
            capture_output=True,
            check=False,
            **self.account.process_options(),
        )
        if done.returncode != 0:
            raise SlapdFailed(f"slapadd refuses the configuration: {done.stdout}{done.stderr}")

    @property
    def account(self) -> Account:
        """The user that slapd and slapadd run as."""
        return account_for(self.folder)

    def _own_databases(self) -> None:
        """The account may be another than at the last start, when the folder became reachable since."""
        for database in (self.current_database(), self.folder / "changelog"):
            for path in (database, *database.iterdir()):
                self.account.own(path)

    def _files(self) -> SlapdFiles:
        server = ServerTls.copies_in(self.folder / "tls")
        changelog = self.folder / "changelog"
        node = read_node(self.folder)
        return SlapdFiles(self.current_database(), self.folder / "run", server, changelog, node)

    def _spawn(self, lock: int) -> subprocess.Popen[bytes]:
        command = [SLAPD, "-F", str(self.folder / "slapd.d"), "-h", f"{self.ldapi_url} {self.ldaps_url}"]
        command += take_start_arguments(self.folder, len(REPLICATED))
        with self._log.printing() as log:
            return subprocess.Popen(  # noqa: S603 - our own command
                # Any -d keeps slapd in the foreground; "none" prints errors, which 0 would hide.
                [*command, "-d", "none"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=os.environ | environment(self.folder / "tls"),
                pass_fds=(lock,),
                start_new_session=True,
                preexec_fn=end_with_parent,
                **self.account.process_options(),
            )

    def _wait_until_ready(self, deadline: float) -> None:
        while not answers(self.socket_path):
            if not self.is_running() or time.monotonic() > deadline:
                self.stop()
                said = self._log.text()[-800:]
                raise SlapdFailed(f"slapd did not start: {said.strip() or 'it said nothing.'}")
            time.sleep(0.01)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise SlapdFailed("slapd has not been started.")
        return self._process
