const COPY_TIMEOUT_MS = 10_000;

// Copying. Browsers allow it only during a click, but the text arrives from the server later, so the browser gets a
// promise of the text. Without a secure context, only execCommand works.
let resolveText = null;

function textOfClick() {
  return new Promise((resolve, reject) => {
    resolveText = resolve;
    setTimeout(() => { if (resolveText === resolve) reject(new Error("no answer")); }, COPY_TIMEOUT_MS);
  });
}

async function copy() {
  const text = textOfClick();
  try {
    if (window.isSecureContext && window.ClipboardItem) {
      const blob = text.then((it) => new Blob([it], { type: "text/plain" }));
      await navigator.clipboard.write([new ClipboardItem({ "text/plain": blob })]);
    } else {
      copyWithExecCommand(await text);
    }
    announce("Copied");
  } catch {
    announce("Copy failed.");
  }
}

function copyWithExecCommand(text) {
  const setData = (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    event.clipboardData.setData("text/plain", text);
  };
  document.addEventListener("copy", setData, true);
  const done = document.execCommand("copy");
  document.removeEventListener("copy", setData, true);
  if (!done) throw new Error("refused");
}

function receiveText() {
  const carrier = find("[data-copy]");
  if (!carrier) return;
  const bytes = Uint8Array.from(atob(carrier.dataset.text), (letter) => letter.charCodeAt(0));
  carrier.remove();
  resolveText?.(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes));
  resolveText = null;
}

document.addEventListener("click", (event) => {
  if (event.target.closest('[class*="st-key-copy-"] button')) copy();
});

// A menu closes before its click event, so listen for earlier events.
const COPY_ITEMS = ["Copy", "Copy prompt"];
const isCopyItem = (target) => COPY_ITEMS.includes(target.closest?.('[role="menuitem"]')?.textContent.trim());
document.addEventListener("pointerup", (event) => { if (isCopyItem(event.target)) copy(); }, true);
document.addEventListener("keydown", (event) => {
  if (["Enter", " "].includes(event.key) && isCopyItem(event.target)) copy();
}, true);
