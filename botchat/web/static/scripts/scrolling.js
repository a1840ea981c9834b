// Scrolling: the view follows new content until the user scrolls up, "Jump to latest" leads back to the end, and earlier
// messages load near the top. Streamlit's own container of a chat sticks to its end as soon as it grows, also for users
// who scroll up while a reply streams. page.css makes its parent scroll instead, so that Streamlit's code has no effect.
const NEAR_END = 240; // pixels: farther away, the end counts as out of sight
const NEAR_TOP = 600; // pixels: from here on, earlier messages are loaded
const MESSAGE_KEY = /^st-key-(actions|menu)-/;
document.documentElement.classList.add("botchat-scrolls");

let scroller = null; // the element that scrolls, while a chat is open
let followedPlace = null; // the chat that the view was taken to the end of last
let isFollowing = false; // the view stays at the end
let lastTop = 0; // the position after the last scroll event
let lastHeight = 0; // and the height of the content
let isDragging = false; // the user moves the scroll bar
let anchor = null; // a message that keeps its place while earlier ones are added above it

const distanceToEnd = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;

const jumpPlace = document.createElement("div");
jumpPlace.setAttribute("role", "region");
jumpPlace.setAttribute("aria-label", "Latest messages");
jumpPlace.className = "botchat-jump";
jumpPlace.hidden = true;
const jump = document.createElement("button");
jump.type = "button";
jump.textContent = "Jump to latest";
jump.addEventListener("click", () => {
  find(".st-key-show-newest button")?.click();
  follow();
  find(COMPOSER)?.focus({ preventScroll: true });
});
jumpPlace.append(jump);
document.body.append(jumpPlace);

function follow() {
  isFollowing = true;
  anchor = null;
  keepEnd();
}

function stopFollowing() {
  isFollowing = false;
}

function keepEnd() {
  if (!scroller) return;
  if (isFollowing && distanceToEnd() > 1) scroller.scrollTop = scroller.scrollHeight;
  lastTop = scroller.scrollTop;
  lastHeight = scroller.scrollHeight;
}

function showJump() {
  const composer = scroller && find('[data-testid="stChatInput"]');
  const isFar = Boolean(composer) && (find(".st-key-show-newest") || (!isFollowing && distanceToEnd() > NEAR_END));
  if (composer) document.documentElement.style.setProperty("--composer-height", `${Math.round(innerHeight - composer.getBoundingClientRect().y)}px`);
  if (jumpPlace.hidden !== !isFar) jumpPlace.hidden = !isFar;
  if (!isFar) return;
  const box = composer.getBoundingClientRect();
  jumpPlace.style.left = `${box.x + box.width / 2}px`;
  jumpPlace.style.bottom = `${innerHeight - box.y + 12}px`;
}

const grown = new ResizeObserver(() => {
  keepAnchor();
  keepEnd();
  showJump();
});

// Find the scroller of the open chat; a chat opens at its end.
function watchScroller() {
  const main = find('[data-testid="stAppScrollToBottomContainer"]');
  if (scroller !== (main?.parentElement ?? null)) {
    grown.disconnect();
    scroller = main?.parentElement ?? null;
    if (main) for (const each of [main, main.firstElementChild, scroller]) grown.observe(each);
  }
  if (scroller && followedPlace !== currentDraftKey()) {
    followedPlace = currentDraftKey();
    follow();
  }
  keepAnchor();
  keepEnd();
  showJump();
}

document.addEventListener("scroll", (event) => {
  if (event.target !== scroller) return;
  const { scrollTop, scrollHeight } = scroller;
  const isUp = scrollTop < lastTop - 1;
  // The browser moves the view up when content becomes shorter, but then it's at the end.
  if (isUp && distanceToEnd() > 2 && (isDragging || scrollHeight === lastHeight)) stopFollowing();
  if (scrollTop > lastTop && distanceToEnd() < 8) isFollowing = true;
  if (isUp && scrollTop < NEAR_TOP) loadEarlier();
  lastTop = scrollTop;
  lastHeight = scrollHeight;
  showJump();
}, { capture: true, passive: true });

// A wheel, a finger or a key that scrolls up ends following before the view has moved, so that no growth comes between.
const canScrollUp = (node) => node.scrollTop > 0 && /auto|scroll/.test(getComputedStyle(node).overflowY);
function scrollsView(target) {
  for (let node = target; node && node !== scroller; node = node.parentElement) if (canScrollUp(node)) return false;
  return Boolean(scroller?.contains(target)) && scroller.scrollTop > 0;
}
document.addEventListener("wheel", (event) => {
  if (event.deltaY < 0 && !event.ctrlKey && scrollsView(event.target)) stopFollowing();
}, { capture: true, passive: true });
let touchY = 0;
document.addEventListener("touchstart", (event) => { touchY = event.touches[0].clientY; }, { capture: true, passive: true });
document.addEventListener("touchmove", (event) => {
  if (event.touches[0].clientY > touchY && scrollsView(event.target)) stopFollowing();
}, { capture: true, passive: true });
document.addEventListener("keydown", (event) => {
  const isUp = ["PageUp", "Home", "ArrowUp"].includes(event.key) || (event.key === " " && event.shiftKey);
  if (isUp && !event.target.closest(`${FIELDS}, [role=menu], [role=dialog]`)) stopFollowing();
}, true);
document.addEventListener("pointerdown", (event) => { isDragging = event.target === scroller; }, true);
document.addEventListener("pointerup", () => { isDragging = false; }, true);

// Sending leads to the message: the composer is empty once Streamlit has taken the text.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches?.(COMPOSER) || !event.target.value.trim()) return;
  const field = event.target;
  setTimeout(() => { if (!field.value) follow(); }, 0);
}, true);
const ASKING = '[data-testid="stChatInputSubmitButton"], .st-key-send-edited, .st-key-send-again, .st-key-retry, .st-key-ask-again, [class*="st-key-regenerate-"]';
document.addEventListener("click", (event) => { if (event.target.closest(ASKING)) follow(); }, true);

const keyOf = (element) => [...element.classList].find((name) => MESSAGE_KEY.test(name));
const messageKeys = () => [...document.querySelectorAll('[class*="st-key-actions-"], [class*="st-key-menu-"]')].filter(keyOf);

// Widen the window of messages; what is in sight stays where it is.
function loadEarlier() {
  const button = find(".st-key-show-earlier button");
  if (!button || anchor) return;
  holdPlace(button);
  button.click();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.(".st-key-show-earlier button");
  if (button && !anchor) holdPlace(button);
}, true);

function holdPlace(button) {
  const inSight = messageKeys().find((each) => each.getBoundingClientRect().top > 0);
  if (!inSight) return;
  stopFollowing();
  anchor = { key: keyOf(inSight), top: inSight.getBoundingClientRect().top, scrolled: scroller.scrollTop, label: button.textContent };
  const current = anchor;
  setTimeout(() => { if (anchor === current) anchor = null; }, 10000); // a lost connection doesn't block the next attempt
}

function keepAnchor() {
  if (!anchor || !scroller) return;
  anchor.top += anchor.scrolled - scroller.scrollTop; // the user keeps scrolling
  anchor.scrolled = scroller.scrollTop;
  const element = document.getElementsByClassName(anchor.key)[0];
  if (find(".st-key-show-earlier button")?.textContent === anchor.label || !element) return;
  const off = element.getBoundingClientRect().top - anchor.top;
  if (Math.abs(off) > 1) scroller.scrollTop += off;
  anchor.scrolled = scroller.scrollTop;
  if (find(".stApp")?.dataset.testScriptState === "notRunning") anchor = null;
}
