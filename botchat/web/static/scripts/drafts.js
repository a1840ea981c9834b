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
