// Files that are dropped, and those that are too large for one request: they are sent in parts.

const PART = 512 * 1024;

/** @param {HTMLFormElement} form @param {string} address @param {Blob} part @param {Record<string, string>} fields */
async function send(form, address, part, fields) {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.set(name, value);
  body.set("file", part, fields["name"] ?? "part");
  const csrf = /** @type {HTMLInputElement} */ (form.elements.namedItem("csrf"));
  const answer = await fetch(address, { method: "POST", body, headers: { "X-CSRF-Token": csrf.value }, redirect: "error" });
  if (!answer.ok) throw new TypeError(String(answer.status));
  return answer.text();
}

/** @param {HTMLFormElement} form @param {File} file */
async function inParts(form, file) {
  const bar = /** @type {HTMLProgressElement} */ (form.querySelector("progress"));
  const format = /** @type {HTMLSelectElement} */ (form.elements.namedItem("format"));
  bar.hidden = false;
  const address = await send(form, form.action, file.slice(0, PART), { parts: "1", format: format.value, name: file.name });
  for (let at = PART; at < file.size; at += PART) {
    bar.value = at / file.size;
    await send(form, `${address}/parts`, file.slice(at, at + PART), {});
  }
  location.assign(address);
}

/** @param {HTMLFormElement} form */
function prepare(form) {
  const input = /** @type {HTMLInputElement} */ (form.querySelector("input[type=file]"));
  const place = /** @type {HTMLElement} */ (input.closest("label"));
  const name = /** @type {HTMLElement} */ (form.querySelector("[data-name]"));
  input.addEventListener("change", () => (name.textContent = input.files?.[0]?.name ?? ""));
  for (const kind of ["dragover", "dragleave", "drop"]) {
    place.addEventListener(kind, (event) => {
      event.preventDefault();
      place.classList.toggle("over", kind === "dragover");
    });
  }
  place.addEventListener("drop", (event) => {
    const files = /** @type {DragEvent} */ (event).dataTransfer?.files;
    if (!files?.length) return;
    input.files = files;
    input.dispatchEvent(new Event("change"));
  });
  form.addEventListener("submit", (event) => {
    const file = input.files?.[0];
    if (!file || file.size <= PART) return;
    event.preventDefault();
    inParts(form, file).catch(() => {
      const alarm = /** @type {HTMLElement} */ (form.querySelector(".alarm[hidden], .alarm"));
      /** @type {HTMLElement} */ (alarm.querySelector("span")).textContent = form.dataset.failed ?? "";
      alarm.hidden = false;
      for (const button of form.querySelectorAll("button[disabled]")) button.removeAttribute("disabled");
    });
  });
}

for (const form of document.querySelectorAll("form[data-upload]")) prepare(/** @type {HTMLFormElement} */ (form));
