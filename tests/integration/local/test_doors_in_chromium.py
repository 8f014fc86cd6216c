"""A page of another origin, in the browser of an operator who is signed in, tries each port."""

import json
from string import Template

import pytest

from coinsphere.guard.passes import link
from tests.integration.local import chromium
from tests.integration.local.chromium import Site
from tests.integration.local.test_doors import LIMIT, nothing_was_planted

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        chromium.PROGRAM is None, reason="no Chromium here: apt-get install chromium"
    ),
]

_PAGE = Template("""<!doctype html><meta charset="utf-8"><iframe name="sink"></iframe><script>
const aims = $aims, links = $links, cookies = $cookies;
const sleep = ms => new Promise(done => setTimeout(done, ms));
const tried = async action => { try { return String(await action()); } catch (error) { return "refused"; } };
const image = url => new Promise(done => { const tag = new Image(); tag.onload = tag.onerror = done; tag.src = url; });
const form = (url, enctype, name) => new Promise(done => {
  const tag = document.createElement("form"), field = document.createElement("input");
  Object.assign(tag, {method: "POST", action: url, enctype, target: "sink"});
  Object.assign(field, {type: "hidden", name, value: ""});
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
    const text = JSON.stringify(aim.body), url = aim.url;
    const send = (type, mode) => fetch(url, {method: "POST", body: text, mode, credentials: "include", headers: type ? {"Content-Type": type} : {}});
    if (aim.get) await image(aim.get);
    await tried(() => send("text/plain", "no-cors"));
    await tried(() => fetch(url, {method: "POST", body: new Blob([text]), mode: "no-cors", credentials: "include"}));
    await tried(() => Promise.resolve(navigator.sendBeacon(url, text)));
    await form(url, "text/plain", text);
    await form(url, "application/x-www-form-urlencoded", "name");
    met[name] = {
      json: await tried(async () => (await send("application/json", "cors")).status),
      read: await tried(async () => (await fetch(aim.read, {credentials: "include"})).status),
      socket: await tried(() => socket(url.replace("http", "ws"))),
    };
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
            "get": url("dagster", f"/graphql?query={LIMIT}"),
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
    for service in ("dagster", "mlflow", "ml"):
        assert met[service] == {"json": "refused", "read": "refused", "socket": "refused"}, service
    assert nothing_was_planted(doors)
