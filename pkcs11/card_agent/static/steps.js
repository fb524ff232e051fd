// Shows every step as it happens. Without script the page loads itself again every two seconds.
const table = document.getElementById("steps");
const announcement = document.getElementById("announcement");
const PAUSE_MS = 400;

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
    const answer = await fetch(table.dataset.steps);
    if (!answer.ok) return location.reload();
    const message = await answer.json();
    message.steps.forEach(show);
    if (message.over) return location.reload();
  } catch {
    announcement.textContent = "The card agent does not answer. Trying again.";
  }
  setTimeout(ask, PAUSE_MS);
}

ask();
