// Proves that a wallet is one's own: the browser's wallet (EIP-1193) signs a message of ours (EIP-4361) that moves nothing.

/** @param {HTMLFormElement} form @param {string} name */
const field = (form, name) => /** @type {HTMLInputElement} */ (form.elements.namedItem(name));

/** @param {string} text */
const hex = (text) => "0x" + [...new TextEncoder().encode(text)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** @param {HTMLFormElement} form @param {Ethereum} wallet */
async function prove(form, wallet) {
  const [address] = /** @type {string[]} */ (await wallet.request({ method: "eth_requestAccounts" }));
  field(form, "address").value = address ?? "";
  const body = new FormData(form);
  const answer = await fetch("/connections/wallets/message", { method: "POST", body, redirect: "error" });
  if (!answer.ok) throw new TypeError(String(answer.status));
  const message = await answer.text();
  field(form, "signature").value = /** @type {string} */ (
    await wallet.request({ method: "personal_sign", params: [hex(message), address] })
  );
  field(form, "message").value = message;
  form.submit();
}

for (const form of document.querySelectorAll("form[data-wallet]")) {
  const wallet = globalThis.ethereum;
  const button = /** @type {HTMLButtonElement} */ (form.querySelector("[data-prove]"));
  if (!wallet || !(form instanceof HTMLFormElement)) continue;
  button.hidden = false;
  button.addEventListener("click", () => {
    prove(form, wallet).catch((error) => {
      const place = /** @type {HTMLElement} */ (form.querySelector("[data-told]"));
      const text = /** @type {HTMLElement} */ (place.querySelector("span"));
      // 4001: the user said no.
      text.textContent = (error?.code === 4001 ? text.dataset.stopped : text.dataset.failed) ?? "";
      place.hidden = false;
    });
  });
}
