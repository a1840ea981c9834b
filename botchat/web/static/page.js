// What the browser does for the page, and Streamlit has no widget for: drafts, copying, the theme, the drawer of a
// phone and keys. It reads and presses what is on the page, so it may be missing and nothing else breaks.
(() => {
  "use strict";
  if (window.botchat) return; // Streamlit runs a script anew when it draws its element anew
  window.botchat = true;

  const find = (selector) => document.querySelector(selector);
  const SHORT_OF_TIME = 10_000;
  const PHONE = window.matchMedia("(max-width: 768px)");

  // Told to everyone: seen for a moment, and read out by a screen reader.
  const said = document.createElement("div");
  said.className = "botchat-said";
  said.setAttribute("role", "status");
  document.body.append(said);
  let silence;
  function say(words) {
    said.textContent = words;
    clearTimeout(silence);
    silence = setTimeout(() => { said.textContent = ""; }, 2500);
  }

  // Drafts. Each session has one, kept with the tab and no longer: others may use this machine.
  let line = null; // the box to type in, as it was seen last
  let place = null; // whose draft stands in it
  let words = ""; // what stood in it

  const placeNow = () => `botchat draft ${new URLSearchParams(location.search).get("session") ?? "new"}`;

  function store(name, text) {
    try {
      sessionStorage.setItem(name, text);
    } catch {
      sessionStorage.removeItem(name); // what stands there is an older text
      say("This text is too long to be kept as a draft.");
    }
  }

  function keep() {
    words = line.value;
    if (words) store(place, words);
    else sessionStorage.removeItem(place);
  }

  function write(text) {
    // React knows of a value only when the element's own setter made it and an event tells.
    Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(line, text);
    line.dispatchEvent(new Event("input", { bubbles: true }));
    words = text;
  }

  function showDraft() {
    const box = find('[data-testid="stChatInputTextArea"]');
    if (!box || box.disabled) return;
    const isNew = box !== line;
    line = box;
    if (isNew) words = "";
    if (!isNew && line.value !== words) keep(); // emptied by sending, or put back by the server
    if (isNew || placeNow() !== place) {
      place = placeNow();
      const draft = sessionStorage.getItem(place) ?? "";
      if (isNew && line.value) keep();
      else if (line.value !== draft) write(draft);
    }
  }

  document.addEventListener("input", (event) => {
    if (event.target === line && place === placeNow()) keep();
  });
  const afterwards = () => setTimeout(showDraft);
  document.addEventListener("keydown", (event) => { if (event.target === line && event.key === "Enter") afterwards(); });
  document.addEventListener("click", afterwards);
  window.addEventListener("popstate", afterwards);

  // A message that could not be saved is shown by the server, which forgets it at a reload: then it is a draft again.
  const UNSENT = "botchat unsent";

  function keepUnsent() {
    const text = find('.st-key-unsent [data-testid="stText"]')?.textContent;
    if (text) store(UNSENT, JSON.stringify({ place: placeNow(), text }));
    else sessionStorage.removeItem(UNSENT);
  }

  function takeBackUnsent() {
    const unsent = JSON.parse(sessionStorage.getItem(UNSENT));
    if (!unsent) return;
    const draft = sessionStorage.getItem(unsent.place);
    store(unsent.place, draft ? `${unsent.text}\n\n${draft}` : unsent.text);
  }

  // Copying. The text comes from the server after the click, so the browser is given a promise of it at once: it takes
  // what is copied only from a click. Without a secure context there is only the old way.
  let arrived = null;

  function textOfClick() {
    return new Promise((resolve, reject) => {
      arrived = resolve;
      setTimeout(() => { if (arrived === resolve) reject(new Error("no answer")); }, SHORT_OF_TIME);
    });
  }

  async function copy() {
    const text = textOfClick();
    try {
      if (window.isSecureContext && window.ClipboardItem) {
        const blob = text.then((it) => new Blob([it], { type: "text/plain" }));
        await navigator.clipboard.write([new ClipboardItem({ "text/plain": blob })]);
      } else {
        copyTheOldWay(await text);
      }
      say("Copied");
    } catch {
      say("Not copied: try it again.");
    }
  }

  function copyTheOldWay(text) {
    const give = (event) => {
      event.preventDefault();
      event.stopImmediatePropagation();
      event.clipboardData.setData("text/plain", text);
    };
    document.addEventListener("copy", give, true);
    const done = document.execCommand("copy");
    document.removeEventListener("copy", give, true);
    if (!done) throw new Error("refused");
  }

  function takeText() {
    const carrier = find("[data-copy]");
    if (!carrier) return;
    const bytes = Uint8Array.from(atob(carrier.dataset.text), (letter) => letter.charCodeAt(0));
    carrier.remove();
    arrived?.(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes));
    arrived = null;
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest('[class*="st-key-copy-"] button')) copy();
  });

  // A menu is gone before its click would come.
  const isCopyItem = (target) => target.closest?.('[role="menuitem"]')?.textContent.trim().startsWith("Copy");
  document.addEventListener("pointerup", (event) => { if (isCopyItem(event.target)) copy(); }, true);
  document.addEventListener("keydown", (event) => {
    if (["Enter", " "].includes(event.key) && isCopyItem(event.target)) copy();
  }, true);

  // Signed out in another tab: the server has closed this one's connection, and answers it no more.
  setInterval(async () => {
    const connection = find("[data-test-connection-state]")?.dataset.testConnectionState;
    if (!connection || connection === "CONNECTED") return;
    const answer = await fetch("_stcore/host-config").catch(() => null);
    if (answer?.status === 401) location.reload();
  }, 2000);

  // The theme is Streamlit's own choice, in its menu, which page.css hides.
  const chosenTheme = () => {
    const stored = Object.keys(localStorage).find((name) => name.startsWith(`stActiveTheme-${location.pathname}-`));
    return stored ? JSON.parse(localStorage.getItem(stored)) : "System";
  };

  function showTheme() {
    const box = find(".botchat-theme:not([data-shown])");
    if (!box) return;
    box.dataset.shown = "";
    for (const input of box.querySelectorAll("input")) input.checked = input.value === chosenTheme();
  }

  document.addEventListener("change", (event) => {
    if (!event.target.closest(".botchat-theme")) return;
    const press = (name) => find(`[data-testid="${name}"]`)?.click();
    press("stMainMenuButton");
    setTimeout(() => {
      press(`stMainMenuItem-theme-${event.target.value}`);
      press("stMainMenuButton");
      setTimeout(() => event.target.focus());
    });
  });

  const isDrawerOpen = () => find('[data-testid="stSidebar"]')?.dataset.collapsed === "false";

  // On a phone the drawer covers the conversation, so it goes once one was chosen.
  document.addEventListener("click", (event) => {
    const chosen = event.target.closest(
      '.st-key-sessions [data-testid="stRadioOption"], .st-key-new-chat button',
    );
    if (!chosen || !PHONE.matches) return;
    setTimeout(() => { if (isDrawerOpen()) find('[data-testid="stSidebarCollapseButton"] button')?.click(); });
  }, true); // a radio lets no click go further

  // Keys: / and Ctrl+K search, Ctrl+Shift+O begins a new chat.
  let searching = false; // the last key asked for the search

  document.addEventListener("keydown", (event) => {
    searching = false;
    const key = event.key.toLowerCase();
    const command = (event.ctrlKey || event.metaKey) && !event.altKey;
    const typing = event.target.closest("input:not([type=radio], [type=checkbox]), textarea");
    const wanted =
      (key === "/" && !command && !typing) || (key === "k" && command && !event.shiftKey) ? search
      : key === "o" && command && event.shiftKey ? newChat
      : null;
    if (wanted?.()) event.preventDefault();
  });

  function search() {
    if (!find(".st-key-search")) return false;
    if (!isDrawerOpen()) find('[data-testid="stExpandSidebarButton"]')?.click();
    searching = true;
    setTimeout(goToSearch);
    return true;
  }

  // The field's own script may still be on its way when the key is pressed: then it is gone to once it is there.
  function goToSearch() {
    const field = searching && find(".st-key-search input");
    if (!field) return;
    searching = false;
    field.focus();
    field.select();
  }

  function newChat() {
    const button = find(".st-key-new-chat button");
    button?.click();
    return Boolean(button);
  }

  // A long text scrolls in a box of its own, which not every browser lets keys reach.
  function letKeysScroll() {
    const box = find('[class*="st-key-long-"] pre:not([tabindex])');
    if (box) box.tabIndex = 0;
  }

  // Everything on the page comes and goes as the server says.
  function look() {
    showDraft();
    keepUnsent();
    takeText();
    showTheme();
    letKeysScroll();
    goToSearch();
  }
  takeBackUnsent();
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
  look();
})();
