// Features that Streamlit has no widget for: drafts, copying, themes, the drawer on phones, and keyboard shortcuts.
// It only reads and clicks elements of the page, so the page works without it, too.
(() => {
  "use strict";
  if (window.botchat) return; // Streamlit runs the script again whenever it redraws the element
  window.botchat = true;

  const find = (selector) => document.querySelector(selector);
  const COPY_TIMEOUT_MS = 10_000;
  const PHONE = window.matchMedia("(max-width: 768px)");

  // A status message: visible for 2.5 s, and announced by screen readers.
  const status = document.createElement("div");
  status.className = "botchat-said";
  status.setAttribute("role", "status");
  document.body.append(status);
  let statusTimer;
  function announce(text) {
    status.textContent = text;
    clearTimeout(statusTimer);
    statusTimer = setTimeout(() => { status.textContent = ""; }, 2500);
  }

  // Drafts: one per session, stored only while the tab is open, because others may use this machine.
  let composer = null; // the message input, as found last
  let draftKey = null; // the key of its draft
  let lastText = ""; // its text

  const currentDraftKey = () => `botchat draft ${new URLSearchParams(location.search).get("session") ?? "new"}`;

  function store(name, text) {
    try {
      sessionStorage.setItem(name, text);
    } catch {
      sessionStorage.removeItem(name); // an older text
      announce("Draft too long to save.");
    }
  }

  function saveDraft() {
    lastText = composer.value;
    if (lastText) store(draftKey, lastText);
    else sessionStorage.removeItem(draftKey);
  }

  function setText(text) {
    // React notices a value only if the element's own setter sets it and an event follows.
    Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(composer, text);
    composer.dispatchEvent(new Event("input", { bubbles: true }));
    lastText = text;
  }

  function showDraft() {
    const box = find('[data-testid="stChatInputTextArea"]');
    if (!box || box.disabled) return;
    const isNew = box !== composer;
    composer = box;
    if (isNew) lastText = "";
    if (!isNew && composer.value !== lastText) saveDraft(); // emptied by sending, or restored by the server
    if (isNew || currentDraftKey() !== draftKey) {
      draftKey = currentDraftKey();
      const draft = sessionStorage.getItem(draftKey) ?? "";
      if (isNew && composer.value) saveDraft();
      else if (composer.value !== draft) setText(draft);
    }
  }

  document.addEventListener("input", (event) => {
    if (event.target === composer && draftKey === currentDraftKey()) saveDraft();
  });
  const showDraftSoon = () => setTimeout(showDraft);
  document.addEventListener("keydown", (event) => { if (event.target === composer && event.key === "Enter") showDraftSoon(); });
  document.addEventListener("click", showDraftSoon);
  window.addEventListener("popstate", showDraftSoon);

  // The server shows an unsent message but loses it on a reload. It then becomes a draft again.
  const UNSENT = "botchat unsent";

  function saveUnsent() {
    const text = find('.st-key-unsent [data-testid="stText"]')?.textContent;
    if (text) store(UNSENT, JSON.stringify({ place: currentDraftKey(), text }));
    else sessionStorage.removeItem(UNSENT);
  }

  function restoreUnsent() {
    const unsent = JSON.parse(sessionStorage.getItem(UNSENT));
    if (!unsent) return;
    const draft = sessionStorage.getItem(unsent.place);
    store(unsent.place, draft ? `${unsent.text}\n\n${draft}` : unsent.text);
  }

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

  // After a sign-out in another tab, the server closes this tab's connection and returns 401.
  setInterval(async () => {
    const connection = find("[data-test-connection-state]")?.dataset.testConnectionState;
    if (!connection || connection === "CONNECTED") return;
    const answer = await fetch("_stcore/host-config").catch(() => null);
    if (answer?.status === 401) location.reload();
  }, 2000);

  // The themes are items of Streamlit's own menu, which page.css hides.
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

  // On a phone, the drawer covers the conversation, so it closes when a session is selected.
  document.addEventListener("click", (event) => {
    const chosen = event.target.closest(
      '.st-key-sessions [data-testid="stRadioOption"], .st-key-new-chat button',
    );
    if (!chosen || !PHONE.matches) return;
    setTimeout(() => { if (isDrawerOpen()) find('[data-testid="stSidebarCollapseButton"] button')?.click(); });
  }, true); // a radio stops the propagation of clicks

  // Keyboard shortcuts: / and Ctrl+K search, Ctrl+Shift+O starts a new chat.
  let isSearchRequested = false; // the last key was the search shortcut

  document.addEventListener("keydown", (event) => {
    isSearchRequested = false;
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

  // A long text scrolls in its own box, which not every browser makes focusable.
  function makeLongTextsFocusable() {
    const box = find('[class*="st-key-long-"] pre:not([tabindex])');
    if (box) box.tabIndex = 0;
  }

  // The server can add and remove elements at any time.
  function update() {
    showDraft();
    saveUnsent();
    receiveText();
    showTheme();
    makeLongTextsFocusable();
    focusSearch();
  }
  restoreUnsent();
  new MutationObserver(update).observe(document.body, { childList: true, subtree: true });
  update();
})();
