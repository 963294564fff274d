"""Hashing never blocks, never piles up, and costs strangers as much as friends."""

import asyncio
import threading
from typing import Literal

import pytest
from argon2 import PasswordHasher

from moorage.staff.passwords import Passwords, SignInBusy, UnfitPassword
from tests.staff.people import quick_hasher

PATIENCE_S = 20


class GatedHasher(PasswordHasher):
    """A hasher that waits for the test before it verifies, and counts."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.gate = threading.Event()
        self.entered = threading.Semaphore(0)
        self.verified = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 -- the library's name
        self.entered.release()
        if not self.gate.wait(PATIENCE_S):
            raise TimeoutError
        self.verified += 1
        return super().verify(hash, password)


async def test_the_right_password_is_told_from_a_wrong_one(passwords: Passwords) -> None:
    password_hash = await passwords.hash("correct horse")
    assert password_hash.startswith("$argon2id$")
    assert await passwords.verify(password_hash, "correct horse")
    assert not await passwords.verify(password_hash, "correct hors")
    assert not await passwords.verify(password_hash, "half a character: \ud83d")


async def test_an_unknown_person_costs_the_same_hash() -> None:
    hasher = GatedHasher()
    hasher.gate.set()
    passwords = Passwords(hasher=hasher)
    assert not await passwords.verify(None, "anything")
    assert hasher.verified == 1
    passwords.close()


async def test_the_loop_runs_on_while_passwords_are_hashed_and_too_many_are_turned_away() -> None:
    hasher = GatedHasher()
    passwords = Passwords(hasher=hasher, most_at_once=2, most_waiting=1)
    password_hash = quick_hasher().hash("correct horse")
    async with asyncio.timeout(PATIENCE_S):
        tries = [asyncio.ensure_future(passwords.verify(password_hash, "correct horse")) for _ in range(5)]
        refused, _ = await asyncio.wait(tries, return_when=asyncio.FIRST_EXCEPTION)
        assert [type(each.exception()) for each in refused] == [SignInBusy, SignInBusy]
        hasher.gate.set()  # had hashing blocked the loop, nobody would get here to open the gate
        assert [await each for each in tries if each not in refused] == [True, True, True]
        assert await passwords.verify(password_hash, "correct horse")
    passwords.close()


async def test_a_cancelled_try_gives_its_place_back() -> None:
    hasher = GatedHasher()
    passwords = Passwords(hasher=hasher, most_at_once=1, most_waiting=0)
    password_hash = quick_hasher().hash("correct horse")
    async with asyncio.timeout(PATIENCE_S):
        gone = asyncio.ensure_future(passwords.verify(password_hash, "correct horse"))
        await asyncio.to_thread(hasher.entered.acquire)
        gone.cancel()
        await asyncio.wait([gone])
        hasher.gate.set()
        assert await passwords.verify(password_hash, "correct horse")
    passwords.close()


@pytest.mark.parametrize("password", ["", "7 chars", "x" * 1025])
async def test_a_new_password_of_unfit_length_is_refused(passwords: Passwords, password: str) -> None:
    with pytest.raises(UnfitPassword):
        await passwords.hash(password)


async def test_a_hash_made_with_weaker_parameters_is_outdated(passwords: Passwords) -> None:
    stronger = Passwords(hasher=PasswordHasher(time_cost=2, memory_cost=8, parallelism=1))
    password_hash = await passwords.hash("correct horse")
    assert stronger.is_outdated(password_hash)
    assert not passwords.is_outdated(password_hash)
    stronger.close()
