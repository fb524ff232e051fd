// Takes the card's answer from the address, clears the address, and sends the answer to this service only.
const form = document.getElementById("card-answer");
const answer = window.location.hash.slice(1);

window.history.replaceState(null, "", window.location.pathname);

if (form && answer) {
  form.elements.namedItem("token").value = answer;
  form.submit();
} else {
  document.getElementById("checking").hidden = true;
  document.getElementById("no-answer").hidden = false;
}
