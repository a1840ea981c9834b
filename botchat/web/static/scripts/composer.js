// The composer: the focus, Stop instead of Send while a reply streams, keys, input methods, and dropped files.
const COMPOSER = '[data-testid="stChatInputTextArea"]';
const FIELDS = "input:not([type=radio], [type=checkbox]), textarea, [contenteditable=true]";
const FINE_POINTER = window.matchMedia("(pointer: fine)");
let focusedPlace = null; // the chat whose composer got the focus last
let usedKeys = false; // the last input was a key, not the pointer

document.addEventListener("keydown", () => { usedKeys = true; }, true);
document.addEventListener("pointerdown", () => { usedKeys = false; }, true);

// A chat that opens has its composer focused, except on touch screens, where a keyboard would cover the chat, and for
// users who move through the list with the keyboard.
function focusComposer() {
  const box = find(COMPOSER);
  if (!box || box.disabled || currentDraftKey() === focusedPlace) return;
  focusedPlace = currentDraftKey();
  const active = document.activeElement;
  const isBusy = active?.closest(`${FIELDS}, [role=dialog]`) || (usedKeys && active?.closest(".st-key-sessions"));
  if (FINE_POINTER.matches && !isBusy) box.focus({ preventScroll: true });
}

// The editor of a message: focused with the cursor at the end; Escape cancels, Ctrl+Enter sends.
let editor = null;

function focusEditor() {
  const field = find('[class*="st-key-edited-"] textarea');
  if (field && field !== editor) {
    field.focus();
    field.setSelectionRange(field.value.length, field.value.length);
  } else if (!field && editor) {
    focusedPlace = null; // the composer gets the focus back
  }
  editor = field;
}

document.addEventListener("keydown", (event) => {
  if (event.target !== editor || event.isComposing) return;
  if (event.key === "Escape") find(".st-key-cancel-edit button")?.click();
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    editor.blur(); // Streamlit sends the text of a field that loses the focus
    find(".st-key-send-edited button")?.click();
  }
});

// Enter that confirms a composition of an input method doesn't send. Safari ends the composition before the key event,
// which then has the key code 229: https://bugs.webkit.org/show_bug.cgi?id=165004
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.isComposing || event.keyCode === 229)) event.stopImmediatePropagation();
}, true);

// While a reply streams, its Stop button is where Send is otherwise.
const measured = new ResizeObserver(() => placeStop());

function placeStop() {
  const send = find('[data-testid="stChatInputSubmitButton"]');
  const isStreaming = Boolean(send && find(".st-key-stop"));
  document.documentElement.classList.toggle("botchat-streaming", isStreaming);
  if (!isStreaming) return;
  measured.observe(find('[data-testid="stChatInput"]'));
  const box = send.getBoundingClientRect();
  for (const [name, value] of Object.entries({ x: box.x, y: box.y, width: box.width, height: box.height })) {
    document.documentElement.style.setProperty(`--send-${name}`, `${value}px`);
  }
}

window.addEventListener("resize", () => placeStop());

// Escape stops the reply, unless it closes something or leaves a field. Up in an empty composer edits the last message.
document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  const isOpen = find('[role="dialog"], [role="menu"], [role="listbox"], dialog[open]');
  const inComposer = event.target.matches(COMPOSER);
  if (event.key === "Escape" && !isOpen && (inComposer || !event.target.closest(FIELDS))) {
    find(".st-key-stop button")?.click();
  }
  if (event.key === "ArrowUp" && inComposer && !event.target.value && !event.shiftKey) {
    const edit = [...document.querySelectorAll('[class*="st-key-edit-"] button')].at(-1);
    if (!edit) return;
    event.preventDefault();
    edit.click();
  }
});

// Files that are dropped anywhere on the window are attached to the message.
const fileInput = () => find('[data-testid="stChatInput"] input[type="file"]');
const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
const ownsDrop = (event) => event.target.closest?.('[data-testid="stChatInput"], [data-testid="stFileUploaderDropzone"]');

document.addEventListener("dragover", (event) => {
  if (!hasFiles(event) || ownsDrop(event) || !fileInput()) return;
  event.preventDefault();
  document.documentElement.classList.add("botchat-dropping");
});
for (const type of ["dragleave", "drop", "dragend"]) {
  document.addEventListener(type, (event) => {
    if (type !== "dragleave" || !event.relatedTarget) document.documentElement.classList.remove("botchat-dropping");
  });
}
document.addEventListener("drop", (event) => {
  const input = fileInput();
  if (!hasFiles(event) || ownsDrop(event) || !input) return;
  event.preventDefault();
  input.files = event.dataTransfer.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
});
