// A page that answers a form that was sent cannot be shown again without sending the form again, and browsers stop
// there with a page of their own. So whoever goes back past it later comes to a page that can be asked for.
const wayBack = document.body.dataset.wayBack;

function leave() {
  history.replaceState(history.state, "", wayBack);
}

if (wayBack) {
  document.addEventListener("submit", leave);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    // Links inside this page and to new tabs leave it where it is.
    if (link && !link.target && !link.getAttribute("href").startsWith("#")) leave();
  });
}
