// Keyboard shortcuts: / and Ctrl+K search, Ctrl+Shift+O starts a new chat, ? lists them.
let isSearchRequested = false; // the last key was the search shortcut

document.addEventListener("keydown", (event) => {
  isSearchRequested = false;
  const key = event.key.toLowerCase();
  const command = (event.ctrlKey || event.metaKey) && !event.altKey;
  const typing = event.target.closest(FIELDS);
  const wanted =
    (key === "/" && !command && !typing) || (key === "k" && command && !event.shiftKey) ? search
    : key === "o" && command && event.shiftKey ? newChat
    : key === "?" && !command && !typing ? showKeys
    : null;
  if (wanted?.()) event.preventDefault();
});

function search() {
  if (!find(".st-key-search")) return false;
  if (!isDrawerOpen()) find('[data-testid="stExpandSidebarButton"]')?.click();
  isSearchRequested = true;
  setTimeout(focusSearch);
  return true;
}

// If the field isn't on the page yet when the key is pressed, it gets the focus as soon as it appears.
function focusSearch() {
  const field = isSearchRequested && find(".st-key-search input");
  if (!field) return;
  isSearchRequested = false;
  field.focus();
  field.select();
}

function newChat() {
  const button = find(".st-key-new-chat button");
  button?.click();
  return Boolean(button);
}

const KEYS = [
  ["Enter", "Send the message"],
  ["Shift+Enter", "New line"],
  ["Up", "In an empty composer: edit your last message"],
  ["Escape", "Stop the reply"],
  ["Ctrl+Enter", "Send an edited message"],
  ["/ or Ctrl+K", "Search chats"],
  ["Ctrl+Shift+O", "New chat"],
  ["?", "Show these shortcuts"],
];

function showKeys() {
  if (find("dialog.botchat-keys")) return true;
  const rows = KEYS.map(([key, action]) => `<tr><td><kbd>${key}</kbd></td><td>${action}</td></tr>`).join("");
  const sheet = document.createElement("dialog");
  sheet.className = "botchat-keys";
  sheet.setAttribute("aria-label", "Keyboard shortcuts");
  sheet.innerHTML = `<h2>Keyboard shortcuts</h2><table>${rows}</table><form method="dialog"><button>Close</button></form>`;
  sheet.addEventListener("close", () => sheet.remove());
  find(".stApp").append(sheet); // the theme's colors are set there
  sheet.showModal();
  return true;
}
