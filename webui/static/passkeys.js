// Passkeys (WebAuthn Level 3): a form asks the browser, puts what an authenticator answers into its fields, and is sent.
// `data-passkey` says what is asked, `data-options` holds the question, or `data-options-from` where to get it.

/** @param {HTMLFormElement} form @param {string} name */
const field = (form, name) => /** @type {HTMLInputElement} */ (form.elements.namedItem(name));

/** @param {HTMLFormElement} form @param {"none" | "stopped" | "failed"} kind */
function tell(form, kind) {
  const place = /** @type {HTMLElement} */ (form.querySelector("[data-fault]"));
  const text = /** @type {HTMLElement} */ (place.querySelector("span"));
  text.textContent = text.dataset[kind] ?? "";
  place.hidden = false;
  for (const button of form.querySelectorAll("button[disabled]")) button.removeAttribute("disabled");
}

/** @param {HTMLFormElement} form @returns {Promise<{challengeId: string, options: any}>} */
async function question(form) {
  if (form.dataset.options) return JSON.parse(form.dataset.options);
  const answer = await fetch(form.dataset.optionsFrom ?? "", {
    method: "POST",
    headers: { "X-CSRF-Token": field(form, "csrf").value },
    redirect: "error",
  });
  if (!answer.ok) throw new TypeError(String(answer.status));
  return answer.json();
}

/** @param {HTMLFormElement} form */
async function ask(form) {
  const { challengeId, options } = await question(form);
  const given =
    form.dataset.passkey === "create"
      ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
      : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
  field(form, "challengeId").value = challengeId;
  field(form, "credential").value = JSON.stringify(/** @type {PublicKeyCredential} */ (given).toJSON());
}

/** @param {HTMLFormElement} form */
async function answer(form) {
  if (!globalThis.PublicKeyCredential?.parseCreationOptionsFromJSON) return tell(form, "none");
  try {
    await ask(form);
  } catch (error) {
    return tell(form, error instanceof DOMException ? "stopped" : "failed");
  }
  form.submit();
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void answer(/** @type {HTMLFormElement} */ (form));
  });
}
