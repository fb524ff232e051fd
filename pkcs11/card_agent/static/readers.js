// The page waits for a card: opens it again as soon as a card comes or goes.
const waits = document.querySelector("[data-readers]");
const PAUSE_MS = 700;

async function ask() {
  try {
    const answer = await fetch("/readers.json");
    if (answer.ok && (await answer.json()).readers !== waits.dataset.readers) {
      return location.replace(waits.dataset.again);
    }
  } catch {
    // The card agent may be starting again; the next time asks once more.
  }
  setTimeout(ask, PAUSE_MS);
}

ask();
