// Keeps the pages that one looked at last, and shows them, with their age, where there is no network. Answers of the API,
// forms and what belongs to administration are never kept; logging out empties it (see app.js). What was not kept is told by
// a page of ours, which is fetched in advance, in the reader's language and colours.

const PAGES = "pages-1";
const OFFLINE = "/offline";
const KEPT = /^\/(dashboard|markets|portfolios(\/[0-9a-f-]{36})?|tokens\/[^/]+|alerts)$/;
const LOOKS = /^\/(language|theme)$/;
const PROGRAMS = /^\/(api|health|\.well-known)(\/|$)/;
const MOST = 24;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(Promise.all([self.clients.claim(), prepare()])));

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (url.origin !== location.origin) return;
  if (event.request.method === "POST" && LOOKS.test(url.pathname)) event.waitUntil(forgetHowItLooked());
  if (event.request.method !== "GET") return;
  if (url.pathname.startsWith("/static/")) event.respondWith(fromNetworkOrKept(event.request));
  else if (event.request.mode === "navigate" && KEPT.test(url.pathname)) event.respondWith(page(event.request));
  else if (event.request.mode === "navigate" && !PROGRAMS.test(url.pathname)) event.respondWith(passing(event.request));
});

/** A page that is not kept, or a word on why it is not there. */
async function passing(request) {
  try {
    return await fetch(request);
  } catch (error) {
    return await offline(await caches.open(PAGES), error);
  }
}

async function fromNetworkOrKept(request) {
  const pages = await caches.open(PAGES);
  const kept = await pages.match(request, { ignoreVary: true });
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok) {
    await forgetOthers(pages, new URL(request.url).pathname.split("/")[2]);
    await pages.put(request, answer.clone());
  }
  return answer;
}

/** Files of a version before this one are asked for no more. */
async function forgetOthers(pages, digest) {
  for (const each of await pages.keys()) {
    const [, folder, version] = new URL(each.url).pathname.split("/");
    if (folder !== "static" || version === digest) continue;
    await pages.delete(each);
    await pages.delete(OFFLINE, { ignoreVary: true });
  }
}

async function page(request) {
  const pages = await caches.open(PAGES);
  try {
    const answer = await fetch(request);
    // Who is led to the login is somebody else by now, or nobody.
    if (answer.ok && !answer.redirected) await keep(pages, request, answer.clone());
    else if (answer.redirected) await caches.delete(PAGES);
    return answer;
  } catch (error) {
    const kept = await pages.match(request, { ignoreVary: true });
    if (!kept) return offline(pages, error);
    return withItsAge(kept);
  }
}

async function keep(pages, request, answer) {
  await pages.put(request, answer);
  await prepare();
  const known = (await pages.keys()).filter((each) => KEPT.test(new URL(each.url).pathname));
  await Promise.all(known.slice(0, Math.max(0, known.length - MOST)).map((each) => pages.delete(each)));
}

/** The page for times without a network, in advance; without it the browser tells of them. */
async function prepare() {
  const pages = await caches.open(PAGES);
  if (!(await pages.match(OFFLINE, { ignoreVary: true }))) await pages.add(OFFLINE).catch(() => {});
}

async function forgetHowItLooked() {
  const pages = await caches.open(PAGES);
  await pages.delete(OFFLINE, { ignoreVary: true });
}

/** That there is no network, and the pages that can be read all the same. */
async function offline(pages, error) {
  const told = await pages.match(OFFLINE, { ignoreVary: true });
  if (!told) throw error;
  const links = await Promise.all((await pages.keys()).filter((each) => KEPT.test(new URL(each.url).pathname)).map(link));
  const text = (await told.text()).replace('<ul id="kept"></ul>', `<ul id="kept">${links.join("")}</ul>`);
  return new Response(text, { status: 503, headers: plain(told.headers) });
}

/** The title of a kept page is markup already. */
async function link(request) {
  const kept = await (await caches.open(PAGES)).match(request, { ignoreVary: true });
  const title = /<title>([^<]*?)( · [^<]*)?<\/title>/.exec((await kept?.text()) ?? "")?.[1] ?? "";
  const { pathname, search } = new URL(request.url);
  return `<li><a href="${(pathname + search).replaceAll("&", "&amp;")}">${title}</a></li>`;
}

/** Headers for a text that is not packed any more, and was changed. */
function plain(given) {
  const headers = new Headers(given);
  headers.delete("Content-Encoding");
  headers.delete("Content-Length");
  return headers;
}

/** The page says by itself how it says that it is old: its words are the reader's language. */
async function withItsAge(kept) {
  const text = await kept.text();
  const words = /<meta name="offline" content="([^"]*)">/.exec(text)?.[1] ?? "";
  const language = /<html lang="([a-z]{2})"/.exec(text)?.[1] ?? "en";
  const calendar = language === "en" ? "en-GB" : language;
  const at = new Date(kept.headers.get("Date") ?? Date.now());
  const when = new Intl.DateTimeFormat(calendar, { dateStyle: "medium", timeStyle: "short" }).format(at);
  const note = `<p class="hintbox offline" role="status"><span>${words.replace("%(when)s", when)}</span></p>`;
  return new Response(text.replace(/(<main[^>]*>)/, `$1${note}`), { status: 200, headers: plain(kept.headers) });
}

// What fired, told while no page is open; see coinsphere/notify/channels/push.py for what is sent.
self.addEventListener("push", (event) => {
  const said = event.data?.json() ?? {};
  const shown = { body: said.text ?? "", tag: said.id ?? "alert" };
  event.waitUntil(self.registration.showNotification(said.title ?? "Coinsphere", shown));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(toAlerts());
});

/** To a page of ours that is open, or to a new one. */
async function toAlerts() {
  const [open] = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  if (!open) return self.clients.openWindow("/alerts");
  await open.focus();
  return open.navigate("/alerts");
}
