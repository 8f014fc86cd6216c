// Buttons that put the text of an element into the clipboard; without a clipboard they stay hidden.

for (const button of document.querySelectorAll("button[data-copy]")) {
  if (!(button instanceof HTMLButtonElement) || !navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const place = document.querySelector(button.dataset.copy ?? "");
    const lines = [...(place?.querySelectorAll("code") ?? [])].map((each) => each.textContent ?? "");
    await navigator.clipboard.writeText(lines.join("\n"));
    button.textContent = button.dataset.done ?? "";
  });
}
