"""Many threads and several processes on one token. python-pkcs11 alone crashes on the first of these."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from cryptoki import KeySpec, Session
from tests.support.softhsm import LoadedToken, TokenFolder
from tests.support.softhsm_processes import (
    login_and_forget,
    login_and_sign,
    sign_as_a_service,
    sign_once,
    use_what_was_forked_then_load,
)

THREADS = 8
ROUNDS = 60


def _in_threads(work: Callable[[int], None]) -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))


def test_threads_sign_with_one_session(softhsm: LoadedToken) -> None:
    with softhsm.token.login(softhsm.pin) as session:
        key = session.generate_key_pair(KeySpec.EC_P256, cka_id=b"\x01", label="signing").private_key
        _in_threads(lambda _: [sign_once(key) for _ in range(ROUNDS)] and None)


def test_threads_open_find_sign_and_close(softhsm: LoadedToken) -> None:
    with softhsm.token.login(softhsm.pin) as login:
        login.generate_key_pair(KeySpec.EC_P256, cka_id=b"\x01", label="signing")

        def work(_: int) -> None:
            for _ in range(ROUNDS):
                with softhsm.token.open() as session:
                    sign_once(session.private_key(label="signing"))

        _in_threads(work)


def test_threads_make_and_destroy_keys(softhsm: LoadedToken) -> None:
    with softhsm.token.login(softhsm.pin):

        def work(number: int) -> None:
            with softhsm.token.open(read_write=True) as session:
                for _ in range(ROUNDS // 6):
                    _make_and_destroy(session, bytes([number]))

        _in_threads(work)


def _make_and_destroy(session: Session, cka_id: bytes) -> None:
    sign_once(session.generate_key_pair(KeySpec.EC_P256, cka_id=cka_id, label="short-lived").private_key)
    assert session.destroy(cka_id=cka_id) == 2


def test_a_signing_session_signs_from_many_threads(token_folder: TokenFolder) -> None:
    with token_folder.signing_session(sessions=3) as keys:
        key = keys.generate(KeySpec.EC_P256, "service")
        _in_threads(lambda _: [sign_once(key) for _ in range(ROUNDS)] and None)


def test_threads_make_keys_while_others_sign(token_folder: TokenFolder) -> None:
    with token_folder.signing_session() as keys:
        keys.generate(KeySpec.EC_P256, "service")

        def work(number: int) -> None:
            for turn in range(ROUNDS // 6):
                sign_once(keys.private_key("service"))
                sign_once(keys.generate(KeySpec.EC_P256, f"key {number} {turn}"))

        _in_threads(work)


def test_processes_open_signing_sessions_at_the_same_moment(token_folder: TokenFolder) -> None:
    with token_folder.signing_session() as keys:
        keys.generate(KeySpec.EC_P256, "service")
    spawn = multiprocessing.get_context("spawn")
    start = spawn.Barrier(2)
    children = [spawn.Process(target=sign_as_a_service, args=(token_folder, start, 200)) for _ in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0, 0]


def test_a_forked_child_loads_the_module_for_itself(softhsm: LoadedToken) -> None:
    with softhsm.token.login(softhsm.pin) as session:
        key = session.generate_key_pair(KeySpec.EC_P256, cka_id=b"\x01", label="signing").private_key
        child = multiprocessing.get_context("fork").Process(
            target=use_what_was_forked_then_load, args=(softhsm,)
        )
        child.start()
        child.join()
        assert child.exitcode == 0
        sign_once(key)  # the parent's login is untouched


def test_a_process_that_forgets_to_finalise_ends_well(softhsm: LoadedToken) -> None:
    folder = TokenFolder(softhsm.folder, softhsm.conf)
    child = multiprocessing.get_context("spawn").Process(target=login_and_forget, args=(folder,))
    child.start()
    child.join()
    assert child.exitcode == 0


def test_a_spawned_child_logs_in_for_itself(softhsm: LoadedToken) -> None:
    with softhsm.token.login(softhsm.pin) as session:
        session.generate_key_pair(KeySpec.EC_P256, cka_id=b"\x01", label="signing")
    folder = TokenFolder(softhsm.folder, softhsm.conf)
    child = multiprocessing.get_context("spawn").Process(target=login_and_sign, args=(folder,))
    child.start()
    child.join()
    assert child.exitcode == 0
