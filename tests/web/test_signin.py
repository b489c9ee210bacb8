"""Who may look and who may change: tokens, sessions, links, and other pages' requests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from breakeven.ledger.tokens import create_token, revoke_token
from breakeven.web.visitors import COOKIE, GUARD

ROLES = """
features: {search: {owner: web, unit: query}, letters: {owner: post, unit: letter}}
budgets: {all: {limit: "$10", period: month, owner: web}}
access:
  people: {ann: {role: finance}, vic: {role: viewer}, ola: {role: owner, features: [letters]}}
"""


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)


@pytest.fixture(scope="module")
def strict(serve_for_module: Callable[[str], Any]) -> Any:
    """A service with roles."""
    return serve_for_module(ROLES)


def _token(site: Any, person: str, days: int | None = None) -> str:
    return create_token(site.ledger, person, _now(), days)[1]


def test_nobody_is_turned_away_and_told_how_to_come_in(strict: Any) -> None:
    """Without a token every report answers 401; the page itself and who one is are open, so that one can sign in."""
    with strict.client() as client:
        assert client.get("/api/v1/pnl").status_code == 401
        assert client.get("/").status_code == 200
        assert client.get("/api/v1/session").json()["sign_in_needed"] is True


def test_signing_in_begins_a_new_session_that_ends(strict: Any) -> None:
    """A planted session id is never taken over; the cookie is for this site and not for scripts; signing out ends it."""
    with strict.client() as client:
        client.cookies.set(COOKIE, "planted")
        found = client.post("/api/v1/session", json={"token": _token(strict, "ann")})
        cookie = found.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert "planted" not in cookie
        assert client.get("/api/v1/pnl").status_code == 200
        guard = found.json()["guard"]
        assert client.delete("/api/v1/session", headers={GUARD: guard}).status_code == 204
    with strict.client(cookie=f"{COOKIE}={cookie.split('=')[1].split(';')[0]}") as again:
        assert again.get("/api/v1/pnl").status_code == 401


def test_a_change_needs_the_sessions_guard_and_our_own_page(strict: Any) -> None:
    """The cookie alone changes nothing (another site's page could send it); nor does a request that says it comes from there."""
    wanted = {"budget": "all", "limit": "$20"}
    with strict.client() as client:
        guard = client.post("/api/v1/session", json={"token": _token(strict, "ann")}).json()["guard"]
        assert client.post("/api/v1/budgets", json=wanted).status_code == 403
        assert client.post("/api/v1/budgets", json=wanted, headers={GUARD: "guessed"}).status_code == 403
        foreign = {GUARD: guard, "origin": "https://evil.example"}
        assert client.post("/api/v1/budgets", json=wanted, headers=foreign).status_code == 403
        assert "$10" in strict.config.read_text()
        assert client.post("/api/v1/budgets", json=wanted, headers={GUARD: guard}).json()["written"] is True
    assert "$20" in strict.config.read_text()


def test_roles_decide_and_the_log_remembers(strict: Any) -> None:
    """A viewer's change is refused with whom to ask, an owner's of another's feature too; the log has both and what was done."""
    mine, other = {"feature": "letters", "owner": "mail"}, {"feature": "search", "owner": "mail"}
    sent = {name: {"authorization": f"Bearer {_token(strict, name)}"} for name in ("vic", "ola", "ann")}
    with strict.client() as client:
        refused = client.post("/api/v1/owners", json=mine, headers=sent["vic"])
        assert refused.status_code == 403
        assert "ann" in refused.json()["error"]["message"]
        assert client.post("/api/v1/owners", json=other, headers=sent["ola"]).status_code == 403
        assert client.post("/api/v1/owners", json={**mine, "why": "moved"}, headers=sent["ola"]).json()["written"] is True
        rows = client.get("/api/v1/decisions", headers=sent["vic"]).json()["rows"]
    told = [(row["actor"], row["subject"], row.get("allowed", True)) for row in rows if row["action"] == "assign owners"]
    assert told == [("vic", "feature letters", False), ("ola", "feature search", False), ("ola", "feature letters", True)]


def test_a_dry_run_shows_the_difference_and_writes_nothing(strict: Any) -> None:
    """What would change is told line by line; the file stays as it is."""
    before = strict.config.read_text()
    with strict.client(authorization=f"Bearer {_token(strict, 'ann')}") as client:
        told = client.post("/api/v1/budgets", json={"budget": "all", "limit": "$99", "dry_run": True}).json()
        assert "+budgets: {all: {limit: $99" in told["difference"].replace('"', "") or "$99" in told["difference"]
        assert told["written"] is False
        wrong = client.post("/api/v1/budgets", json={"budget": "none", "limit": "$99"})
        assert wrong.status_code == 400
    assert strict.config.read_text() == before


def test_a_link_lets_somebody_look_and_nothing_else_until_it_ends(strict: Any) -> None:
    """A link's token reads reports, changes nothing, makes no link, and ends when it is revoked."""
    with strict.client(authorization=f"Bearer {_token(strict, 'ann')}") as client:
        link = client.post("/api/v1/links", json={"days": 2}).json()
        assert client.post("/api/v1/links", json={"days": 1000}).status_code == 400
    assert dt.timedelta(days=1) < dt.datetime.fromisoformat(link["expires_at"]) - _now() < dt.timedelta(days=3)
    with strict.client() as client:
        me = client.post("/api/v1/session", json={"token": link["token"]}).json()
        assert (me["role"], me["may"]) == ("viewer", [])
        assert client.get("/api/v1/pnl").status_code == 200
        assert client.post("/api/v1/links", json={"days": 1}, headers={GUARD: me["guard"]}).status_code == 403


def test_kept_answers_are_for_those_who_may_read_them(strict: Any) -> None:
    """Both answers of replays are shown to the feature's owner, and to no viewer, nor to the owner of another feature."""
    found = {}
    for person in ("ann", "vic", "ola"):
        with strict.client(authorization=f"Bearer {_token(strict, person)}") as client:
            for feature in ("letters", "search"):
                asked = {"feature": feature, "task_class": "any"}
                found[person, feature] = client.get("/api/v1/audit/replays", params=asked).status_code
    assert {key for key, status in found.items() if status == 200} == {("ola", "letters")}
    assert {status for key, status in found.items() if key != ("ola", "letters")} == {403}


def test_an_expired_or_revoked_token_opens_nothing(strict: Any) -> None:
    """Neither works as bearer nor to sign in."""
    token, secret = create_token(strict.ledger, "ann", _now())
    revoke_token(strict.ledger, token.id, _now())
    past = create_token(strict.ledger, "ann", _now() - dt.timedelta(days=9), 1)[1]
    with strict.client() as client:
        for each in (secret, past, "bet-forged"):
            assert client.get("/api/v1/pnl", headers={"authorization": f"Bearer {each}"}).status_code == 401
            assert client.post("/api/v1/session", json={"token": each}).status_code == 401


def test_a_proxys_word_counts_from_trusted_proxies_only(serve: Callable[[str], Any]) -> None:
    """The header of single sign-on names the person where it comes from a trusted proxy, and is nothing elsewhere."""
    sso = "access: {{people: {{ann: {{role: finance}}}}, sso: {{user_header: x-user, trusted_proxies: ['{proxy}']}}}}\n"
    trusted, other = serve(sso.format(proxy="127.0.0.1")), serve(sso.format(proxy="10.9.9.9"))
    with trusted.client() as client:
        assert client.get("/api/v1/session", headers={"x-user": "ann"}).json()["role"] == "finance"
        assert client.get("/api/v1/pnl").status_code == 401
    with other.client() as client:
        assert client.get("/api/v1/pnl", headers={"x-user": "ann"}).status_code == 401
