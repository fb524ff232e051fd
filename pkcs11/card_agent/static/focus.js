// Brings what went wrong to the reader at once, and links of the error summary to their fields.
const summary = document.getElementById("error-summary");
if (summary) summary.focus();
for (const link of document.querySelectorAll("#error-summary a")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    document.getElementById(link.hash.slice(1))?.focus();
  });
}
