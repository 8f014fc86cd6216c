// Has this browser tell of alerts: it subscribes at its maker's push service, and a form says where that is.

/** @param {HTMLFormElement} form @param {string} name */
const field = (form, name) => /** @type {HTMLInputElement} */ (form.elements.namedItem(name));

/** @param {HTMLFormElement} form */
async function subscribe(form) {
  const registration = await navigator.serviceWorker.ready;
  // Made for another account's key, it could not be used.
  await (await registration.pushManager.getSubscription())?.unsubscribe();
  const made = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: form.dataset.push });
  const { endpoint, keys } = made.toJSON();
  field(form, "url").value = endpoint ?? "";
  field(form, "p256dh").value = keys?.p256dh ?? "";
  field(form, "auth").value = keys?.auth ?? "";
}

/** @param {HTMLFormElement} form @param {"none" | "denied" | "failed"} kind */
function tell(form, kind) {
  const place = /** @type {HTMLElement} */ (form.querySelector("[data-told]"));
  const text = /** @type {HTMLElement} */ (place.querySelector("span"));
  text.textContent = text.dataset[kind] ?? "";
  place.hidden = false;
  for (const button of form.querySelectorAll("button[disabled]")) button.removeAttribute("disabled");
}

for (const form of document.querySelectorAll("form[data-push]")) {
  if (!(form instanceof HTMLFormElement)) continue;
  form.addEventListener("submit", (event) => {
    if (field(form, "url").value) return;
    event.preventDefault();
    if (!("PushManager" in globalThis) || !navigator.serviceWorker) return tell(form, "none");
    subscribe(form).then(
      () => form.submit(),
      (error) => tell(form, error?.name === "NotAllowedError" ? "denied" : "failed"),
    );
  });
}
