// Runs before the page is drawn: tells the style sheet that scripts run (the design system's own inline
// script, kept in a file so that the content security policy needs no inline script at all).
document.body.classList.add("js-enabled");
if ("noModule" in HTMLScriptElement.prototype) {
  document.body.classList.add("nhsuk-frontend-supported");
}
