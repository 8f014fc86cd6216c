"""Passkeys by a software authenticator: as a second factor, as a login of their own, and every way in which not."""

from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from datetime import timedelta
from uuid import uuid4

import pytest

from tests.integration.webapi.authenticator import Authenticator, encoded
from tests.integration.webapi.conftest import NOW, PASSWORD, V1, assert_problem, new_person


def add(person, device: Authenticator, name: str = "Ada's phone"):
    asked = person.post("/passkeys/options").json
    body = {
        "challengeId": asked["challengeId"],
        "credential": device.create(asked["options"]),
        "name": name,
    }
    return person.post("/passkeys", body)


def login(client, device: Authenticator):
    asked = client.post(f"{V1}/passkeys/login/options").json
    return answer(client, asked, device.get(asked["options"]))


def answer(client, asked, credential):
    body = {"challengeId": asked["challengeId"], "credential": credential}
    return client.post(f"{V1}/passkeys/login", json=body)


def with_password(client, person, **more):
    body = {"email": person.email, "password": PASSWORD, **more}
    return client.post(f"{V1}/auth/login", json=body)


@pytest.fixture
def device(person) -> Authenticator:
    """A passkey of the person."""
    made = Authenticator()
    assert add(person, made).status_code == 201
    return made


def test_a_passkey_logs_in_alone_and_is_listed_and_removed(client, person) -> None:
    device = Authenticator()
    added = add(person, device)
    assert added.status_code == 201, added.text
    assert len(added.json["backupCodes"]) == 10
    answer = login(client, device)
    assert answer.status_code == 200, answer.text
    assert answer.json["user"]["id"] == person.id
    listed = person.get("/passkeys").json["passkeys"]
    assert [each["name"] for each in listed] == ["Ada's phone"]
    assert listed[0]["lastUsedAt"] == "2026-03-10T12:30:00Z"
    assert person.get("/2fa/status").json == {
        "enabled": False,
        "backupCodesLeft": 10,
        "passkeys": 1,
    }
    assert person.get("/auth/me").json["user"]["twoFactorEnabled"] is True
    removed = person.ask("DELETE", f"/passkeys/{listed[0]['id']}")
    assert removed.status_code == 200
    assert_problem(login(client, device), 401, says="Invalid credentials")
    assert with_password(client, person).status_code == 200


def test_a_password_alone_no_longer_suffices(client, person, device) -> None:
    refused = assert_problem(with_password(client, person), 403)
    assert refused["requires2FA"] is True
    asked = refused["passkey"]
    device.verifies = False  # after a password, presence is enough
    proof = {
        "challengeId": asked["challengeId"],
        "credential": device.get(asked["options"]),
    }
    assert with_password(client, person, passkey=proof).status_code == 200
    assert_problem(with_password(client, person, passkey=proof), 403)


def test_a_recovery_code_lets_in_without_the_passkey(client, person) -> None:
    codes = add(person, Authenticator()).json["backupCodes"]
    assert with_password(client, person, twoFactorToken=codes[0]).status_code == 200


def test_the_passkey_of_another_is_no_second_factor(client, person, other, device) -> None:
    foreign = Authenticator()
    assert add(other, foreign).status_code == 201
    asked = assert_problem(with_password(client, person), 403)["passkey"]
    proof = {
        "challengeId": asked["challengeId"],
        "credential": foreign.get(asked["options"]),
    }
    assert_problem(with_password(client, person, passkey=proof), 403)


def test_of_sixteen_answers_to_one_challenge_one_is_taken(app, client, person) -> None:
    # One that does not count: nothing but the challenge is in the way of a second use.
    device = Authenticator(counts=False)
    assert add(person, device).status_code == 201
    asked = client.post(f"{V1}/passkeys/login/options").json
    credential = device.get(asked["options"])
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: answer(app.test_client(), asked, credential), range(16)))
    assert sorted(each.status_code for each in answers) == [200] + [401] * 15


def test_what_a_login_must_not_accept(client, person, device, clock) -> None:
    def asked():
        return client.post(f"{V1}/passkeys/login/options").json

    challenge = asked()
    good = device.get(challenge["options"])
    for path, value in (
        (("response", "signature"), encoded(b"nonsense")),
        (("response", "clientDataJSON"), encoded(b"no json")),
        (("response", "authenticatorData"), encoded(b"short")),
        (("id",), "?"),
        (("type",), "password"),
    ):
        bad = deepcopy(good)
        place = bad
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = value
        assert_problem(answer(client, asked(), bad), 401)
    # Each wrong answer used its challenge up, also the one below.
    assert_problem(answer(client, {"challengeId": str(uuid4())}, good), 401)
    other_challenge = asked()
    assert_problem(answer(client, other_challenge, good), 401)
    for change in ({"origin": "https://evil.example"}, {"verifies": False}):
        before = {name: getattr(device, name) for name in change}
        vars(device).update(change)
        assert_problem(login(client, device), 401)
        vars(device).update(before)
    assert login(client, device).status_code == 200
    device.sign_count -= 3  # a copy of the key counts from where it was copied
    assert_problem(login(client, device), 401)
    device.sign_count += 10
    late = asked()
    try:
        clock[0] = NOW + timedelta(minutes=6)
        assert_problem(answer(client, late, device.get(late["options"])), 401)
    finally:
        clock[0] = NOW
    assert login(client, device).status_code == 200


def test_passkeys_that_are_not_one_are_refused(client, person, other, device) -> None:
    assert_problem(add(other, device), 409)  # the same credential for two accounts
    asked = person.post("/passkeys/options").json
    body = {"challengeId": asked["challengeId"], "credential": {"id": 7}, "name": "x"}
    assert assert_problem(person.post("/passkeys", body), 400)["details"][0]["path"] == "credential"
    foreign = other.post("/passkeys/options").json
    made = Authenticator().create(foreign["options"])
    body = {"challengeId": foreign["challengeId"], "credential": made, "name": "x"}
    assert_problem(person.post("/passkeys", body), 400)
    assert_problem(person.ask("DELETE", f"/passkeys/{uuid4()}"), 404)
    assert_problem(
        other.ask("DELETE", f"/passkeys/{person.get('/passkeys').json['passkeys'][0]['id']}"), 404
    )


def test_a_passkey_wants_a_recent_login_and_ends_other_sessions(client, person, clock) -> None:
    second = with_password(client, person).json
    try:
        clock[0] = NOW + timedelta(minutes=6)
        assert assert_problem(person.post("/passkeys/options"), 403)["requiresStepUp"] is True
        assert person.post("/auth/step-up", {"password": PASSWORD}).status_code == 200
        assert add(person, Authenticator()).status_code == 201
    finally:
        clock[0] = NOW
    headers = {"Authorization": f"Bearer {second['accessToken']}"}
    assert_problem(client.get(f"{V1}/auth/me", headers=headers), 401)
    assert person.get("/auth/me").status_code == 200


def test_an_authenticator_without_a_counter_works(client) -> None:
    person = new_person(client)
    device = Authenticator(counts=False)
    assert add(person, device).status_code == 201
    assert login(client, device).status_code == 200
    assert login(client, device).status_code == 200
