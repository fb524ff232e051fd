// Shows every step as it happens. Without script the page loads itself again every two seconds.
const table = document.getElementById("steps");
const announcement = document.getElementById("announcement");
const PAUSE_MS = 400;
let seen = 0;

function show(step) {
  const row = table.querySelector(`tr[data-step="${step.name}"]`);
  if (row.dataset.state === step.state) return;
  row.dataset.state = step.state;
  row.cells[1].textContent = step.state;
  row.cells[2].textContent = step.time;
  announcement.textContent = `${step.sentence}: ${step.state}`;
}

async function ask() {
  try {
    // Answered as soon as a step has changed.
    const answer = await fetch(`${table.dataset.steps}?after=${seen}`);
    if (!answer.ok) return location.reload();
    const message = await answer.json();
    seen = message.changes;
    message.steps.forEach(show);
    if (message.over) return location.reload();
    ask();
  } catch {
    announcement.textContent = "The card agent does not answer. Trying again.";
    setTimeout(ask, PAUSE_MS);
  }
}

ask();
