// Says in words what went wrong with a passkey. allauth's script announces it as "allauth.error".

const PASSKEY_PROBLEM = document.currentScript.dataset.problem;

document.addEventListener("allauth.error", (event) => {
  const line = document.getElementById("passkey-problem");
  if (!line) return;
  event.preventDefault();
  line.textContent = PASSKEY_PROBLEM;
});
