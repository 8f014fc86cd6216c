// What every page has. Pages work without it.

/** Say a form was sent, and keep a second press from sending it again. */
document.addEventListener("submit", (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (event.defaultPrevented || form.method !== "post") return;
  const button = /** @type {HTMLButtonElement | null} */ (event.submitter);
  if (button?.name) return;
  setTimeout(() => button?.setAttribute("disabled", ""), 0);
});

/** A page that comes out of the browser's memory has its buttons back. */
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("form button[disabled]")) button.removeAttribute("disabled");
});

/** What was typed into a search before htmx listened is searched, too. */
document.addEventListener("DOMContentLoaded", () => {
  for (const field of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll("input[type=search][hx-get]"))) {
    if (field.value !== field.defaultValue) field.dispatchEvent(new Event("search", { bubbles: true }));
  }
});

// Where there is no room for all tabs, the present one is in sight.
for (const tab of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("nav.rooms > [aria-current], nav.frames > [aria-current]"))) {
  const row = /** @type {HTMLElement} */ (tab.parentElement);
  row.scrollLeft = tab.offsetLeft - row.offsetLeft - (row.clientWidth - tab.offsetWidth) / 2;
}

// Who is logged in finds the last pages again without a network; who is not leaves none behind.
if (document.body.classList.contains("has-tabs")) navigator.serviceWorker?.register("/worker.js").catch(() => {});
else globalThis.caches?.keys().then((names) => names.forEach((name) => caches.delete(name)), () => {});
