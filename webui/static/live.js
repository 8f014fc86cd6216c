// Asks for parts of the page anew when the stream says that something changed: "live-prices", "live-worth", "live-alert" and
// "live-sync" are events of <body>, and a part names the one that it waits for in `hx-trigger`. Numbers are written by the
// server alone. While there is no stream, everything is asked for each half minute.

const KINDS = /** @type {const} */ ({
  price_update: "live-prices",
  portfolio_update: "live-worth",
  alert: "live-alert",
  exchange_sync: "live-sync",
  wallet_sync: "live-sync",
});
const EVENTS = new Set(Object.values(KINDS));
const SESSION_ENDED = 4401;
const POLL_MS = 30_000;
const GATHER_MS = 400;
const LONGEST_WAIT_MS = 30_000;
const LEAVING_MS = 15_000;

/** @type {WebSocket | null} */
let stream = null;
let failures = 0;
let isFirst = true;
let isLeaving = false;
/** @type {Set<string>} */
const followed = new Set();
/** @type {Set<string>} */
const told = new Set();

/** Tell the parts, a burst once. @param {string} event */
function tell(event) {
  if (told.has(event)) return;
  told.add(event);
  setTimeout(() => {
    told.delete(event);
    document.body.dispatchEvent(new CustomEvent(event));
  }, GATHER_MS);
}

/** What was said while nobody listened is not said again. */
function tellAll() {
  for (const event of EVENTS) if (event !== "live-alert") tell(event);
}

/** The firing's own words come from the server. @param {string} alert */
function announce(alert) {
  const place = document.getElementById("fired-now");
  if (place) globalThis.htmx?.ajax("GET", `/dashboard/fired/${encodeURIComponent(alert)}`, { target: place, swap: "afterbegin" });
}

function follow() {
  const wanted = new Set();
  for (const each of document.querySelectorAll("[data-symbols]")) {
    for (const symbol of /** @type {HTMLElement} */ (each).dataset.symbols?.split(" ") ?? []) if (symbol) wanted.add(symbol);
  }
  const fresh = [...wanted].filter((symbol) => !followed.has(symbol)).slice(0, 200 - followed.size);
  if (!fresh.length || stream?.readyState !== WebSocket.OPEN) return;
  for (const symbol of fresh) followed.add(symbol);
  stream.send(JSON.stringify({ type: "subscribe", symbols: fresh }));
}

/** @param {MessageEvent} message */
function hear(message) {
  const said = JSON.parse(message.data);
  if (said.type === "alert") announce(said.alertId);
  const event = KINDS[/** @type {keyof typeof KINDS} */ (said.type)];
  if (event) tell(event);
}

function connect() {
  const address = new URL("/api/v1/ws", location.href);
  address.protocol = location.protocol.replace("http", "ws");
  stream = new WebSocket(address);
  followed.clear();
  stream.addEventListener("open", () => {
    document.documentElement.dataset.live = "on";
    failures = 0;
    if (!isFirst) tellAll();
    isFirst = false;
    follow();
  });
  stream.addEventListener("message", hear);
  stream.addEventListener("close", (event) => {
    document.documentElement.dataset.live = "off";
    stream = null;
    // The server leads who is logged out to the login; who has just logged out here is being led elsewhere.
    if (event.code === SESSION_ENDED) return void setTimeout(() => location.replace(location.pathname + location.search), isLeaving ? LEAVING_MS : 0);
    failures += 1;
    setTimeout(connect, Math.min(LONGEST_WAIT_MS, 1000 * 2 ** failures) * (0.5 + Math.random()));
  });
}

setInterval(() => {
  if (isLeaving || stream?.readyState === WebSocket.OPEN) return;
  tellAll();
  tell("live-alert");
}, POLL_MS);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && stream?.readyState !== WebSocket.OPEN) tellAll();
});
document.body.addEventListener("htmx:afterSettle", follow);
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented) return;
  isLeaving = true;
  setTimeout(() => (isLeaving = false), LEAVING_MS);
});
// A page that a browser kept comes back without a connection that lives.
addEventListener("pageshow", (event) => { if (event.persisted) location.replace(location.href); });
connect();
