// Keeps the list of steps of a card being issued up to date. Without this script the page reloads itself.
const list = document.getElementById("steps");
const POLL_EVERY_MS = 1000;
// Asking keeps the session alive. A page that somebody left open must not do so for ever.
const STOP_AFTER_MS = 10 * 60 * 1000;
let changedAt = Date.now();

function row(step) {
  const line = document.createElement("li");
  line.className = `app-steps__step app-steps__step--${step.colour}`;
  const tag = document.createElement("strong");
  tag.className = `nhsuk-tag nhsuk-tag--${step.colour} app-steps__tag`;
  tag.textContent = step.outcome;
  const text = document.createElement("span");
  text.className = "app-steps__text";
  text.textContent = step.text;
  const time = document.createElement("span");
  time.className = "app-steps__time";
  time.textContent = step.time;
  line.append(text, tag, time);
  return line;
}

function show(progress) {
  if (list.dataset.version === progress.version) {
    return;
  }
  if (list.dataset.status !== progress.status) {
    // The page offers other actions now, so it is loaded again as a whole.
    window.location.reload();
    return;
  }
  changedAt = Date.now();
  list.dataset.version = progress.version;
  list.replaceChildren(...progress.steps.map(row));
}

async function poll() {
  try {
    const answer = await fetch(list.dataset.source, { credentials: "same-origin", redirect: "error" });
    if (answer.ok) {
      show(await answer.json());
    }
  } catch {
    // The service may be starting again; the next poll asks once more.
  }
  if (Date.now() - changedAt < STOP_AFTER_MS) {
    setTimeout(poll, POLL_EVERY_MS);
  }
}

if (list && list.dataset.source) {
  setTimeout(poll, POLL_EVERY_MS);
}
