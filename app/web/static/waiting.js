// Shows a progress bar while an answer takes longer than a second, whichever form was sent.
const SHOW_AFTER_MS = 1000;
let timer;
let shown;

function show(form) {
  const sentence = document.createElement("p");
  sentence.id = "waiting-text";
  sentence.setAttribute("role", "status");
  const bar = document.createElement("progress");
  bar.className = "app-progress";
  bar.setAttribute("aria-labelledby", sentence.id);
  shown = document.createElement("div");
  shown.append(sentence, bar);
  form.append(shown);
  // Filled in afterwards, because a status that is there from the beginning is not read out.
  sentence.textContent = form.dataset.waiting || "This takes a moment. Please wait.";
  shown.scrollIntoView({ block: "nearest" });
}

function stop() {
  clearTimeout(timer);
  shown?.remove();
  shown = undefined;
}

// Another script may hold the form back (session.js) and send it later, as a submission of its own.
document.addEventListener("submit", (event) => {
  const form = event.target;
  // What is downloaded leaves this page where it is.
  if (event.defaultPrevented || form.method !== "post" || "downloads" in form.dataset) return;
  stop();
  timer = setTimeout(() => show(form), SHOW_AFTER_MS);
});
window.addEventListener("pagehide", stop);
