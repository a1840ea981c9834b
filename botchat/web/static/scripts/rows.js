// The rows of the session list: a click opens a session without loading the page, "⋯" opens a menu, and a name is edited
// in place. The menu and the field aren't parts of the list, so they stay open when the server redraws it.
const ROW = ".botchat-row";
const rowOf = (id) => find(`${ROW}[data-id="${CSS.escape(id)}"]`);
let actions = 0; // makes two equal actions different values of the field

function sendAction(action, id, more = {}) {
  const field = find(".st-key-row-action input");
  if (!field) return false;
  const value = JSON.stringify({ number: `${Date.now()} ${++actions}`, do: action, id, ...more });
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(field, value);
  field.dispatchEvent(new Event("input", { bubbles: true }));
  // React needs a moment to accept the value.
  setTimeout(() => field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", code: "Enter", bubbles: true })));
  return true;
}

document.addEventListener("click", (event) => {
  const row = event.target.closest(ROW);
  if (!row) return;
  if (event.target.closest("button")) {
    event.preventDefault();
    if (menu?.dataset.id === row.dataset.id) closeMenu();
    else openMenu(row);
  } else if (event.target.closest("a") && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)) {
    if (sendAction("open", row.dataset.id)) event.preventDefault();
  }
});

// Arrow keys move from row to row, F2 renames.
document.addEventListener("keydown", (event) => {
  const row = event.target.closest?.(ROW);
  if (!row) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    const rows = [...document.querySelectorAll(ROW)];
    rows[rows.indexOf(row) + step]?.querySelector(event.target.tagName)?.focus();
  } else if (event.key === "F2" && "rename" in actionsOf(row)) rename(row.dataset.id);
  else return;
  event.preventDefault();
});

const actionsOf = (row) => JSON.parse(row.closest("[data-actions]").dataset.actions);

let menu = null;
function openMenu(row) {
  closeMenu();
  menu = document.createElement("div");
  menu.className = "botchat-menu";
  menu.dataset.id = row.dataset.id;
  menu.setAttribute("role", "menu");
  menu.setAttribute("aria-label", "Options");
  for (const [action, label] of Object.entries(actionsOf(row))) {
    const isPinned = action === "pin" && "pinned" in row.dataset;
    const item = document.createElement("button");
    item.type = "button";
    item.setAttribute("role", "menuitem");
    item.textContent = isPinned ? "Unpin" : label;
    item.addEventListener("click", () => {
      const id = row.dataset.id;
      closeMenu();
      if (action === "rename") rename(id);
      else sendAction(isPinned ? "unpin" : action, id);
    });
    menu.append(item);
  }
  menu.addEventListener("keydown", moveInMenu);
  find(".stApp").append(menu);
  placeBesideRow();
  menu.firstChild.focus();
}

function moveInMenu(event) {
  const items = [...menu.children];
  const at = items.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
  if (to !== undefined) items.at(to % items.length).focus();
  else if (event.key === "Escape" || event.key === "Tab") {
    const { id } = menu.dataset;
    closeMenu();
    rowOf(id)?.querySelector("button").focus();
  } else return;
  event.preventDefault();
  event.stopPropagation();
}

function closeMenu() {
  menu?.remove();
  menu = null;
}
document.addEventListener("pointerdown", (event) => {
  if (menu && !menu.contains(event.target) && !event.target.closest(`${ROW} button`)) closeMenu();
});

let renaming = null;
function rename(id) {
  renaming?.remove();
  const field = document.createElement("input");
  renaming = field;
  field.className = "botchat-rename";
  field.dataset.id = id;
  field.value = rowOf(id).querySelector("a").textContent;
  field.maxLength = rowOf(id).closest("[data-name-limit]").dataset.nameLimit;
  field.setAttribute("aria-label", "New name");
  const end = (isSaved) => {
    if (renaming !== field) return;
    renaming = null;
    const name = field.value.trim();
    field.remove();
    rowOf(id)?.querySelector("a").focus();
    if (isSaved && name) sendAction("rename", id, { name });
  };
  field.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Enter") end(true);
    else if (event.key === "Escape") end(false);
    else return;
    event.preventDefault();
  });
  find(".stApp").append(field);
  placeBesideRow();
  field.focus();
  field.select();
}

// The list moves while it is scrolled or redrawn. Without its row, a menu closes; a field stays, with what was typed.
function placeBesideRow() {
  if (menu) {
    const row = rowOf(menu.dataset.id);
    if (!row) return closeMenu();
    const box = row.getBoundingClientRect();
    menu.style.top = `${Math.max(8, Math.min(box.bottom, innerHeight - menu.offsetHeight - 8))}px`;
    menu.style.left = `${Math.max(8, Math.min(box.right - 40, innerWidth - menu.offsetWidth - 8))}px`;
  }
  const box = renaming && rowOf(renaming.dataset.id)?.getBoundingClientRect();
  if (box) Object.assign(renaming.style, { top: `${box.top}px`, left: `${box.left}px`, width: `${box.width}px`, height: `${box.height}px` });
  for (const button of document.querySelectorAll(`${ROW} button`)) {
    const isOpen = String(button.parentElement.dataset.id === menu?.dataset.id);
    if (button.getAttribute("aria-expanded") !== isOpen) button.setAttribute("aria-expanded", isOpen);
  }
}
window.addEventListener("resize", placeBesideRow);

// A redrawn list gives the focus back to the row that had it.
let focusedRow = null;
document.addEventListener("focusin", (event) => {
  const row = event.target.closest?.(ROW);
  focusedRow = row && { id: row.dataset.id, tag: event.target.tagName };
});
function keepRowFocus() {
  if (focusedRow && document.activeElement === document.body) rowOf(focusedRow.id)?.querySelector(focusedRow.tag)?.focus();
}

// A tooltip only for names that are cut.
document.addEventListener("pointerover", (event) => {
  const name = event.target.closest?.(`${ROW} a`);
  if (name) name.title = name.scrollWidth > name.clientWidth ? name.textContent : "";
});

// Near its end, the list loads more by itself.
let lastRowAtLoad = null;
document.addEventListener("scroll", (event) => {
  placeBesideRow();
  const box = event.target;
  if (box.dataset?.testid !== "stSidebarContent") return;
  const last = [...document.querySelectorAll(ROW)].at(-1)?.dataset.id;
  if (last === lastRowAtLoad || box.scrollHeight - box.scrollTop - box.clientHeight > 400) return;
  const button = find(".st-key-load-more button");
  if (!button) return;
  lastRowAtLoad = last;
  button.click();
}, true);
