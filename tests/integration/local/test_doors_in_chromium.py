"""A page of another origin, in the browser of an operator who is signed in, tries each port."""

import json
from string import Template

import pytest

from coinsphere.guard.passes import link
from coinsphere.local import probes
from tests.integration.local import chromium
from tests.integration.local.chromium import Site
from tests.integration.local.test_doors import LIMIT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        chromium.PROGRAM is None, reason="no Chromium here: apt-get install chromium"
    ),
]

_SERVICES = ("dagster", "mlflow", "ml")
_LIMITS = "query { instance { concurrencyLimits { concurrencyKey slotCount } } }"
_PAGE = Template("""<!doctype html><meta charset="utf-8"><iframe name="sink"></iframe><script>
const aims = $aims, links = $links, cookies = $cookies;
const sleep = ms => new Promise(done => setTimeout(done, ms));
const within = ms => sleep(ms).then(() => "no answer");
const tried = action => Promise.race([within(15000), (async () => String(await action()))().catch(() => "refused")]);
const image = url => new Promise(done => { const tag = new Image(); tag.onload = tag.onerror = done; tag.src = url; });
const form = (url, enctype, name, value) => new Promise(done => {
  const tag = document.createElement("form"), field = document.createElement("input");
  Object.assign(tag, {method: "POST", action: url, enctype, target: "sink"});
  Object.assign(field, {type: "hidden", name, value});
  tag.append(field); document.body.append(tag);
  document.querySelector("iframe").onload = done; setTimeout(done, 5000); tag.submit();
});
const socket = url => new Promise((done, fail) => {
  const talk = new WebSocket(url, "graphql-ws");
  talk.onopen = () => { talk.send(JSON.stringify({type: "start", id: "1", payload: {query: aims.dagster.body.query}})); setTimeout(() => done("open"), 2000); };
  talk.onerror = fail;
});
(async () => {
  for (const link of links) window.open(link);
  let carried = "";
  for (let n = 0; n < 300; n++) {
    carried = await (await fetch("/cookies", {credentials: "include"})).text();
    if (cookies.every(name => carried.includes(name))) break;
    await sleep(100);
  }
  const met = {carried};
  for (const [name, aim] of Object.entries(aims)) {
    const url = aim.url;
    // Each door is tried with a body of its own, by which the server's state tells afterwards which one was open.
    const body = door => JSON.stringify(aim.body).replaceAll("planted", "planted-" + door);
    const send = (door, type, mode) => fetch(url, {method: "POST", body: body(door), mode, credentials: "include", headers: type ? {"Content-Type": type} : {}});
    const blob = door => fetch(url, {method: "POST", body: new Blob([body(door)]), mode: "no-cors", credentials: "include"});
    // A form's body is name=value: the sign falls into a string, and it is JSON again.
    const name_of = body("form").slice(0, -1) + ',"x":"';
    const doors = {
      get: () => aim.get ? image(aim.get) : "none",
      text: () => send("text", "text/plain", "no-cors"),
      blob: () => blob("blob"),
      beacon: () => navigator.sendBeacon(url, body("beacon")),
      form: () => form(url, "text/plain", name_of, '"}'),
      fields: () => form(url, "application/x-www-form-urlencoded", "name", "planted-fields"),
      json: async () => (await send("json", "application/json", "cors")).status,
      read: async () => (await fetch(aim.read, {credentials: "include"})).status,
      socket: () => socket(url.replace("http", "ws")),
    };
    met[name] = {};
    for (const [door, attempt] of Object.entries(doors)) {
      met[name][door] = await tried(attempt);
      await fetch("/report", {method: "POST", body: JSON.stringify(met)});
    }
  }
  met.done = true;
  await fetch("/report", {method: "POST", body: JSON.stringify(met)});
})();
</script>""")


def _aims(doors, host: str) -> dict[str, dict[str, object]]:
    def url(service: str, path: str) -> str:
        return f"http://{host}:{doors.port(service)}{path}"

    return {
        "dagster": {
            "url": url("dagster", "/graphql"),
            "get": url("dagster", f"/graphql?query={LIMIT.replace('planted', 'planted-get')}"),
            "read": url("dagster", "/server_info"),
            "body": {"query": LIMIT},
        },
        "mlflow": {
            "url": url("mlflow", "/api/2.0/mlflow/experiments/create"),
            "read": url("mlflow", "/api/2.0/mlflow/experiments/get?experiment_id=0"),
            "body": {"name": "planted"},
        },
        "ml": {
            "url": url("ml", "/predict/BTC"),
            "read": url("ml", "/health"),
            "body": {},
        },
    }


@pytest.mark.parametrize(
    ("page_host", "aimed_host", "is_signed_in"),
    [
        # Another port of the same host: browsers send the session's cookies along.
        ("127.0.0.1", "127.0.0.1", True),
        (chromium.FOREIGN, "127.0.0.1", False),
        # Rebinding: the attacker's own name leads to our ports.
        (chromium.FOREIGN, chromium.FOREIGN, False),
    ],
)
def test_a_page_of_another_origin_reaches_nothing(
    doors, tmp_path, page_host: str, aimed_host: str, is_signed_in: bool
) -> None:
    settings = doors.settings
    links = [
        link(settings, "dagster", settings.orchestrator_url),
        link(settings, "mlflow", settings.tracking_url),
    ]
    page = _PAGE.substitute(
        aims=json.dumps(_aims(doors, aimed_host)),
        links=json.dumps(links),
        cookies=json.dumps(["coinsphere_dagster", "coinsphere_mlflow"] if is_signed_in else []),
    )
    with Site(page).serving() as site:
        met = chromium.visit(site, f"http://{page_host}:{site.port}/", tmp_path / "profile")
    assert met["done"]
    assert ("coinsphere_dagster" in met["carried"]) is is_signed_in
    # What a page can know, and what it never sees: requests that it sends without asking show in the state alone.
    told = {
        f"{service} {door}": met[service][door]
        for service in _SERVICES
        for door in ("json", "read", "socket")
    }
    assert {door: answer for door, answer in told.items() if answer != "refused"} == {}
    assert planted(doors) == {"dagster": [], "mlflow": []}
    slow = [
        (service, door)
        for service in _SERVICES
        for door, each in met[service].items()
        if each == "no answer"
    ]
    assert slow == []


def planted(doors) -> dict[str, list[str]]:
    """Which doors were open, by the marks that what came through them left."""
    limits = probes.graphql(doors.settings, _LIMITS)["instance"]["concurrencyLimits"]
    with doors.client("mlflow") as client:
        path = "/api/2.0/mlflow/experiments/search"
        found = client.post(path, json={"max_results": 1000}).raise_for_status().json()
    names = {
        "dagster": [each["concurrencyKey"] for each in limits if each["slotCount"]],
        "mlflow": [each["name"] for each in found["experiments"]],
    }
    return {
        service: sorted(name for name in each if name.startswith("planted"))
        for service, each in names.items()
    }
