// Keeps the progress of a load of organisations up to date. Without this script the page reloads itself.
const bar = document.getElementById("progress");
const text = document.getElementById("progress-text");
const POLL_EVERY_MS = 1000;

function show(progress) {
  if (progress.status !== bar.dataset.status) {
    // The page offers other actions now, so it is loaded again as a whole.
    window.location.reload();
    return;
  }
  bar.value = progress.percent;
  if (text.textContent !== progress.text) {
    text.textContent = progress.text;
  }
}

async function poll() {
  try {
    const answer = await fetch(bar.dataset.source, { credentials: "same-origin", redirect: "error" });
    if (answer.ok) {
      show(await answer.json());
    }
  } catch {
    // The service may be starting again; the next poll asks once more.
  }
  setTimeout(poll, POLL_EVERY_MS);
}

if (bar) {
  setTimeout(poll, POLL_EVERY_MS);
}
