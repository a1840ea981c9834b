// Scrolling: sending shows the message, "Jump to latest" leads to the end, and earlier messages load near the top.
const NEAR_END = 240; // pixels: from here on, the end counts as out of sight
const NEAR_TOP = 400; // pixels: from here on, earlier messages are loaded
let isFollowing = false; // the view stays at the end until the user scrolls up
let anchor = null; // the element that keeps its place while earlier messages are added

const scroller = () => find('[data-testid="stAppScrollToBottomContainer"], [data-testid="stMain"]');
const distanceToEnd = (box) => box.scrollHeight - box.scrollTop - box.clientHeight;

const jump = document.createElement("button");
jump.className = "botchat-jump";
jump.type = "button";
jump.textContent = "Jump to latest";
jump.hidden = true;
jump.addEventListener("click", () => {
  find(".st-key-show-newest button")?.click();
  follow();
});
document.body.append(jump);

function follow() {
  isFollowing = true;
  scrollToEnd();
}

function scrollToEnd() {
  const box = scroller();
  if (box && isFollowing && distanceToEnd(box) > 1) box.scrollTop = box.scrollHeight;
}

function showJump() {
  const box = scroller();
  const isFar = Boolean(box && find(COMPOSER) && (distanceToEnd(box) > NEAR_END || find(".st-key-show-newest")));
  if (jump.hidden === isFar) jump.hidden = !isFar;
}

// Sending: Enter in the composer, whose text is still there before Streamlit handles the key, or its button.
document.addEventListener("keydown", (event) => {
  if (event.target.matches?.(COMPOSER) && event.key === "Enter" && !event.shiftKey && event.target.value.trim()) follow();
}, true);
document.addEventListener("click", (event) => {
  if (event.target.closest('[data-testid="stChatInputSubmitButton"]')) follow();
  if (event.target.closest(".st-key-sessions, .st-key-new-chat")) isFollowing = false;
}, true);

// Scrolling up ends following.
document.addEventListener("wheel", (event) => { if (event.deltaY < 0) isFollowing = false; }, { capture: true, passive: true });
document.addEventListener("touchmove", () => { isFollowing = false; }, { capture: true, passive: true });
document.addEventListener("keydown", (event) => {
  if (["PageUp", "Home"].includes(event.key) || (event.key === "ArrowUp" && !event.target.closest(FIELDS))) isFollowing = false;
}, true);

let lastTop = 0;
document.addEventListener("scroll", (event) => {
  if (event.target !== scroller()) return;
  const top = event.target.scrollTop;
  if (top < lastTop && top < NEAR_TOP) loadEarlier();
  lastTop = top;
  showJump();
}, { capture: true, passive: true });

const MESSAGE_KEYS = '[class*="st-key-actions-"], [class*="st-key-menu-"]';
const keyOf = (element) => [...element.classList].find((name) => /^st-key-(actions|menu)-/.test(name));

function loadEarlier() {
  const button = find(".st-key-show-earlier button");
  if (!button || anchor) return;
  const inSight = [...document.querySelectorAll(MESSAGE_KEYS)].find((it) => it.getBoundingClientRect().top > 0);
  if (!inSight) return;
  anchor = { key: keyOf(inSight), top: inSight.getBoundingClientRect().top, label: button.textContent };
  button.click();
  setTimeout(() => { anchor = null; }, 3000); // a server that doesn't answer must not block the next attempt
}

function keepAnchor() {
  if (!anchor || find(".st-key-show-earlier button")?.textContent === anchor.label) return;
  const element = find(`.${CSS.escape(anchor.key)}`);
  if (!element) return;
  scroller().scrollTop += element.getBoundingClientRect().top - anchor.top;
  if (find(".stApp")?.dataset.testScriptState === "notRunning") anchor = null;
}
