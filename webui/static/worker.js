// Keeps the pages that one looked at last, and shows them, with their age, where there is no network. Answers of the API,
// forms and what belongs to administration are never kept; logging out empties it (see app.js).

const PAGES = "pages-1";
const KEPT = /^\/(dashboard|markets|portfolios(\/[0-9a-f-]{36})?|tokens\/[^/]+|alerts)$/;
const MOST = 24;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin) return;
  if (url.pathname.startsWith("/static/")) event.respondWith(fromNetworkOrKept(event.request));
  else if (event.request.mode === "navigate" && KEPT.test(url.pathname)) event.respondWith(page(event.request));
});

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
    if (folder === "static" && version !== digest) await pages.delete(each);
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
    if (!kept) throw error;
    return withItsAge(kept);
  }
}

async function keep(pages, request, answer) {
  await pages.put(request, answer);
  const known = (await pages.keys()).filter((each) => KEPT.test(new URL(each.url).pathname));
  await Promise.all(known.slice(0, Math.max(0, known.length - MOST)).map((each) => pages.delete(each)));
}

/** The page says by itself how it says that it is old: its words are the reader's language. */
async function withItsAge(kept) {
  const text = await kept.text();
  const words = /<meta name="offline" content="([^"]*)">/.exec(text)?.[1] ?? "";
  const language = /<html lang="([a-z]{2})"/.exec(text)?.[1] ?? "en";
  const at = new Date(kept.headers.get("Date") ?? Date.now());
  const when = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(at);
  const note = `<p class="hintbox offline" role="status"><span>${words.replace("%(when)s", when)}</span></p>`;
  const headers = new Headers(kept.headers);
  headers.delete("Content-Encoding");
  headers.delete("Content-Length");
  return new Response(text.replace(/(<main[^>]*>)/, `$1${note}`), { status: 200, headers });
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
