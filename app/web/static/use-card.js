// The way to the card agent works for five minutes. Whoever presses the button later gets a new way first.
const button = document.getElementById("use-card");
const LASTS_MS = 4 * 60 * 1000;
const loadedAt = Date.now();

async function goFreshly() {
  try {
    const answer = await fetch("/sign-in?again=yes", { credentials: "same-origin", cache: "no-store" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    window.location.assign(page.getElementById("use-card").href);
  } catch {
    window.location.reload();
  }
}

button.addEventListener("click", (event) => {
  if (Date.now() - loadedAt > LASTS_MS) {
    event.preventDefault();
    goFreshly();
  }
});
