// Shows how far a batch is. Without script the page loads itself again every two seconds.
const bar = document.getElementById("batch-progress");
const count = document.getElementById("batch-count");
const says = document.getElementById("batch-says");
const PAUSE_MS = 400;

async function ask() {
  try {
    const answer = await fetch(bar.dataset.steps);
    if (!answer.ok) return location.reload();
    const message = await answer.json();
    if (!message.running || message.turn !== bar.dataset.turn) return location.reload();
    bar.value = message.ended;
    count.textContent = `${message.ended} of ${message.total} cards are done`;
    if (says.textContent !== message.says) says.textContent = message.says;
  } catch {
    says.textContent =
      "The card agent does not answer; trying again. Nothing is lost. If this stays, start it, go back and open the card desk again.";
  }
  setTimeout(ask, PAUSE_MS);
}

ask();
