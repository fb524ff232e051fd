// Warns two minutes before the session ends, and keeps long forms usable after it: they ask whether somebody is
// still signed in before they leave the page, and take over the new session's CSRF value.
const body = document.body;
const note = document.getElementById("session-note");
const text = document.getElementById("session-note-text");
const stay = document.getElementById("session-stay");
const signIn = document.getElementById("session-sign-in");
const MINUTE = 60_000;
const idle = Number(body.dataset.idleMinutes) * MINUTE;
let lastContact = Date.now();
let timers = [];

function say(sentence, { canStay = false, mustSignIn = false } = {}) {
  text.textContent = sentence;
  stay.hidden = !canStay;
  signIn.hidden = !mustSignIn;
  note.hidden = false;
}

function sayEnded() {
  say("You have been signed out. What you typed on this page is still here. Sign in again in a new tab, then come back and go on.", { mustSignIn: true });
}

function startAgain() {
  lastContact = Date.now();
  note.hidden = true;
  timers.forEach(clearTimeout);
  timers = [
    setTimeout(() => say("You will be signed out in 2 minutes, because this page was not used for a while.", { canStay: true }), idle - 2 * MINUTE),
    setTimeout(sayEnded, idle),
  ];
}

async function ask() {
  const answer = await fetch("/session.json", { credentials: "same-origin", cache: "no-store" });
  return answer.json();
}

async function stayIn() {
  try {
    const state = await ask();
    return state.signed_in ? startAgain() : sayEnded();
  } catch {
    say("The service does not answer. Try again.", { canStay: true });
  }
}

// Says whether the form may be sent now.
async function isReady(form) {
  const state = await ask();
  if (!state.signed_in) {
    sayEnded();
    return false;
  }
  form.elements.namedItem("csrf_value").value = state.csrf_value;
  startAgain();
  if (state.uid !== body.dataset.uid) {
    body.dataset.uid = state.uid;
    say(`You are signed in as ${state.name} now. Look at the page again, then go on.`);
    return false;
  }
  return true;
}

async function check(event) {
  const form = event.target;
  if (Date.now() - lastContact < idle - MINUTE || form.dataset.ready === "yes") {
    return;
  }
  event.preventDefault();
  try {
    if (await isReady(form)) {
      form.dataset.ready = "yes";
      form.requestSubmit(event.submitter);
      return;
    }
  } catch {
    say("The service does not answer. Nothing was sent. Try again in a minute.");
  }
  note.scrollIntoView({ block: "center" });
}

if (note && idle) {
  startAgain();
  stay.addEventListener("click", stayIn);
  document.querySelectorAll("form[method=post]").forEach((form) => form.addEventListener("submit", check));
}
