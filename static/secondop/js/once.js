// <form data-once>: the buttons are off after the first click, so that a nervous double click does
// not send twice. The server refuses a second submit anyway; this only spares people the surprise.

export function startOnce(root) {
  root.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !form.hasAttribute("data-once")) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    // Later: a button that is disabled at once would not be part of what is sent.
    setTimeout(() => setButtons(form, true), 0);
    // If nothing happens (a download, a broken connection), the person may try again.
    setTimeout(() => release(form), 15000);
  });
  // The back button may bring the page back as it was left, with its buttons off.
  window.addEventListener("pageshow", () => {
    for (const form of root.querySelectorAll("form[data-sent]")) release(form);
  });
  document.addEventListener("htmx:after:request", () => {
    for (const form of root.querySelectorAll("form[data-sent]")) release(form);
  });
}

function release(form) {
  delete form.dataset.sent;
  setButtons(form, false);
}

function setButtons(form, off) {
  for (const button of form.querySelectorAll("button:not([type=button]), input[type=submit]")) {
    button.setAttribute("aria-busy", String(off));
    button.disabled = off;
  }
}
