// Search results: a click opens a chat without loading the page, arrow keys move through them, Escape clears the search.
// An opened message is scrolled to, and its words are marked without changing the message.
const RESULT = ".botchat-results a";
const SEARCH_FIELD = ".st-key-search input";
const MAX_CORRECTIONS = 300; // scrolls to a message that something else moves out of sight

function setField(field, value) {
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(field, value);
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

let openedResults = 0; // makes two equal choices different values of the field
document.addEventListener("click", (event) => {
  const link = event.target.closest(RESULT);
  const field = find(".st-key-hit-action input");
  if (!link || !field || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  const { session, message } = Object.fromEntries(new URL(link.href).searchParams);
  setField(field, JSON.stringify({ session, message, number: `${Date.now()} ${++openedResults}` }));
  // After React has stored the value.
  setTimeout(() => field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", code: "Enter", bubbles: true })));
  if (PHONE.matches && isDrawerOpen()) find('[data-testid="stSidebarCollapseButton"] button')?.click();
});

document.addEventListener("keydown", (event) => {
  const inField = event.target.matches?.(SEARCH_FIELD);
  const link = event.target.closest?.(RESULT);
  if ((!inField && !link) || event.isComposing || event.keyCode === 229) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const links = [...document.querySelectorAll(RESULT)];
  const field = find(SEARCH_FIELD);
  if (step) {
    const next = links[(inField ? -1 : links.indexOf(link)) + step];
    if (next) next.focus();
    else if (step < 0) field?.focus();
  } else if (event.key === "Escape" && field?.value) {
    setField(field, "");
    field.focus();
  } else return;
  event.preventDefault();
  event.stopPropagation();
}, true);

let hit = null; // the message that was opened: its element, and how often it may still be scrolled to
const keepsHit = () => hit && hit.message.isConnected && hit.left > 0;
const watched = new ResizeObserver(() => keepHitInSight());

function showHit() {
  const marker = find("[data-hit]");
  if (!marker) return forgetHit();
  const message = marker.closest('[data-testid="stChatMessage"]');
  if (!message) return;
  if (hit?.number !== marker.dataset.hit) {
    hit = { number: marker.dataset.hit, message, left: MAX_CORRECTIONS };
    watched.disconnect();
    watched.observe(message.parentElement);
    if (message.closest('[data-testid="stMain"]')) watched.observe(message.closest('[data-testid="stMainBlockContainer"]') ?? message);
  }
  hit.message = message;
  if (!message.hasAttribute("data-found")) message.setAttribute("data-found", "");
  markWords(message, JSON.parse(marker.dataset.words));
  keepHitInSight();
}

function forgetHit() {
  if (!hit) return;
  hit = null;
  watched.disconnect();
  globalThis.CSS?.highlights?.delete("botchat-words");
  for (const each of document.querySelectorAll("[data-found]")) each.removeAttribute("data-found");
}

// Until the page has settled, or the user scrolls.
function keepHitInSight() {
  if (!keepsHit()) return;
  if (typeof stopFollowing === "function") stopFollowing();
  const box = hit.message.getBoundingClientRect();
  const isInSight = box.top >= 60 && (box.bottom <= innerHeight - 150 || box.top <= innerHeight / 3);
  if (isInSight) return;
  hit.left -= 1;
  hit.message.scrollIntoView({ block: box.height > innerHeight / 2 ? "start" : "center", behavior: "instant" });
}
document.addEventListener("scroll", () => keepHitInSight(), { capture: true, passive: true });
for (const name of ["wheel", "touchmove", "pointerdown", "keydown"]) {
  document.addEventListener(name, (event) => {
    if (hit && event.isTrusted && !event.target.closest?.(RESULT)) hit.left = 0;
  }, { capture: true, passive: true });
}

// Marks the words by ranges over the text of the message, which may be split over several elements.
function markWords(message, words) {
  if (!globalThis.Highlight || !words.length) return;
  const nodes = [];
  let text = "";
  const walker = document.createTreeWalker(message, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    if (walker.currentNode.parentElement.closest("button, [data-testid=stExpander] summary")) continue;
    nodes.push({ node: walker.currentNode, start: text.length });
    text += walker.currentNode.data;
  }
  if (hit.marked === text) return;
  hit.marked = text;
  const forms = words.flatMap((word) => [word.normalize("NFC"), word.normalize("NFD")]).sort((a, b) => b.length - a.length);
  const pattern = new RegExp(forms.map((word) => word.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")).join("|"), "giu");
  const place = (offset) => {
    const at = nodes.findLast(({ start }) => start <= offset);
    return [at.node, offset - at.start];
  };
  const ranges = [];
  for (const found of text.matchAll(pattern)) {
    const range = new Range();
    range.setStart(...place(found.index));
    const [last, offset] = place(found.index + found[0].length - 1);
    range.setEnd(last, offset + 1);
    ranges.push(range);
  }
  CSS.highlights.set("botchat-words", new Highlight(...ranges));
}
